"""From mapped scenes to the published result: inventory, report, manifest and, last, collection."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pystac
import rasterio

from hrgldd_core import storage
from hrgldd_core.errors import InputError, some
from hrgldd_core.inventory.build import build_inventory
from hrgldd_core.inventory.write import write_inventory
from hrgldd_core.mapping.cautions import cautions
from hrgldd_core.mapping.combine import EventMap, event_maps, outline_landslides
from hrgldd_core.mapping.describe import MOST_SCENES, Pictures, describe_run, scene_pictures
from hrgldd_core.mapping.manifest import summarise, write_manifest
from hrgldd_core.mapping.mapped import mapped_items
from hrgldd_core.mapping.plan import MappingPlan
from hrgldd_core.mapping.run import open_planned
from hrgldd_core.mapping.seen import coverage_km2
from hrgldd_core.mapping.sensitivity import threshold_sensitivity
from hrgldd_core.mapping.truth import compare_with_truth
from hrgldd_core.mapping.work import drop_work
from hrgldd_core.scenes import Scene, open_scene
from hrgldd_core.stac.results import result_collection

__all__ = ["publish"]


# GDAL's default block cache is a share of the machine's memory, not of the container's.
_CACHE_BYTES = 64 << 20


def publish(plan: MappingPlan, missing: Mapping[str, str]) -> dict[str, Any]:
    """Write everything that concerns the run as a whole; the collection last.

    Scenes are looked at in windows: memory depends on the landslides found, not on the scenes.

    Args:
        plan: of the run.
        missing: reason for each scene that could not be mapped.

    Returns:
        The summary, as in the manifest.

    Raises:
        InputError: when no scene was mapped.
    """
    if not missing:
        drop_work(plan)
    with rasterio.Env(GDAL_CACHEMAX=_CACHE_BYTES):
        return _publish(plan, missing)


def _publish(plan: MappingPlan, missing: Mapping[str, str]) -> dict[str, Any]:
    started = time.monotonic()
    spec, chosen = open_planned(plan.models[:1])[0].spec, plan.parameters
    items = {item.id: item for item in plan.scenes()}
    mapped = mapped_items(plan, [k for k in items if k not in missing])
    scenes, gone = _opened(plan, spec.bands, [items[k] for k in mapped])
    mapped = {k: mapped[k] for k in scenes}
    lost = {k: missing.get(k, "was not mapped") for k in items if k not in mapped}
    lost |= gone | plan.unusable
    if not mapped:
        raise InputError(f"no scene could be mapped: {some(lost.values())}")
    probability = {k: storage.join(plan.out, "probability", f"{k}.tif") for k in mapped}
    coverage = [storage.join(plan.out, "coverage", f"{k}.tif") for k in mapped]

    with (
        tempfile.TemporaryDirectory(prefix="hrgldd-") as folder,
        ThreadPoolExecutor(2) as beside,
    ):
        seen = beside.submit(coverage_km2, [storage.gdal_path(c) for c in coverage], plan.aoi)
        drawn = {
            k: beside.submit(scene_pictures, plan, scene)
            for k, scene in scenes.items()
            if len(scenes) <= MOST_SCENES
        }
        maps = event_maps(scenes, probability, parameters=chosen, folder=Path(folder))
        others = beside.submit(
            threshold_sensitivity,
            [m.probability for m in maps],
            threshold=chosen.threshold,
            min_area_m2=chosen.min_area_m2,
        )
        inventory = build_inventory(
            outline_landslides(maps, scenes, threshold=chosen.threshold),
            min_area_m2=chosen.min_area_m2,
            threshold=chosen.threshold,
            model_id=plan.model_label(spec),
            synthetic=any(scene.synthetic for scene in scenes.values()),
        )
        sensitivity, coverage_areas = others.result(), seen.result()
        # Takes the local files away, which the others read.
        mosaics = _publish_mosaics(plan, maps)
    summary = summarise(
        plan,
        mapped,
        inventory,
        coverage_km2=coverage_areas,
        missing=lost,
        combining_s=time.monotonic() - started,
    )
    summary["warnings"] = cautions(scenes)
    if truth := compare_with_truth(scenes, items, probability, parameters=chosen):
        summary["truth"] = truth
    created = datetime.now(UTC)

    def pictures(scene: Scene) -> Pictures:
        early = drawn.get(scene.id)
        return early.result() if early else scene_pictures(plan, scene)

    write_inventory(inventory.frame, plan.out)
    html = describe_run(
        plan,
        spec,
        scenes=scenes,
        mapped=mapped,
        inventory=inventory,
        summary=summary,
        created=created,
        sensitivity=sensitivity,
        pictures=pictures,
        mosaics=mosaics,
    )
    storage.write_bytes(storage.join(plan.out, "report.html"), html.encode())
    write_manifest(plan, spec, mapped=mapped, summary=summary, created=created, mosaics=mosaics)
    collection = result_collection(
        list(mapped.values()), plan=plan, summary=summary, mosaics=mosaics
    )
    storage.write_json(storage.join(plan.out, "collection.json"), collection)
    return summary


def _opened(
    plan: MappingPlan, bands: tuple[str, ...], items: Sequence[pystac.Item]
) -> tuple[dict[str, Scene], dict[str, str]]:
    """Scenes by id, and why others, which were there when they were mapped, no longer are."""
    scenes: dict[str, Scene] = {}
    gone: dict[str, str] = {}
    for item in items:
        try:
            scenes[item.id] = open_scene(item, bands=bands, aoi=plan.aoi)
        except InputError as error:
            gone[item.id] = str(error)
    return scenes, gone


def _publish_mosaics(plan: MappingPlan, maps: list[EventMap]) -> list[dict[str, Any]]:
    """Upload the mosaics; what the manifest says of each."""
    published = []
    for made in maps:
        if made.mosaic is None:
            continue
        files = {}
        for kind, path in (
            ("probability", made.mosaic.probability),
            ("source", made.mosaic.source),
        ):
            name = f"mosaic/{kind}{made.suffix}.tif"
            files[kind] = {"href": name, **storage.identity(str(path))}
            storage.put_file(path, storage.join(plan.out, name))
        crs = str(made.mosaic.grid.crs)
        published.append({"crs": crs, "scenes": list(made.mosaic.scenes), **files})
    return published
