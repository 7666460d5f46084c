"""Image patches and their landslide masks, read when they are needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from hrgldd_core.dataset.checked import IGNORE, invalid_pixels
from hrgldd_core.dataset.lazy import Array, Bands, Rows, row_numbers
from hrgldd_core.errors import InputError
from hrgldd_core.normalise import BandStatistics
from hrgldd_core.progress import Progress, no_progress

__all__ = ["IGNORE", "PatchSet", "invalid_pixels", "open_patches"]


@dataclass(frozen=True)
class PatchSet:
    """Image patches with labels.

    Attributes:
        images: (N, y, x, band), any numeric type; in memory, memory-mapped or read on demand.
        labels: (N, y, x) uint8, 1 landslide, 0 none, `IGNORE` unknown; likewise.
        groups: (N,) int64, the number of the site of each patch; 0 everywhere when unknown.
        bands: common name of each band, in order.
        source: where it was read from.
        sites: name of each site number; empty when sites have numbers only.
        splits: (N,) ``train``, ``val``, ``test`` or ``unseen`` (a site that takes no part in
            training: the paper's Collection 3) of each patch; None when the data does not say.
        statistics: of the whole scene each patch was cut from; None when unknown.
    """

    images: Array
    labels: Array
    groups: npt.NDArray[np.int64]
    bands: tuple[str, ...]
    source: str = ""
    sites: tuple[str, ...] = ()
    splits: npt.NDArray[np.str_] | None = None
    statistics: tuple[BandStatistics, ...] | None = None

    def __len__(self) -> int:
        return len(self.images)

    def __iter__(self) -> Iterator[tuple[npt.NDArray[Any], npt.NDArray[np.uint8]]]:
        for images, labels in self.batches():
            yield from zip(images, labels, strict=True)

    def batches(self, size: int = 64) -> Iterator[tuple[npt.NDArray[Any], npt.NDArray[np.uint8]]]:
        """Images (n, y, x, band) and labels (n, y, x), in order, at most ``size`` at a time.

        Raises:
            InputError: when a batch holds labels or pixel values that cannot be used.
        """
        for start in range(0, len(self), size):
            rows = slice(start, start + size)
            yield np.asarray(self.images[rows]), np.asarray(self.labels[rows])

    def check_all(self, progress: Progress = no_progress) -> None:
        """Read everything once; what was found sound is not checked again.

        Raises:
            InputError: naming the file and the patch whose labels or pixels cannot be used.
        """
        done = 0
        for images, _ in self.batches():
            done += len(images)
            progress("checking patches", done, len(self))

    def subset(self, index: Any) -> PatchSet:
        """The patches of a slice, a boolean or an integer index; no pixel is read."""
        rows = np.atleast_1d(row_numbers(index, len(self)))
        known = self.statistics
        return replace(
            self,
            images=Rows(self.images, rows),
            labels=Rows(self.labels, rows),
            groups=self.groups[rows],
            splits=None if self.splits is None else self.splits[rows],
            statistics=None if known is None else tuple(known[row] for row in rows),
        )

    def with_bands(self, bands: Sequence[str]) -> PatchSet:
        """The same patches with some of their bands, in this order; no pixel is read.

        Raises:
            InputError: when there is no such band.
        """
        if lacking := [band for band in bands if band not in self.bands]:
            raise InputError(
                f"has {', '.join(self.bands)}, and no {', '.join(lacking)}",
                where=self.source,
                remedy="Ask for bands that are there",
            )
        chosen = [self.bands.index(band) for band in bands]
        if tuple(bands) == self.bands:
            return self

        def some(of: tuple[float, ...]) -> tuple[float, ...]:
            return tuple(of[number] for number in chosen)

        known = self.statistics
        return replace(
            self,
            images=Bands(self.images, chosen),
            bands=tuple(bands),
            statistics=None
            if known is None
            else tuple(BandStatistics(some(s.center), some(s.scale)) for s in known),
        )

    def site_name(self, group: int) -> str:
        """The name of a site, or its number."""
        return self.sites[group] if 0 <= group < len(self.sites) else str(group)


def open_patches(uri: str, *, split: str | None = None) -> PatchSet:
    """Open patches: shapes are checked now, values when they are read.

    Args:
        uri: a built dataset, a folder of ``trainX.npy`` ... ``testY.npy``, or an ``.npz`` with
            ``X`` and ``Y`` (and ``block``, the site of each patch, when it is known).
        split: ``train``, ``val``, ``test``, ``unseen`` or, of a built dataset, ``guard``; None
            joins all that are there but those set aside between splits (``guard``).

    Raises:
        InputError: when it is not there, is something else, or has wrong shapes.
    """
    from hrgldd_core.dataset.open import open_any

    return open_any(uri, split=split)
