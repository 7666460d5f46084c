"""Rasters in: a file as a STAC item, and as a provider would register it, converted to a COG."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pystac
import rasterio
import shapely
from pystac.extensions.projection import ProjectionExtension

from hrgldd_core import storage
from hrgldd_core.cog import copy_as_cog
from hrgldd_core.errors import AccessError
from hrgldd_core.grid import crs_of, footprint, raster_grid
from hrgldd_core.scenes.bands import COMMON_NAMES, names_from_raster
from hrgldd_core.scenes.open import open_raster
from hrgldd_core.stac.web import is_web

__all__ = ["item_collection", "item_from_raster", "register_scene"]

# PlanetScope names begin with the acquisition: 20241110_053942_45_24f7_...
_PLANET_TIME = re.compile(r"^(\d{8}_\d{6})_")
# PlanetScope surface reflectance is stored times 10 000.
_REFLECTANCE = re.compile(r"_SR(_8b)?(_harmonized)?(_clip)?\.tiff?$", re.IGNORECASE)
_EXTENSIONS = (
    "https://stac-extensions.github.io/eo/v1.1.0/schema.json",
    "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
)
_NEAR = ("udm2", "udm2_clip")


def item_from_raster(
    uri: str, *, bands: Sequence[str] = (), acquired: datetime | None = None
) -> pystac.Item:
    """Describe a raster as an item, reading its header only.

    Args:
        uri: a GeoTIFF or COG.
        bands: names of all its bands, in order; from the file or its PlanetScope name otherwise.
        acquired: when; from the file's tags or its PlanetScope name otherwise.

    Raises:
        InputError: when it cannot be mapped.
    """
    name = uri.rstrip("/").rsplit("/", 1)[-1]
    with open_raster(uri) as dataset:
        grid = raster_grid(dataset, uri)
        names = names_from_raster(name, dataset.count, dataset.descriptions, bands)
        tags = dataset.tags()
        moment = acquired or _time(name, tags)
        data_type, nodata = dataset.dtypes[0], dataset.nodata
    outline = shapely.geometry.shape(footprint(grid).json)
    item = pystac.Item(
        id=re.sub(r"[^A-Za-z0-9._-]", "_", name.rsplit(".", 1)[0]),
        geometry=shapely.geometry.mapping(outline),
        bbox=list(outline.bounds),
        datetime=moment,
        # An item without a time must name an interval; an unknown one is open to all searches.
        start_datetime=None if moment else datetime(1970, 1, 1, tzinfo=UTC),
        end_datetime=None if moment else datetime(2100, 1, 1, tzinfo=UTC),
        properties={"gsd": grid.resolution.x},
    )
    if moment is None:
        item.properties["hrgldd:undated"] = True
    if tags.get("HRGLDD_SYNTHETIC") == "YES":
        item.properties["hrgldd:synthetic"] = True
    crs = crs_of(grid)
    ProjectionExtension.ext(item, add_if_missing=True).apply(
        code=f"EPSG:{crs.epsg}" if crs.epsg else None,
        wkt2=None if crs.epsg else crs.wkt,
        shape=list(grid.shape),
        transform=list(grid.affine)[:6],
    )
    item.stac_extensions += _EXTENSIONS
    item.add_asset("analytic", _data_asset(uri, names, data_type, nodata))
    if mask := _mask_beside(uri):
        item.add_asset("udm2", _mask_asset(mask))
    return item


def register_scene(
    raster: str,
    folder: str,
    *,
    bands: Sequence[str] = (),
    acquired: datetime | None = None,
    properties: dict[str, Any] | None = None,
) -> pystac.Item:
    """Convert a raster (and the UDM2 beside it) to COGs in a folder; their item.

    A COG that is already there is kept.

    Raises:
        InputError: as `item_from_raster`.
    """
    item = item_from_raster(raster, bands=bands, acquired=acquired)
    item.properties |= properties or {}
    for asset in item.assets.values():
        target = storage.join(folder, asset.href.rstrip("/").rsplit("/", 1)[-1])
        if not storage.exists(target):
            local = storage.local_path(target)
            local.parent.mkdir(parents=True, exist_ok=True)
            draft = local.with_name(f".{local.name}")
            with open_raster(asset.href) as dataset:
                # A mask's bits have no average.
                mask = "data-mask" in (asset.roles or ())
                _copy_to_cog(dataset, draft, "NEAREST" if mask else "AVERAGE")
            storage.put_file(draft, target)
        asset.href = target
    return item


def _copy_to_cog(dataset: Any, path: Path, resampling: str) -> None:
    """Write an opened raster as a lossless COG."""
    with rasterio.Env(GDAL_CACHEMAX=128 << 20):
        copy_as_cog(dataset, path, overviews=resampling, PREDICTOR="STANDARD")


def item_collection(items: Sequence[pystac.Item], folder: str) -> dict[str, Any]:
    """GeoJSON FeatureCollection of items, hrefs below ``folder`` made relative to it."""
    features = []
    for item in items:
        feature = item.to_dict(include_self_link=False)
        for asset in feature["assets"].values():
            asset["href"] = asset["href"].replace(f"{folder.rstrip('/')}/", "./", 1)
        features.append(feature)
    return {"type": "FeatureCollection", "features": features}


def _data_asset(
    href: str, names: Sequence[str], data_type: str, nodata: float | None
) -> pystac.Asset:
    eo_bands = [{"name": n, "common_name": n} if n in COMMON_NAMES else {"name": n} for n in names]
    bands = [{k.replace("common", "eo:common"): v for k, v in b.items()} for b in eo_bands]
    fields: dict[str, Any] = {"eo:bands": eo_bands, "bands": bands, "data_type": data_type}
    if nodata is not None:
        fields["nodata"] = nodata
    if _REFLECTANCE.search(href):
        raster = {"data_type": data_type, "scale": 1e-4, "offset": 0.0}
        if nodata is not None:
            raster["nodata"] = nodata
        fields["raster:bands"] = [raster] * len(names)
    return pystac.Asset(
        href,
        title="Analytic image",
        media_type=pystac.MediaType.COG,
        roles=["data"],
        extra_fields=fields,
    )


def _mask_asset(href: str) -> pystac.Asset:
    return pystac.Asset(
        href,
        title="Usable data mask (UDM2)",
        media_type=pystac.MediaType.COG,
        roles=["data-mask"],
    )


def _mask_beside(uri: str) -> str | None:
    """The UDM2 that PlanetScope orders deliver beside the image."""
    folder, _, name = uri.rpartition("/")
    stem = re.split(r"_(?:3B_)?AnalyticMS", name)[0]
    if is_web(uri) or stem == name:
        return None
    for middle in ("_3B_", "_"):
        for ending in _NEAR:
            mask = f"{folder or '.'}/{stem}{middle}{ending}.tif"
            if _there(mask):
                return mask
    return None


def _there(uri: str) -> bool:
    try:
        return storage.exists(uri)
    except AccessError:
        # Who may read objects but not list them is told so of what is not there.
        return False


def _time(name: str, tags: dict[str, str]) -> datetime | None:
    for text, pattern in (
        ((_PLANET_TIME.match(name) or [""])[0].rstrip("_"), "%Y%m%d_%H%M%S"),
        (tags.get("TIFFTAG_DATETIME", ""), "%Y:%m:%d %H:%M:%S"),
    ):
        try:
            return datetime.strptime(text, pattern).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None
