"""Pixels and labels from elsewhere: checked when they are read, masked where nothing was seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hrgldd_core.dataset.lazy import Array, LazyArray
from hrgldd_core.errors import InputError

__all__ = ["IGNORE", "CheckedImages", "CheckedLabels", "invalid_pixels"]

IGNORE = 255
"""Label of pixels that count neither in a loss nor in a metric."""

# Margins of figures that were compressed: nearly white.
_WHITE = 250


def invalid_pixels(images: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Pixels that hold no observation: solid black (nodata) or, in 8 bits, solid white (margins).

    Single black or white pixels are kept: only areas at least three pixels wide count, where a
    margin along the edge is taken to go on outside the patch.

    Args:
        images: (N, y, x, band).

    Returns:
        (N, y, x), true where there is nothing to see.
    """
    solid = np.zeros(images.shape[:3], bool)
    # Band by band: NumPy reduces a short last axis a pixel at a time.
    bands = [images[..., band] for band in range(images.shape[-1])]
    blanks = [np.logical_and.reduce([band == 0 for band in bands])]
    if images.dtype == np.uint8:
        blanks.append(np.logical_and.reduce([band >= _WHITE for band in bands]))
    for blank in blanks:
        some = np.flatnonzero(blank.any((1, 2)))
        if len(some):
            from scipy import ndimage

            padded = np.pad(blank[some], ((0, 0), (3, 3), (3, 3)), mode="edge")
            opened = ndimage.binary_opening(padded, np.ones((1, 3, 3), bool))
            solid[some] |= opened[:, 3:-3, 3:-3]
    return solid


class CheckedImages(LazyArray):
    """Images (N, y, x, band) of a file; refused when a pixel is no number a model can take."""

    def __init__(self, base: npt.NDArray[Any], where: str) -> None:
        self._base, self._where = base, where
        self.shape, self.dtype = base.shape, base.dtype
        self._sound = np.full(len(base), base.dtype.kind != "f")

    def read(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        """The images of these numbers.

        Raises:
            InputError: when one holds NaN, infinity or what float32 cannot hold.
        """
        images = np.asarray(self._base[rows])
        if not self._sound[rows].all():
            with np.errstate(over="ignore"):
                finite = np.isfinite(images.astype(np.float32, copy=False)).all((1, 2, 3))
            if not finite.all():
                raise InputError(
                    f"X holds NaN or infinity in patch {rows[~finite][0]} (counted from 0)",
                    where=self._where,
                    remedy="Fill nodata with 0",
                )
            self._sound[rows] = True
        return images


class CheckedLabels(LazyArray):
    """Labels (N, y, x) of a file as uint8: 0, 1, and `IGNORE` where the image shows nothing."""

    def __init__(self, base: npt.NDArray[Any], images: Array, where: str) -> None:
        self._base, self._images, self._where = base, images, where
        self.shape, self.dtype = base.shape, np.dtype(np.uint8)
        self._sound = np.zeros(len(base), bool)
        # Patches without a blank pixel need no second look at their images.
        self._full = np.zeros(len(base), bool)

    def read(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        """The labels of these numbers.

        Raises:
            InputError: when one is neither 0 nor 1.
        """
        found = np.asarray(self._base[rows])
        if not self._sound[rows].all():
            wrong = ((found != 0) & (found != 1)).any((1, 2))
            if wrong.any():
                first = int(np.flatnonzero(wrong)[0])
                raise InputError(
                    f"Y holds labels {np.unique(found[first])[:6].tolist()} "
                    f"in patch {rows[first]} (counted from 0)",
                    where=self._where,
                    remedy="Use 0 and 1 only",
                )
            self._sound[rows] = True
        labels = found.astype(np.uint8)
        unsure = ~self._full[rows]
        if unsure.any():
            blank = invalid_pixels(np.asarray(self._images[rows[unsure]]))
            labels[unsure] = np.where(blank, np.uint8(IGNORE), labels[unsure])
            self._full[rows[unsure]] = ~blank.any((1, 2))
        return labels
