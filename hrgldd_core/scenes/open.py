"""Item to scene: every reason for which it cannot be mapped is found here, before any work."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pystac
import rasterio
from odc.geo.geobox import GeoBox
from rasterio.enums import Interleaving, Resampling
from rasterio.errors import RasterioError
from rasterio.vrt import WarpedVRT

from hrgldd_core import storage
from hrgldd_core.errors import InputError
from hrgldd_core.grid import BBox, aoi_outline, crs_of, raster_grid
from hrgldd_core.scenes.bands import find_bands, find_mask, is_classification
from hrgldd_core.scenes.model import BandSource, Scene
from hrgldd_core.scenes.patience import DRIVER, again
from hrgldd_core.scenes.radiometry import radiometry

__all__ = ["check_id", "on_grid", "open_raster", "open_scene"]

# An identifier becomes a file name.
_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}")


def open_scene(item: pystac.Item, *, bands: Sequence[str], aoi: BBox | None = None) -> Scene:
    """Check an item's rasters and lay out what to read.

    Args:
        item: with absolute hrefs.
        bands: common names that the model needs, in its order.
        aoi: west, south, east, north in degrees; None maps the whole scene.

    Raises:
        InputError: when the scene cannot be mapped, saying why and what to do.
    """
    check_id(item.id)
    found = find_bands(item, bands)
    sources = []
    grids: dict[str, tuple[GeoBox, float | None, int]] = {}
    for asset, index in found:
        href = asset.href
        path = storage.gdal_path(href)
        if path not in grids:
            with open_raster(href) as dataset:
                where = storage.public(href)
                grids[path] = raster_grid(dataset, where), dataset.nodata, dataset.count
        if index > (count := grids[path][2]):
            raise InputError(
                f"has {count} bands, the item names {index} or more",
                where=where,
                remedy="Correct the item's bands to what the file holds",
            )
        sources.append(BandSource(path, index, radiometry(item, asset, index)))
    geobox, nodata, _ = grids[sources[0].path]
    _check_one_grid(item.id, bands, [grids[source.path][0] for source in sources])
    if mask := find_mask(item):
        open_raster(mask.href).close()
    acquired = item.datetime or item.common_metadata.start_datetime
    return Scene(
        id=item.id,
        acquired=None if item.properties.get("hrgldd:undated") else acquired,
        href=found[0][0].href,
        geobox=geobox,
        window=_window(geobox, aoi, item.id),
        bands=tuple(bands),
        sources=tuple(sources),
        nodata=sources[0].radiometry.nodata if nodata is None else nodata,
        mask=storage.gdal_path(mask.href) if mask else None,
        aoi=aoi,
        synthetic=bool(item.properties.get("hrgldd:synthetic")),
        classified=mask is not None and is_classification(item, mask),
    )


def _check_one_grid(scene_id: str, bands: Sequence[str], grids: Sequence[GeoBox]) -> None:
    """Refuse bands whose pixels do not lie on each other."""
    if any(grid != grids[0] for grid in grids):
        told = "; ".join(
            f"{band} {g.width} x {g.height} pixels of {g.resolution.x:g} m, {g.crs}"
            for band, g in zip(bands, grids, strict=True)
        )
        raise InputError(
            f"has its bands on different grids ({told})",
            where=scene_id,
            remedy="Choose a --model whose bands the item offers at one resolution, or resample "
            "them to one grid first (gdalwarp)",
        )


def check_id(scene_id: str) -> None:
    """Refuse an identifier that cannot be a file name.

    Raises:
        InputError: with what is allowed.
    """
    if not _SAFE_ID.fullmatch(scene_id):
        raise InputError(
            f"item id {scene_id[:80]!r} cannot name a file",
            remedy="Use letters, digits, '.', '_' and '-' only",
        )


def open_raster(href: str) -> Any:
    """Open a raster for reading (a rasterio dataset).

    Raises:
        InputError: when it is not there, not a raster, or cut off.
    """
    path, where = storage.gdal_path(href), storage.public(href)
    if storage.is_local(href) and not Path(path).exists():
        raise InputError("no such file", where=href, remedy="Check the path")
    try:
        dataset = again(lambda: rasterio.open(storage.signed_path(path), driver=DRIVER), path)
    except RasterioError as error:
        raise InputError(
            f"is not a readable raster ({storage.redact(str(error)).replace(path, where)})",
            where=where,
            remedy="Give a GeoTIFF or COG; if this is one, download it again",
        ) from None
    if any(name.startswith("complex") for name in dataset.dtypes):
        dataset.close()
        raise InputError("holds complex numbers", where=where, remedy="Give reflectance")
    if dataset.count == 0:
        dataset.close()
        raise InputError("holds no raster bands", where=where, remedy="Give a GeoTIFF or COG")
    if storage.is_local(href):
        try:
            _check_whole(dataset, Path(path))
        except InputError:
            dataset.close()
            raise
    return dataset


def on_grid(dataset: Any, grid: GeoBox, *, alpha: bool = False) -> Any:
    """A view of an opened raster on another grid, nearest pixels (a rasterio dataset).

    Args:
        dataset: the opened raster.
        grid: the other grid.
        alpha: add a band that is 0 where the raster does not reach.
    """
    return WarpedVRT(
        dataset,
        crs=str(grid.crs),
        transform=grid.affine,
        width=grid.width,
        height=grid.height,
        resampling=Resampling.nearest,
        add_alpha=alpha,
    )


def _check_whole(dataset: Any, path: Path) -> None:
    """Refuse a TIFF whose last block lies beyond the end of the file."""
    size = path.stat().st_size
    rows, columns = dataset.block_shapes[0]
    grid = product(range(-(-dataset.height // rows)), range(-(-dataset.width // columns)))
    # Interleaved by pixel, one block holds all bands.
    own = dataset.interleaving == Interleaving.band
    for (row, column), band in product(grid, dataset.indexes if own else (1,)):
        block = f"{column}_{row}"
        start = dataset.get_tag_item(f"BLOCK_OFFSET_{block}", "TIFF", bidx=band)
        length = dataset.get_tag_item(f"BLOCK_SIZE_{block}", "TIFF", bidx=band)
        if start and length and int(start) + int(length) > size:
            raise InputError(
                f"is cut off: block {block} ends at byte {int(start) + int(length)}, "
                f"the file at {size}",
                where=str(path),
                remedy="Download it again",
            )


def _window(geobox: GeoBox, aoi: BBox | None, where: str) -> tuple[slice, slice]:
    """Rows and columns of the part inside the AOI's box."""
    rows, columns = geobox.shape
    if aoi is None:
        return slice(0, rows), slice(0, columns)
    outline = aoi_outline(aoi, crs_of(geobox))
    left, bottom, right, top = outline.boundingbox.bbox
    a = geobox.affine
    row0, row1 = math.floor((top - a.f) / a.e), math.ceil((bottom - a.f) / a.e)
    column0, column1 = math.floor((left - a.c) / a.a), math.ceil((right - a.c) / a.a)
    row0, row1 = max(0, row0), min(rows, max(row1, 0))
    column0, column1 = max(0, column0), min(columns, max(column1, 0))
    if row0 >= row1 or column0 >= column1:
        raise InputError("does not touch the AOI", where=where, remedy="Check --bbox")
    return slice(row0, row1), slice(column0, column1)
