"""A finished run as the report wants it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from math import nan
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pystac

from hrgldd_core import storage
from hrgldd_core.errors import InputError
from hrgldd_core.inventory.build import Inventory
from hrgldd_core.inventory.write import FORMATS
from hrgldd_core.mapping.effort import effort_rows
from hrgldd_core.mapping.plan import MappingPlan
from hrgldd_core.mapping.quicklook import grey, probability_overlay, quicklook_size, true_colour
from hrgldd_core.models.store import ModelSpec
from hrgldd_core.report import (
    ModelSummary,
    Report,
    SceneView,
    TruthComparison,
    render_report,
)
from hrgldd_core.scenes import Scene

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

__all__ = ["MOST_SCENES", "Pictures", "describe_run", "scene_pictures"]

MOST_SCENES = 12
"""A picture is some 300 kB: a page with more than these would be slow to open."""

Pictures = tuple[bytes, bytes]
"""JPEG of a scene and PNG of its probability."""


def describe_run(
    plan: MappingPlan,
    spec: ModelSpec,
    *,
    scenes: Mapping[str, Scene],
    mapped: Mapping[str, pystac.Item],
    inventory: Inventory,
    summary: Mapping[str, Any],
    created: datetime,
    sensitivity: tuple[tuple[float, int, float], ...],
    pictures: Callable[[Scene], Pictures],
    mosaics: Sequence[Mapping[str, Any]] = (),
) -> str:
    """The HTML report of a run; ``pictures`` gives those of a scene that is shown."""
    shown = sorted(scenes.values(), key=lambda s: -_landslide_area(s, inventory.frame))
    return render_report(
        Report(
            title=f"Landslides: {plan.event}",
            event=plan.event,
            synthetic=bool(summary["synthetic"]),
            run_id=plan.run_id,
            created=created,
            searched=plan.searched,
            scenes=tuple(_view(s, inventory.frame, pictures(s)) for s in shown[:MOST_SCENES]),
            inventory=inventory.frame,
            coverage_km2=summary["coverage_km2"],
            specks=(inventory.specks, inventory.specks_m2),
            min_area_m2=plan.parameters.min_area_m2,
            threshold=plan.parameters.threshold,
            sensitivity=sensitivity,
            model=_model(spec),
            timings_s={"map": summary["seconds"]["map"]},
            effort=effort_rows(summary),
            megapixels=float(summary["megapixels"]),
            files=_files(plan, mapped, mosaics),
            missing=tuple(f"{k}: {why}" for k, why in summary["missing"].items()),
            truth=_truth(summary.get("truth")),
            warnings=tuple(summary["warnings"]),
        )
    )


def _landslide_area(scene: Scene, frame: GeoDataFrame) -> float:
    return float(frame.loc[_seen_in(scene, frame), "area_m2"].sum())


def _seen_in(scene: Scene, frame: GeoDataFrame) -> npt.NDArray[np.bool_]:
    # An array: an empty list would choose columns, not rows.
    return np.array([scene.id in ids.split() for ids in frame["scene_id"]], bool)


def _view(scene: Scene, frame: GeoDataFrame, pictures: Pictures) -> SceneView:
    import shapely

    width, height = quicklook_size(scene)
    grid = scene.target.zoom_to((height, width))
    outlines = frame[_seen_in(scene, frame)].to_crs(str(grid.crs))
    to_pixels = ~grid.affine
    in_pixels = shapely.transform(
        np.asarray(outlines.geometry.array), lambda xy: np.stack(to_pixels * xy.T, axis=1)
    )
    pixels = outlines.set_geometry(in_pixels, crs=None)
    quicklook, probability = pictures
    return SceneView(
        id=scene.id,
        acquired=scene.acquired,
        quicklook=quicklook,
        probability=probability,
        size=(width, height),
        pixel_m=float(grid.resolution.x),
        outlines=pixels,
        source=storage.public(scene.href),
    )


def scene_pictures(plan: MappingPlan, scene: Scene) -> Pictures:
    """The pictures of a mapped scene."""
    probability, coverage = (
        storage.join(plan.out, kind, f"{scene.id}.tif") for kind in ("probability", "coverage")
    )
    overlay = probability_overlay(probability, quicklook_size(scene), plan.parameters.threshold)
    return _picture(scene, coverage), overlay


def _picture(scene: Scene, coverage: str) -> bytes:
    try:
        return true_colour(scene, coverage)
    except InputError:
        # The scene went away after it was mapped: its landslides are shown on grey.
        return grey(scene)


def _model(spec: ModelSpec) -> ModelSummary:
    figures = spec.validation
    low, high = figures.get("f1_interval", (nan, nan))
    return ModelSummary(
        id=spec.id,
        version=spec.version,
        bands=spec.bands,
        f1=figures.get("f1", nan),
        f1_low=low,
        f1_high=high,
        precision=figures.get("precision", nan),
        recall=figures.get("recall", nan),
        limits=spec.limits,
        data=str(spec.training.get("data", "not recorded")),
        method=str(figures.get("method", "not recorded")),
    )


def _files(
    plan: MappingPlan, mapped: Mapping[str, pystac.Item], mosaics: Sequence[Mapping[str, Any]]
) -> tuple[tuple[str, str, int], ...]:
    rows = [
        (f"Inventory, {label}", name, int(storage.identity(storage.join(plan.out, name))["size"]))
        for name, label in FORMATS.items()
    ]
    for mosaic in mosaics:
        for kind, what in (("probability", "probability"), ("source", "scene of each pixel")):
            label = f"Mosaic, {what} (COG, {mosaic['crs']})"
            rows.append((label, mosaic[kind]["href"], int(mosaic[kind]["size"])))
    for scene_id, item in mapped.items():
        for kind in (k for k in ("probability", "uncertainty", "coverage") if k in item.assets):
            size = int(item.assets[kind].extra_fields["file:size"])
            label = f"{kind.capitalize()} of {scene_id} (COG)"
            rows.append((label, f"{kind}/{scene_id}.tif", size))
    return tuple(rows)


def _truth(found: Mapping[str, Any] | None) -> TruthComparison | None:
    if found is None:
        return None
    names = ("precision", "recall", "f1", "found", "missed", "false")
    return TruthComparison(**{name: found[name] for name in names})
