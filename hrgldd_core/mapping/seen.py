"""How much of the AOI was seen, over all scenes together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from odc.geo.geobox import GeoBox
from rasterio.features import geometry_mask

from hrgldd_core.grid import BBox, aoi_outline, crs_of
from hrgldd_core.scenes import Coverage
from hrgldd_core.scenes.open import on_grid
from hrgldd_core.scenes.patience import DRIVER, again, reading_result

__all__ = ["coverage_km2"]

_LARGEST = 4096

# Where scenes overlap, what one of them saw counts.
_RANK = np.zeros(len(Coverage), np.uint8)
_RANK[[Coverage.OUTSIDE, Coverage.NODATA, Coverage.CLOUD, Coverage.MAPPED]] = range(4)


def coverage_km2(rasters: Sequence[str], aoi: BBox | None) -> dict[str, float]:
    """Area of each `Coverage` within the AOI, in km2.

    Overlapping scenes count once. Computed on the grid of the first raster, coarsened to at most
    4096 pixels a side, and scaled to the geodesic area of the AOI. Of each raster only its own part
    of that grid is read, from an overview: hundreds of scenes take seconds.

    Args:
        rasters: coverage COGs, as GDAL opens them.
        aoi: west, south, east, north in degrees; None means what the rasters cover together.
    """
    grid = _grid(rasters, aoi)
    inside = np.ones(grid.shape, bool)
    if aoi is not None:
        outline = aoi_outline(aoi, crs_of(grid))
        inside = geometry_mask([outline.json], grid.shape, grid.affine, invert=True)
    best = np.zeros(grid.shape, np.uint8)
    for path in rasters:
        with reading_result(path):
            found = again(partial(_read, path, grid), path)
        if found is not None:
            part, states = found
            np.maximum(best[part], _RANK[states], out=best[part])
    if aoi is None:
        inside = best > 0
    pixel_km2 = grid.resolution.x**2 / 1e6
    scale = _geodesic_km2(aoi) / (inside.sum() * pixel_km2) if aoi else 1.0
    return {
        kind.name.lower(): np.count_nonzero(inside & (best == _RANK[kind])) * pixel_km2 * scale
        for kind in (Coverage.MAPPED, Coverage.CLOUD, Coverage.NODATA, Coverage.OUTSIDE)
    }


def _read(path: str, grid: GeoBox) -> tuple[tuple[slice, slice], npt.NDArray[np.uint8]] | None:
    """Rows and columns of a grid that a raster can touch, and what it has there."""
    with _opened(path, grid.resolution.x) as dataset:
        part = _part(dataset, grid)
        if part is None:
            return None
        with on_grid(dataset, grid[part]) as warped:
            return part, warped.read(1)


@contextmanager
def _opened(path: str, pixel: float) -> Iterator[Any]:
    """A raster at the coarsest of its overviews that is not coarser than a pixel."""
    with rasterio.open(path, driver=DRIVER) as dataset:
        factors = dataset.overviews(1)
        fits = [i for i, f in enumerate(factors) if f * dataset.res[0] <= pixel]
        if not fits:
            yield dataset
            return
    with rasterio.open(path, driver=DRIVER, overview_level=fits[-1]) as coarse:
        yield coarse


def _part(dataset: Any, grid: GeoBox) -> tuple[slice, slice] | None:
    """Rows and columns of a grid that a raster can touch."""
    box = GeoBox(dataset.shape, dataset.transform, dataset.crs)
    extent = box.extent.to_crs(crs_of(grid), resolution=box.resolution.x * 64).boundingbox
    columns, rows = (
        sorted(((first - origin) / step, (last - origin) / step))
        for first, last, origin, step in (
            (extent.left, extent.right, grid.affine.c, grid.affine.a),
            (extent.bottom, extent.top, grid.affine.f, grid.affine.e),
        )
    )
    (top, bottom), (left, right) = (
        (max(0, math.floor(low) - 1), min(length, math.ceil(high) + 1))
        for (low, high), length in zip((rows, columns), grid.shape, strict=True)
    )
    if top >= bottom or left >= right:
        return None
    return slice(top, bottom), slice(left, right)


def _grid(rasters: Sequence[str], aoi: BBox | None) -> GeoBox:
    boxes = [again(partial(_box, path), path) for path in rasters]
    first = boxes[0]
    if aoi is not None:
        extents = [aoi_outline(aoi, crs_of(first)).boundingbox]
    else:
        extents = [b.extent.to_crs(crs_of(first)).boundingbox for b in boxes]
    left, bottom = min(e.left for e in extents), min(e.bottom for e in extents)
    right, top = max(e.right for e in extents), max(e.top for e in extents)
    pixel = max(first.resolution.x, max(right - left, top - bottom) / _LARGEST)
    shape = (max(1, round((top - bottom) / pixel)), max(1, round((right - left) / pixel)))
    return GeoBox(shape, rasterio.Affine(pixel, 0, left, 0, -pixel, top), first.crs)


def _box(path: str) -> GeoBox:
    with rasterio.open(path, driver=DRIVER) as dataset:
        return GeoBox(dataset.shape, dataset.transform, dataset.crs)


def _geodesic_km2(aoi: BBox) -> float:
    import shapely
    from pyproj import Geod

    outline = shapely.segmentize(shapely.box(*aoi), 0.01)
    return abs(Geod(ellps="WGS84").geometry_area_perimeter(outline)[0]) / 1e6
