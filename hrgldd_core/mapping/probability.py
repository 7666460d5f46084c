"""How a probability is stored: uint8, 0-250 for 0-1, 255 where nothing was mapped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import rasterio
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from hrgldd_core.grid import raster_grid
from hrgldd_core.scenes.patience import open_patiently, reading_result

__all__ = ["NODATA", "SCALE", "Levels", "landslide", "open_levels", "quantise", "read_levels"]

SCALE = 250
"""Stored value of probability 1."""

NODATA = 255

# Quantised at a time: a whole strip's intermediate floats take three times what it takes itself.
_ROWS = 32

Levels = npt.NDArray[np.uint8]
"""(y, x) stored probabilities."""


def quantise(
    probability: npt.NDArray[np.float32],
    mapped: npt.NDArray[np.bool_],
    *,
    out: Levels | None = None,
) -> Levels:
    """Probabilities 0 to 1 as they are stored, in ``out``; `NODATA` where not mapped."""
    levels = np.empty(probability.shape, np.uint8) if out is None else out
    for top in range(0, len(levels), _ROWS):
        part = np.clip(probability[top : top + _ROWS], 0, 1)
        part *= SCALE
        levels[top : top + _ROWS] = np.rint(part, out=part)
    levels[~mapped] = NODATA
    return levels


def landslide(levels: Levels, threshold: float) -> npt.NDArray[np.bool_]:
    """Where the probability reaches a threshold; a threshold on a step includes that step."""
    least = int(np.ceil(threshold * SCALE - 1e-6))
    return np.asarray((levels >= least) & (levels != NODATA))


# Tiles are whole blocks, each read once; GDAL's own default is a share of the machine's memory.
_CACHE_BYTES = 4 << 20


@contextmanager
def open_levels(href: str) -> Iterator[tuple[Callable[[slice, slice], Levels], GeoBox]]:
    """A probability COG to be read in parts: a function of (rows, columns), and its grid."""
    with rasterio.Env(GDAL_CACHEMAX=_CACHE_BYTES), open_patiently(href) as raster:

        def read(rows: slice, columns: slice) -> Levels:
            window = Window.from_slices(rows, columns)
            with reading_result(href):
                part: Levels = raster(lambda dataset: dataset.read(1, window=window))
            return part

        yield read, raster(lambda dataset: raster_grid(dataset, href))


def read_levels(href: str) -> tuple[Levels, GeoBox]:
    """A probability COG and its grid."""
    with open_patiently(href) as raster:
        levels: Levels = raster(lambda dataset: dataset.read(1))
        return levels, raster(lambda dataset: raster_grid(dataset, href))
