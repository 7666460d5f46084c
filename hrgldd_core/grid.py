"""Grids: shape, transform and CRS together (``odc.geo.GeoBox``), and areas of interest on them."""

from __future__ import annotations

from typing import Any

from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox
from odc.geo.geom import Geometry, box

from hrgldd_core.errors import InputError

__all__ = ["BBox", "aoi_outline", "crs_of", "footprint", "raster_grid"]

BBox = tuple[float, float, float, float]
"""West, south, east, north in degrees (EPSG:4326)."""

_DEGREES = "EPSG:4326"


def raster_grid(dataset: Any, where: str) -> GeoBox:
    """Grid of a raster.

    Raises:
        InputError: without a CRS, in degrees, rotated, or with pixels that are not square.
    """
    if dataset.crs is None:
        raise InputError(
            "has no coordinate reference system",
            where=where,
            remedy="Assign it, such as: gdal_edit.py -a_srs EPSG:32643 FILE",
        )
    t = dataset.transform
    reproject = "Reproject it first, such as: gdalwarp -t_srs EPSG:32643 -tr 3 3 IN OUT"
    if not dataset.crs.is_projected:
        raise InputError(
            "is in degrees; areas and windows need a projected CRS in metres",
            where=where,
            remedy=reproject,
        )
    if dataset.crs.linear_units_factor[1] != 1.0 or dataset.crs.to_epsg() == 3857:
        raise InputError(
            "is not in true metres (web Mercator and feet are not supported)",
            where=where,
            remedy=reproject,
        )
    if t.b or t.d:
        raise InputError("is rotated", where=where, remedy=reproject)
    if t.a <= 0 or t.e >= 0:
        raise InputError("is not north up", where=where, remedy=reproject)
    if abs(t.a + t.e) > 1e-3 * t.a:
        raise InputError(
            f"has pixels of {t.a:g} x {-t.e:g}, not square", where=where, remedy=reproject
        )
    return GeoBox((dataset.height, dataset.width), t, dataset.crs)


def crs_of(geobox: GeoBox) -> CRS:
    """CRS of a grid, which always has one here."""
    if geobox.crs is None:
        raise ValueError("a grid without a CRS")
    return geobox.crs


def aoi_outline(aoi: BBox, crs: CRS) -> Geometry:
    """The AOI's box, whose sides follow parallels and meridians, in another CRS."""
    return box(*aoi, _DEGREES).to_crs(crs, resolution=0.01)


def footprint(geobox: GeoBox) -> Geometry:
    """Outline of a grid in degrees."""
    return geobox.extent.to_crs(_DEGREES)
