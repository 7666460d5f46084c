"""The pixels of a strip of a scene: what its patches and its part of the lattice need."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from odc.geo.geobox import GeoBox

from hrgldd_core.grid import aoi_outline, crs_of
from hrgldd_core.inventory.rasterise import rasterise_aoi
from hrgldd_core.scenes import Coverage, Scene, SceneReader
from hrgldd_core.scenes.reader import sample_windows

__all__ = ["Strip", "sample_parts", "spans_of"]


def spans_of(starts: npt.NDArray[np.int64], size: int) -> list[slice]:
    """The columns that patches starting at ``starts`` cover, joined where they meet."""
    spans: list[slice] = []
    for start in np.unique(starts).tolist():
        if spans and start <= spans[-1].stop:
            spans[-1] = slice(spans[-1].start, start + size)
        else:
            spans.append(slice(start, start + size))
    return spans


class Strip:
    """Pixels of the needed columns of some rows, and which of them are usable."""

    def __init__(self, reader: SceneReader, scene: Scene, rows: slice, spans: list[slice]) -> None:
        self.rows = rows
        self._reader, self._scene = reader, scene
        self._spans = spans
        self._read = [reader.read(rows, span) for span in spans]
        self._inside = [_inside(scene, rows, span) for span in spans]
        self.dtype = self._read[0][0].dtype if spans else np.dtype(np.uint8)

    def part(self, rows: slice, columns: slice) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
        """(y, x, band) pixels and (y, x) whether they are usable, of a part that was read."""
        number, at = self._find(rows, columns)
        if number is None:
            raise ValueError("a part that was not read")
        (image, coverage), inside = self._read[number], self._inside[number]
        usable = coverage[at] == Coverage.MAPPED
        return image[at], usable if inside is None else usable & inside[at]

    def usable_pixels(self, rows: slice, columns: slice) -> npt.NDArray[Any]:
        """(n, band) pixels of a part of the lattice, as `SceneReader.sample` takes them."""
        number, at = self._find(rows, columns)
        if number is None:
            image, coverage = self._reader.read(rows, columns)
        else:
            whole, seen = self._read[number]
            image, coverage = whole[at], seen[at]
        pixels: npt.NDArray[Any] = image[coverage == Coverage.MAPPED]
        return pixels

    def _find(self, rows: slice, columns: slice) -> tuple[int | None, tuple[slice, slice]]:
        """The span that holds a part, and where in it."""
        for number, span in enumerate(self._spans):
            if (
                self.rows.start <= rows.start
                and rows.stop <= self.rows.stop
                and span.start <= columns.start
                and columns.stop <= span.stop
            ):
                top, left = self.rows.start, span.start
                return number, (
                    slice(rows.start - top, rows.stop - top),
                    slice(columns.start - left, columns.stop - left),
                )
        return None, (rows, columns)


def _inside(scene: Scene, rows: slice, columns: slice) -> npt.NDArray[np.bool_] | None:
    """(y, x) whether each pixel lies in the AOI; None without one."""
    if scene.aoi is None:
        return None
    grid: GeoBox = scene.geobox[rows, columns]
    outline = aoi_outline(scene.aoi, crs_of(grid))
    return rasterise_aoi(outline.json, grid)


def sample_parts(scene: Scene, starts: list[int]) -> list[tuple[tuple[slice, slice], ...]]:
    """The scene's lattice of samples, each part with the strip whose rows it lies in.

    Args:
        scene: whose statistics are wanted.
        starts: first row of each strip; what lies before the first goes to it.
    """
    parts: list[list[tuple[slice, slice]]] = [[] for _ in starts]
    edges = [*starts[1:], scene.geobox.shape[0]]
    for rows, columns in sample_windows(scene):
        first = rows.start
        for number, edge in enumerate(edges):
            last = min(rows.stop, edge)
            if last > first:
                parts[number].append((slice(first, last), columns))
                first = last
    return [tuple(part) for part in parts]
