"""Results out: one STAC item a mapped scene, one collection a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pystac
import shapely
from odc.geo.crs import CRS
from pystac import Asset, MediaType
from pystac.extensions.classification import Classification, ClassificationExtension
from pystac.extensions.file import FileExtension
from pystac.extensions.projection import ProjectionExtension
from pystac.extensions.raster import DataType, RasterBand, RasterExtension

from hrgldd_core import storage
from hrgldd_core.grid import crs_of, footprint
from hrgldd_core.mapping.probability import NODATA, SCALE
from hrgldd_core.scenes import Coverage, Scene

if TYPE_CHECKING:
    from hrgldd_core.mapping.plan import MappingPlan

__all__ = ["result_collection", "result_item"]

_ASSETS = (
    ("inventory", "inventory.parquet", "Inventory, GeoParquet", MediaType.PARQUET, "data"),
    ("inventory_gpkg", "inventory.gpkg", "Inventory, GeoPackage", MediaType.GEOPACKAGE, "data"),
    ("inventory_fgb", "inventory.fgb", "Inventory, FlatGeobuf", MediaType.FLATGEOBUF, "data"),
    ("inventory_shp", "inventory.shp.zip", "Inventory, Shapefile", "application/zip", "data"),
    ("report", "report.html", "Report", MediaType.HTML, "overview"),
    ("manifest", "manifest.json", "Manifest", MediaType.JSON, "metadata"),
)

_LEVELS = (
    ("probability", "Landslide probability", "probability"),
    ("uncertainty", "Standard deviation of the probability over all looks", "deviation"),
)

_MOSAIC = (
    (
        "probability",
        "Landslide probability of all scenes together",
        f"uint8, 0 to {SCALE} for probability 0 to 1, {NODATA} not mapped",
    ),
    (
        "source",
        "Scene that each pixel is from",
        "uint16, number of the scene in the manifest (mosaic.sources), 0 for none",
    ),
)

_MEANING = {
    Coverage.OUTSIDE: "outside the area of interest",
    Coverage.MAPPED: "seen and mapped",
    Coverage.CLOUD: "cloud, heavy haze or cloud shadow: not mapped",
    Coverage.NODATA: "no image data: not mapped",
}


def result_item(
    scene: Scene, *, run_id: str, files: dict[str, dict[str, str | int]], properties: dict[str, Any]
) -> dict[str, Any]:
    """Item of a mapped scene, as JSON.

    Args:
        scene: what was mapped.
        run_id: of the run.
        files: size and sha256 of ``probability``, ``coverage`` and, where there is one,
            ``uncertainty``.
        properties: further properties (``hrgldd:*``).
    """
    geobox = scene.target
    outline = shapely.geometry.shape(footprint(geobox).json)
    # STAC wants a time; a scene without one is dated by its mapping.
    moment = scene.acquired or datetime.now(UTC)
    item = pystac.Item(
        id=scene.id,
        geometry=shapely.geometry.mapping(outline),
        bbox=list(outline.bounds),
        datetime=moment,
        properties={"gsd": geobox.resolution.x, **properties},
    )
    projection = ProjectionExtension.ext(item, add_if_missing=True)
    crs = crs_of(geobox)
    projection.apply(
        code=f"EPSG:{crs.epsg}" if crs.epsg else None,
        wkt2=None if crs.epsg else crs.wkt,
        shape=list(geobox.shape),
        transform=list(geobox.affine)[:6],
    )
    for kind, title, what in _LEVELS:
        if kind not in files:
            continue
        asset = _asset(kind, scene.id, title)
        asset.description = f"uint8, 0 to {SCALE} for {what} 0 to 1, {NODATA} not mapped"
        item.add_asset(kind, asset)
        RasterExtension.ext(asset, add_if_missing=True).bands = [
            RasterBand.create(
                nodata=NODATA,
                data_type=DataType.UINT8,
                scale=1 / SCALE,
                offset=0.0,
                spatial_resolution=geobox.resolution.x,
            )
        ]
    coverage = _asset("coverage", scene.id, "What was seen")
    item.add_asset("coverage", coverage)
    RasterExtension.ext(coverage, add_if_missing=True).bands = [
        RasterBand.create(data_type=DataType.UINT8, spatial_resolution=geobox.resolution.x)
    ]
    ClassificationExtension.ext(coverage, add_if_missing=True).classes = [
        Classification.create(value=int(k), name=k.name.lower(), description=text)
        for k, text in _MEANING.items()
    ]
    for key, asset in item.assets.items():
        FileExtension.ext(asset, add_if_missing=True).apply(
            checksum=f"1220{files[key]['sha256']}", size=int(files[key]["size"])
        )
    item.collection_id = collection_id(run_id)
    document = item.to_dict(include_self_link=False)
    # PySTAC keeps relative links only of items that know their own place.
    document["links"] = [
        {"rel": "derived_from", "href": storage.public(scene.href), "title": f"Scene {scene.id}"},
        *(
            {"rel": rel, "href": "../collection.json", "type": "application/json"}
            for rel in ("root", "parent", "collection")
        ),
    ]
    return document


def collection_id(run_id: str) -> str:
    """Identifier of a run's collection."""
    return f"landslides-{run_id}"


def _asset(kind: str, scene_id: str, title: str) -> Asset:
    return Asset(
        href=f"../{kind}/{scene_id}.tif", title=title, media_type=MediaType.COG, roles=["data"]
    )


def result_collection(
    items: list[pystac.Item],
    *,
    plan: MappingPlan,
    summary: Mapping[str, Any],
    mosaics: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Collection of a run, as JSON; its items are at ``items/<id>.json`` beside it."""
    times = [item.datetime for item in items if item.datetime]
    boxes = [item.bbox for item in items if item.bbox]
    kind = "SYNTHETIC event (generated images). " if summary["synthetic"] else ""
    collection = pystac.Collection(
        id=collection_id(plan.run_id),
        title=f"Landslides: {plan.event}",
        description=(
            f"{kind}{summary['polygons']} landslides, together {summary['area_m2'] / 1e4:.1f} ha, "
            "mapped automatically and not field checked; "
            f"{summary['mapped_share']:.1%} of the area of interest was seen."
        ),
        license="other",
        extent=pystac.Extent(
            pystac.SpatialExtent(
                [[f(box[i] for box in boxes) for i, f in enumerate((min, min, max, max))]]
            ),
            pystac.TemporalExtent([[min(times), max(times)]]),
        ),
        keywords=["landslides", "inventory", "deep learning"],
        extra_fields={"hrgldd:run_id": plan.run_id, "hrgldd:status": summary["status"]},
        assets={
            key: Asset(href, title, media_type=media_type, roles=[role])
            for key, href, title, media_type, role in _ASSETS
        },
    )
    for mosaic in mosaics:
        for kind, title, description in _MOSAIC:
            file = mosaic[kind]
            key = file["href"].removesuffix(".tif").replace("/", "_")
            asset = Asset(
                f"./{file['href']}", title, description, media_type=MediaType.COG, roles=["data"]
            )
            collection.add_asset(key, asset)
            FileExtension.ext(asset, add_if_missing=True).apply(
                checksum=f"1220{file['sha256']}", size=int(file["size"])
            )
            crs = CRS(mosaic["crs"])
            ProjectionExtension.ext(asset, add_if_missing=True).apply(
                code=f"EPSG:{crs.epsg}" if crs.epsg else None, wkt2=None if crs.epsg else crs.wkt
            )
    document: dict[str, Any] = collection.to_dict(include_self_link=False)
    document["links"] = [
        {"rel": "root", "href": "./collection.json", "type": "application/json"},
        *(
            {"rel": "item", "href": f"./items/{item.id}.json", "type": "application/geo+json"}
            for item in items
        ),
    ]
    return document
