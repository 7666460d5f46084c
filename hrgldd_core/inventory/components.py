"""Connected areas found tile by tile: the same as if the whole raster were labelled at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

__all__ = ["TILE", "Seams", "Tile", "label_tile", "tiles"]

TILE = 1536
"""Side of a tile, pixels: three blocks of a COG; its labels are 9 MiB."""

_UNSEEN = -1


@dataclass(frozen=True)
class Tile:
    """Rows and columns of a raster that are looked at together."""

    rows: slice
    columns: slice


def tiles(shape: Sequence[int], side: int = TILE) -> Iterator[Tile]:
    """All tiles of a raster, row by row, from left to right."""
    height, width = shape
    for top in range(0, height, side):
        for left in range(0, width, side):
            yield Tile(slice(top, min(top + side, height)), slice(left, min(left + side, width)))


def label_tile(mask: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.int32], int]:
    """Number the areas of a tile from 1; pixels that touch at a corner belong together."""
    import cv2

    # The background counts as one. A third of scipy's time.
    count, labels = cv2.connectedComponents(mask.view(np.uint8), connectivity=8, ltype=cv2.CV_32S)
    return np.asarray(labels, np.int32), count - 1


class Seams:
    """Which areas of neighbouring tiles are one, and which touch what was not seen.

    Every tile of `tiles` must be added, in their order; memory is that of one row of pixels and of
    the areas themselves.
    """

    def __init__(self, shape: Sequence[int]) -> None:
        """Begin with a raster of so many (rows, columns)."""
        self._height, self._width = shape
        # A pixel more on each side, so that a corner is looked at without asking whether it is.
        self._above = np.full(self._width + 2, _UNSEEN)
        self._below = self._above.copy()
        self._left = np.empty(0, np.int64)
        self._links: list[npt.NDArray[np.int64]] = []
        self._cut: list[npt.NDArray[np.int64]] = []
        self.count = 0

    def add(
        self,
        tile: Tile,
        labels: npt.NDArray[np.int32] | None,
        count: int,
        *,
        unseen: npt.NDArray[np.bool_] | None = None,
    ) -> int:
        """Take in the next tile; the number of its first area.

        Args:
            tile: its place.
            labels: (y, x) from `label_tile`; None for a tile without areas.
            count: number of its areas.
            unseen: (y, x) where nothing was seen; None where all was.
        """
        first, stop = tile.columns.start, tile.columns.stop
        if first == 0:
            self._above, self._below = self._below, np.full_like(self._below, _UNSEEN)
            self._left = np.full(tile.rows.stop - tile.rows.start, _UNSEEN)
        offset = self.count
        self.count += count
        top, bottom, left, right = self._lines(tile, labels, unseen, offset)
        for shift in (0, 1, 2):
            self._link(self._above[first + shift : stop + shift], top)
        self._link(self._left, left)
        self._link(self._left[1:], left[:-1])
        self._link(self._left[:-1], left[1:])
        self._left = right
        self._below[first + 1 : stop + 1] = bottom
        if tile.rows.stop == self._height:
            self._cut.append(np.unique(bottom[bottom > 0]) - 1)
        if stop == self._width:
            self._cut.append(np.unique(right[right > 0]) - 1)
        return offset

    @staticmethod
    def _lines(
        tile: Tile,
        labels: npt.NDArray[np.int32] | None,
        unseen: npt.NDArray[np.bool_] | None,
        offset: int,
    ) -> Iterator[npt.NDArray[np.int64]]:
        """First and last row, first and last column: areas from 1, `_UNSEEN`, 0 elsewhere."""
        shape = tile.rows.stop - tile.rows.start, tile.columns.stop - tile.columns.start
        for part, length in (
            (np.s_[0], shape[1]),
            (np.s_[-1], shape[1]),
            (np.s_[:, 0], shape[0]),
            (np.s_[:, -1], shape[0]),
        ):
            line = np.zeros(length, np.int64)
            if labels is not None:
                line = np.where(labels[part] > 0, labels[part].astype(np.int64) + offset, 0)
            if unseen is not None:
                line[unseen[part]] = _UNSEEN
            yield line

    def _link(self, one: npt.NDArray[np.int64], other: npt.NDArray[np.int64]) -> None:
        both = (one > 0) & (other > 0)
        if both.any():
            self._links.append(np.unique(np.stack([one[both], other[both]], axis=1), axis=0) - 1)
        for area, beside in ((one, other), (other, one)):
            cut = (area > 0) & (beside == _UNSEEN)
            if cut.any():
                self._cut.append(np.unique(area[cut]) - 1)

    def groups(self) -> npt.NDArray[np.int32]:
        """Number of the area, from 0, to which each area of a tile belongs."""
        if not self._links:
            return np.arange(self.count, dtype=np.int32)
        left, right = np.concatenate(self._links).T
        links = coo_array((np.ones(len(left), bool), (left, right)), shape=(self.count,) * 2)
        _, group = connected_components(links, directed=False)
        return np.asarray(group, np.int32)

    def cut(self) -> npt.NDArray[np.int64]:
        """Areas of tiles that touch, across a seam, the raster's border or what was not seen."""
        return np.unique(np.concatenate([np.empty(0, np.int64), *self._cut]))
