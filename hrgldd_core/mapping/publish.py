"""From mapped scenes to the published result: inventory, report, manifest and, last, collection."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pystac
import rasterio
from pystac import MediaType

from hrgldd_core import __version__, storage
from hrgldd_core.errors import InputError
from hrgldd_core.grid import raster_grid
from hrgldd_core.inventory.build import Inventory, build_inventory
from hrgldd_core.inventory.polygonise import ScenePolygons, polygonise
from hrgldd_core.inventory.write import FORMATS, write_inventory
from hrgldd_core.mapping.describe import describe_run
from hrgldd_core.mapping.plan import MappingPlan
from hrgldd_core.mapping.predict import PROBABILITY_NODATA, PROBABILITY_SCALE
from hrgldd_core.mapping.run import mapped_item, open_planned_model
from hrgldd_core.mapping.seen import coverage_km2
from hrgldd_core.mapping.truth import compare_with_truth
from hrgldd_core.scenes import Scene, open_scene
from hrgldd_core.stac.results import result_collection

__all__ = ["publish", "published_summary"]

_ASSETS = (
    ("inventory", "inventory.parquet", "Inventory, GeoParquet", MediaType.PARQUET, "data"),
    ("inventory_gpkg", "inventory.gpkg", "Inventory, GeoPackage", MediaType.GEOPACKAGE, "data"),
    ("inventory_fgb", "inventory.fgb", "Inventory, FlatGeobuf", MediaType.FLATGEOBUF, "data"),
    ("inventory_shp", "inventory.shp.zip", "Inventory, Shapefile", "application/zip", "data"),
    ("report", "report.html", "Report", MediaType.HTML, "overview"),
    ("manifest", "manifest.json", "Manifest", MediaType.JSON, "metadata"),
)

_VERSIONS = ("keras", "tensorflow-cpu", "tensorflow", "numpy", "rasterio", "geopandas", "shapely")


def published_summary(plan: MappingPlan) -> dict[str, Any]:
    """What a finished run found, from its manifest."""
    manifest: dict[str, Any] = storage.read_json(storage.join(plan.out, "manifest.json"))
    return dict(manifest["summary"])


def publish(plan: MappingPlan, missing: Mapping[str, str]) -> dict[str, Any]:
    """Write everything that concerns the run as a whole; the collection last.

    Args:
        plan: of the run.
        missing: reason for each scene that could not be mapped.

    Returns:
        The summary, as in the manifest.

    Raises:
        InputError: when no scene was mapped.
    """
    spec = open_planned_model(plan).spec
    items = {i.id: i for i in plan.scenes()}
    mapped = {k: m for k in items if k not in missing and (m := mapped_item(plan, k)) is not None}
    lost = {k: missing.get(k, "was not mapped") for k in items if k not in mapped}
    if not mapped:
        raise InputError("no scene could be mapped: " + "; ".join(map(": ".join, lost.items())))
    scenes = {k: open_scene(items[k], bands=spec.bands, aoi=plan.aoi) for k in mapped}
    polygons = [_polygons(plan, scenes[k]) for k in mapped]
    inventory = build_inventory(
        polygons,
        min_area_m2=plan.parameters.min_area_m2,
        threshold=plan.parameters.threshold,
        model_id=f"{spec.id} {spec.version}",
    )
    write_inventory(inventory.frame, plan.out)
    rasters = [storage.gdal_path(_raster(plan, "coverage", k)) for k in mapped]
    seen = coverage_km2(rasters, plan.aoi)
    truth = compare_with_truth(plan, list(scenes.values()), items)
    summary = _summary(plan, mapped, inventory, seen, lost)
    summary["synthetic"] = any(s.synthetic for s in scenes.values())
    if truth:
        summary["truth"] = truth
    created = datetime.now(UTC)
    html = describe_run(
        plan,
        spec,
        scenes=scenes,
        mapped=mapped,
        inventory=inventory,
        summary=summary,
        created=created,
        sensitivity=_sensitivity(plan, mapped),
    )
    storage.write_bytes(storage.join(plan.out, "report.html"), html.encode())
    storage.write_json(
        storage.join(plan.out, "manifest.json"),
        {
            "run_id": plan.run_id,
            "event": plan.event,
            "created": created.isoformat(),
            "software": _software(),
            "model": {
                "id": spec.id,
                "version": spec.version,
                "uri": plan.model,
                "sha256": plan.model_digest,
                "bands": spec.bands,
            },
            "parameters": plan.parameters.model_dump(),
            "aoi": plan.aoi,
            "searched": plan.searched,
            "inputs": plan.inputs,
            "seed": None,
            "note": "Mapping draws no random numbers: the same inputs give the same map.",
            "scenes": {k: m.properties for k, m in mapped.items()},
            "missing": lost,
            "outputs": {name: storage.identity(storage.join(plan.out, name)) for name in FORMATS},
            "summary": summary,
        },
    )
    _write_collection(plan, list(mapped.values()), summary)
    return summary


def _raster(plan: MappingPlan, kind: str, scene_id: str) -> str:
    return storage.join(plan.out, kind, f"{scene_id}.tif")


def _levels(plan: MappingPlan, scene_id: str) -> tuple[np.ndarray[Any, np.dtype[np.uint8]], Any]:
    href = _raster(plan, "probability", scene_id)
    with rasterio.open(storage.gdal_path(href)) as dataset:
        return dataset.read(1), raster_grid(dataset, href)


def _polygons(plan: MappingPlan, scene: Scene) -> ScenePolygons:
    levels, grid = _levels(plan, scene.id)
    probability = np.where(
        levels == PROBABILITY_NODATA, np.float32(np.nan), levels / np.float32(PROBABILITY_SCALE)
    )
    return polygonise(
        probability,
        grid,
        threshold=plan.parameters.threshold,
        scene_id=scene.id,
        acquired=scene.acquired,
    )


def _sensitivity(
    plan: MappingPlan, mapped: Mapping[str, pystac.Item]
) -> tuple[tuple[float, int, float], ...]:
    """(threshold, areas, m2) for thresholds around the chosen one, specks left out."""
    from scipy import ndimage

    chosen = plan.parameters.threshold
    thresholds = [t for d in (-0.2, -0.1, 0, 0.1, 0.2) if 0 < (t := round(chosen + d, 3)) < 1]
    counts, areas = np.zeros(len(thresholds), int), np.zeros(len(thresholds))
    for scene_id in mapped:
        levels, grid = _levels(plan, scene_id)
        pixel = grid.resolution.x**2
        for i, threshold in enumerate(thresholds):
            mask = (levels >= threshold * PROBABILITY_SCALE) & (levels != PROBABILITY_NODATA)
            labels, _ = ndimage.label(mask, np.ones((3, 3)))
            sizes = np.bincount(labels.ravel())[1:] * pixel
            sizes = sizes[sizes >= plan.parameters.min_area_m2]
            counts[i] += len(sizes)
            areas[i] += sizes.sum()
    return tuple(zip(thresholds, counts.tolist(), areas.tolist(), strict=True))


def _summary(
    plan: MappingPlan,
    mapped: Mapping[str, pystac.Item],
    inventory: Inventory,
    seen: dict[str, float],
    lost: Mapping[str, str],
) -> dict[str, Any]:
    pixels = sum(sum(m.properties["hrgldd:pixels"].values()) for m in mapped.values())
    seconds = {
        step: sum(m.properties["hrgldd:seconds"][step] for m in mapped.values())
        for step in ("open", "map")
    }
    total = sum(seen.values())
    area = float(inventory.frame["area_m2"].sum())
    return {
        "status": "incomplete" if lost else "done",
        "run_id": plan.run_id,
        "out": plan.out,
        "event": plan.event,
        "scenes": len(mapped),
        "missing": dict(lost),
        "polygons": len(inventory.frame),
        "area_m2": round(area, 1),
        "largest_m2": float(inventory.frame["area_m2"].max()) if len(inventory.frame) else 0.0,
        "specks": inventory.specks,
        "specks_m2": round(inventory.specks_m2, 1),
        "aoi_km2": round(total, 3),
        "mapped_share": round(seen["mapped"] / total, 4) if total else 0.0,
        "coverage_km2": {k: round(v, 4) for k, v in seen.items()},
        "megapixels": round(pixels / 1e6, 3),
        "seconds": seconds,
        "mpx_per_s": round(pixels / 1e6 / max(seconds["map"], 1e-9), 3),
    }


def _software() -> dict[str, str]:
    versions = {"hrgldd": __version__, "python": platform.python_version()}
    for name in _VERSIONS:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {**versions, "gdal": rasterio.__gdal_version__}


def _write_collection(
    plan: MappingPlan, mapped: Sequence[pystac.Item], summary: Mapping[str, Any]
) -> None:
    assets = {
        key: pystac.Asset(href, title, media_type=media_type, roles=[role])
        for key, href, title, media_type, role in _ASSETS
    }
    kind = "SYNTHETIC event (generated images). " if summary["synthetic"] else ""
    collection = result_collection(
        list(mapped),
        run_id=plan.run_id,
        title=f"Landslides: {plan.event}",
        description=(
            f"{kind}{summary['polygons']} landslides, together {summary['area_m2'] / 1e4:.1f} ha, "
            "mapped automatically and not field checked; "
            f"{summary['mapped_share']:.1%} of the area of interest was seen."
        ),
        assets=assets,
        properties={"hrgldd:run_id": plan.run_id, "hrgldd:status": summary["status"]},
    ).to_dict(include_self_link=False)
    collection["links"] = [
        {"rel": "root", "href": "./collection.json", "type": "application/json"},
        *(
            {"rel": "item", "href": f"./items/{m.id}.json", "type": "application/geo+json"}
            for m in mapped
        ),
    ]
    storage.write_json(storage.join(plan.out, "collection.json"), collection)
