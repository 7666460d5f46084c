"""Results out: one STAC item a mapped scene, one collection a run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pystac
import shapely
from pystac import Asset, MediaType
from pystac.extensions.classification import Classification, ClassificationExtension
from pystac.extensions.file import FileExtension
from pystac.extensions.projection import ProjectionExtension
from pystac.extensions.raster import DataType, RasterBand, RasterExtension

from hrgldd_core.grid import crs_of, footprint
from hrgldd_core.mapping.predict import PROBABILITY_NODATA, PROBABILITY_SCALE
from hrgldd_core.scenes import Coverage, Scene

__all__ = ["result_collection", "result_item"]

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
        files: size and sha256 of ``probability`` and ``coverage``.
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
    probability = _asset("probability", scene.id, "Landslide probability")
    probability.description = (
        f"uint8, 0 to {PROBABILITY_SCALE} for probability 0 to 1, {PROBABILITY_NODATA} not mapped"
    )
    item.add_asset("probability", probability)
    RasterExtension.ext(probability, add_if_missing=True).bands = [
        RasterBand.create(
            nodata=PROBABILITY_NODATA,
            data_type=DataType.UINT8,
            scale=1 / PROBABILITY_SCALE,
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
        {"rel": "derived_from", "href": scene.href, "title": f"Scene {scene.id}"},
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
    run_id: str,
    title: str,
    description: str,
    assets: dict[str, Asset],
    properties: dict[str, Any],
) -> pystac.Collection:
    """Collection of a run; its items are at ``items/<id>.json`` beside it."""
    times = [item.datetime for item in items if item.datetime]
    collection = pystac.Collection(
        id=collection_id(run_id),
        title=title,
        description=description,
        license="other",
        extent=pystac.Extent(
            pystac.SpatialExtent(
                [
                    [
                        *(min(i.bbox[k] for i in items if i.bbox) for k in (0, 1)),
                        *(max(i.bbox[k] for i in items if i.bbox) for k in (2, 3)),
                    ]
                ]
            ),
            pystac.TemporalExtent([[min(times), max(times)]]),
        ),
        keywords=["landslides", "inventory", "deep learning"],
        extra_fields=properties,
    )
    for key, asset in assets.items():
        collection.add_asset(key, asset)
    return collection
