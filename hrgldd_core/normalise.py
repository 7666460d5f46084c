"""Radiometric normalisation: the one step that lets a model meet another sensor.

Statistics are taken once for a scene (or for a patch, when nothing larger is known), never for a
window: a window's own statistics would change at its border and leave a seam.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

__all__ = ["BandStatistics", "Normalisation", "band_statistics"]

FloatArray = npt.NDArray[np.float32]

# (p95 - p5) of a normal distribution is 3.29 standard deviations.
_SPREAD_TO_SIGMA = 3.29


@dataclass(frozen=True)
class BandStatistics:
    """Robust location and spread of each band, in the units of the data.

    Attributes:
        center: median of each band.
        scale: robust standard deviation of each band, (p95 - p5) / 3.29, always positive.
    """

    center: tuple[float, ...]
    scale: tuple[float, ...]

    def blend(self, other: BandStatistics, share: float) -> BandStatistics:
        """Statistics between these (``share`` 0) and ``other`` (``share`` 1)."""

        def mix(a: tuple[float, ...], b: tuple[float, ...]) -> tuple[float, ...]:
            return tuple((1 - share) * x + share * y for x, y in zip(a, b, strict=True))

        return BandStatistics(mix(self.center, other.center), mix(self.scale, other.scale))


def band_statistics(samples: npt.NDArray[np.generic]) -> BandStatistics:
    """Median and robust spread of each band.

    Args:
        samples: (n, band) usable pixels, any numeric type.

    Raises:
        ValueError: without a single sample.
    """
    if len(samples) == 0:
        raise ValueError("no usable pixel to take statistics from")
    low, center, high = _percentiles(samples)
    # Constant bands (a flat patch) would divide by zero: fall back on the largest spread.
    spread = (high - low) / _SPREAD_TO_SIGMA
    floor = max(float(spread.max()) * 0.05, 1e-6)
    return BandStatistics(tuple(center.tolist()), tuple(np.maximum(spread, floor).tolist()))


def _percentiles(samples: npt.NDArray[np.generic]) -> npt.NDArray[np.float64]:
    """(3, band) 5th, 50th and 95th percentile of each band."""
    shares = np.array([0.05, 0.5, 0.95])
    if samples.dtype not in (np.uint8, np.uint16):
        # Each band's samples beside each other: three times as fast.
        by_band = np.ascontiguousarray(samples.T, np.float64)
        found: npt.NDArray[np.float64] = np.percentile(by_band, 100 * shares, axis=1)
        return found
    # The same from counts of the few values there are: ten times as fast.
    at = shares * (len(samples) - 1)
    below = np.floor(at).astype(np.int64)
    share = at - below
    columns = []
    for band in range(samples.shape[1]):
        ends = np.cumsum(np.bincount(samples[:, band]))
        low = np.searchsorted(ends, below, side="right").astype(np.float64)
        above = np.minimum(below + 1, len(samples) - 1)
        step = np.searchsorted(ends, above, side="right") - low
        # From the nearer end, as NumPy does: the same to the last bit.
        columns.append(np.where(share < 0.5, low + step * share, low + step - step * (1 - share)))
    return np.stack(columns, 1)


@dataclass(frozen=True)
class Normalisation:
    """How pixel values become model input; it is stored with the model.

    Attributes:
        method: ``robust`` is arcsinh((x - center) / scale), which keeps bright scars apart from
            vegetation without letting roofs saturate the range; ``none`` passes values through
            (the paper's recipe).
    """

    method: Literal["none", "robust"] = "robust"

    def apply(self, pixels: npt.NDArray[np.generic], statistics: BandStatistics) -> FloatArray:
        """Normalise (..., band) pixels to float32."""
        if self.method == "none":
            return pixels.astype(np.float32)
        bands = pixels.shape[-1]
        # As many pixels as a type has values are worth a table of them: a fifth of the time.
        if pixels.dtype in (np.uint8, np.uint16) and pixels.size // bands > 256**pixels.itemsize:
            import cv2

            table = _table(statistics, pixels.dtype.name)
            flat = np.ascontiguousarray(pixels).reshape(1, -1, bands)
            return np.asarray(cv2.LUT(flat, table), np.float32).reshape(pixels.shape)
        return _robust(pixels.astype(np.float32), statistics)


def _robust(x: FloatArray, statistics: BandStatistics) -> FloatArray:
    """(..., band) values, normalised in their place."""
    x -= np.asarray(statistics.center, np.float32)
    x /= np.asarray(statistics.scale, np.float32)
    return np.arcsinh(x, out=x)


@lru_cache(maxsize=8)
def _table(statistics: BandStatistics, dtype: str) -> FloatArray:
    """(1, value, band) what each value of an unsigned integer type becomes."""
    values = np.arange(np.iinfo(dtype).max + 1, dtype=np.float32)
    return _robust(np.stack([values] * len(statistics.center), axis=-1), statistics)[None]
