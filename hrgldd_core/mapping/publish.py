"""From mapped scenes to the published result: inventory, report, manifest and, last, collection."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from hrgldd_core import storage
from hrgldd_core.errors import InputError
from hrgldd_core.inventory.build import build_inventory
from hrgldd_core.inventory.polygonise import polygonise
from hrgldd_core.inventory.write import write_inventory
from hrgldd_core.mapping.cautions import cautions
from hrgldd_core.mapping.describe import describe_run
from hrgldd_core.mapping.manifest import summarise, write_manifest
from hrgldd_core.mapping.plan import MappingPlan
from hrgldd_core.mapping.probability import read_levels
from hrgldd_core.mapping.run import mapped_item, open_planned_model
from hrgldd_core.mapping.seen import coverage_km2
from hrgldd_core.mapping.sensitivity import threshold_sensitivity
from hrgldd_core.mapping.truth import compare_with_truth
from hrgldd_core.scenes import open_scene
from hrgldd_core.stac.results import result_collection

__all__ = ["publish"]


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
    spec, chosen = open_planned_model(plan).spec, plan.parameters
    items = {item.id: item for item in plan.scenes()}
    mapped = {k: m for k in items if k not in missing and (m := mapped_item(plan, k)) is not None}
    lost = {k: missing.get(k, "was not mapped") for k in items if k not in mapped} | plan.unusable
    if not mapped:
        raise InputError("no scene could be mapped: " + "; ".join(lost.values()))
    scenes = {k: open_scene(items[k], bands=spec.bands, aoi=plan.aoi) for k in mapped}
    probability = {k: storage.join(plan.out, "probability", f"{k}.tif") for k in mapped}
    coverage = [storage.join(plan.out, "coverage", f"{k}.tif") for k in mapped]

    inventory = build_inventory(
        [
            polygonise(
                *read_levels(probability[k]),
                threshold=chosen.threshold,
                scene_id=k,
                acquired=scene.acquired,
            )
            for k, scene in scenes.items()
        ],
        min_area_m2=chosen.min_area_m2,
        threshold=chosen.threshold,
        model_id=f"{spec.id} {spec.version}",
        synthetic=any(scene.synthetic for scene in scenes.values()),
    )
    summary = summarise(
        plan,
        mapped,
        inventory,
        coverage_km2=coverage_km2([storage.gdal_path(c) for c in coverage], plan.aoi),
        missing=lost,
    )
    summary["warnings"] = cautions(scenes)
    if truth := compare_with_truth(scenes, items, probability, parameters=chosen):
        summary["truth"] = truth
    created = datetime.now(UTC)

    write_inventory(inventory.frame, plan.out)
    html = describe_run(
        plan,
        spec,
        scenes=scenes,
        mapped=mapped,
        inventory=inventory,
        summary=summary,
        created=created,
        sensitivity=threshold_sensitivity(
            list(probability.values()),
            threshold=chosen.threshold,
            min_area_m2=chosen.min_area_m2,
        ),
    )
    storage.write_bytes(storage.join(plan.out, "report.html"), html.encode())
    write_manifest(plan, spec, mapped=mapped, summary=summary, created=created)
    collection = result_collection(list(mapped.values()), plan=plan, summary=summary)
    storage.write_json(storage.join(plan.out, "collection.json"), collection)
    return summary
