"""Scenes beside each other on one grid: a lazy array of (time, band, y, x)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pystac
from affine import Affine
from odc.geo.geobox import GeoBox

from hrgldd_core.errors import InputError
from hrgldd_core.grid import BBox, aoi_outline, crs_of
from hrgldd_core.scenes.loaders import LoaderName, Stacked, loader_of
from hrgldd_core.scenes.model import Scene
from hrgldd_core.scenes.open import open_scene

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["load_stack", "stack_grid"]

# Room for rounding errors of corners, in pixels.
_HAIR = 1e-3


def load_stack(
    items: Sequence[pystac.Item],
    *,
    bands: Sequence[str],
    grid: GeoBox | None = None,
    aoi: BBox | None = None,
    loader: LoaderName = "odc",
    chunk: int = 1024,
    reflectance: bool = False,
) -> xr.DataArray:
    """Scenes as one array of dask blocks; pixels are read when it is computed.

    Each pixel is the one of the scene in which its centre lies (nearest), so values are as stored.

    Args:
        items: with absolute hrefs, in any coordinate reference systems in metres.
        bands: common names, in the order of the result.
        grid: of the result, north up; that of `stack_grid` otherwise.
        aoi: west, south, east, north in degrees, when there is no ``grid``.
        loader: what reads. All give the same pixels; ``stackstac`` takes one file a band only.
        chunk: side of a block, pixels.
        reflectance: apply each item's scale and offset: float32, NaN where there is no data.

    Returns:
        (time, band, y, x) ordered by time, then id. Coordinates ``scene`` (ids), ``x`` and ``y``
        (centres of pixels); attributes ``crs`` and ``nodata``, which fills what lies beyond a
        scene too (0 where the scenes have no nodata value).

    Raises:
        InputError: when a scene cannot be used, or not by this loader.
    """
    import xarray as xr
    from odc.geo.xr import xr_coords

    if not items:
        raise InputError("no scene to stack", remedy="Widen the search")
    scenes = [open_scene(item, bands=bands) for item in items]
    scenes.sort(key=lambda s: ("" if s.acquired is None else s.acquired.isoformat(), s.id))
    grid = stack_grid(scenes, aoi=aoi) if grid is None else _checked(grid)
    crs = crs_of(grid)
    values = {s.nodata for s in scenes if s.nodata is not None and not math.isnan(s.nodata)}
    if len(values) > 1 or (values and any(s.nodata is None for s in scenes)):
        told = ", ".join(f"{s.id}: {s.nodata}" for s in scenes[:4])
        raise InputError(
            f"the scenes have different nodata values ({told})",
            remedy="Stack those of one product at a time",
        )
    nodata = next(iter(values), scenes[0].nodata)
    stacked = Stacked(tuple(scenes), grid, 0.0 if nodata is None else nodata, chunk)
    array = xr.DataArray(
        loader_of(loader)(stacked),
        dims=("time", "band", "y", "x"),
        coords={
            **{str(k): v for k, v in xr_coords(grid, dims=("y", "x")).items()},
            "time": [_moment(s) for s in scenes],
            "scene": ("time", [s.id for s in scenes]),
            "band": list(bands),
        },
        attrs={"crs": f"EPSG:{crs.epsg}" if crs.epsg else crs.wkt, "nodata": nodata},
    )
    return _as_reflectance(array, scenes, nodata) if reflectance else array


def stack_grid(scenes: Sequence[Scene], *, aoi: BBox | None = None) -> GeoBox:
    """The first scene's pixels, over all scenes or the AOI's box.

    Raises:
        InputError: when no scene touches the AOI.
    """
    first = scenes[0].geobox
    crs, a = crs_of(first), first.affine
    boxes = [s.geobox.extent.to_crs(crs, resolution=100 * a.a).boundingbox for s in scenes]
    left, right = min(b.left for b in boxes), max(b.right for b in boxes)
    bottom, top = min(b.bottom for b in boxes), max(b.top for b in boxes)
    if aoi is not None:
        box = aoi_outline(aoi, crs).boundingbox
        left, right = max(left, box.left), min(right, box.right)
        bottom, top = max(bottom, box.bottom), min(top, box.top)
        if left >= right or bottom >= top:
            raise InputError("no scene touches the AOI", remedy="Check the box")
    column = math.floor((left - a.c) / a.a + _HAIR)
    row = math.floor((top - a.f) / a.e + _HAIR)
    width = math.ceil((right - a.c) / a.a - _HAIR) - column
    height = math.ceil((bottom - a.f) / a.e - _HAIR) - row
    corner = Affine(a.a, 0, a.c + column * a.a, 0, a.e, a.f + row * a.e)
    return GeoBox((height, width), corner, crs)


def _checked(grid: GeoBox) -> GeoBox:
    a = grid.affine
    if a.b or a.d or a.a <= 0 or a.e >= 0:
        raise InputError(
            "the grid of the stack is not north up", remedy="Give one with columns to the east"
        )
    crs_of(grid)
    return grid


def _moment(scene: Scene) -> np.datetime64:
    if scene.acquired is None:
        return np.datetime64("NaT", "ns")
    return np.datetime64(scene.acquired.replace(tzinfo=None), "ns")


def _as_reflectance(
    array: xr.DataArray, scenes: Sequence[Scene], nodata: float | None
) -> xr.DataArray:
    def each(name: str) -> npt.NDArray[np.float32]:
        told: list[list[Any]] = [[getattr(b.radiometry, name) for b in s.sources] for s in scenes]
        return np.asarray(told, np.float32)[:, :, None, None]

    seen = array if nodata is None else array.where(array != nodata)
    scaled = seen.astype(np.float32) * each("scale") + each("offset")
    return scaled.assign_attrs(crs=array.attrs["crs"], nodata=float("nan"))
