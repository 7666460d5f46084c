"""What a run did and found, for machines: ``manifest.json`` and its summary."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pystac
import rasterio

from hrgldd_core import __version__, storage
from hrgldd_core.inventory.build import Inventory
from hrgldd_core.inventory.write import FORMATS
from hrgldd_core.mapping.effort import effort
from hrgldd_core.mapping.plan import MappingPlan
from hrgldd_core.models.store import ModelSpec

__all__ = ["published_summary", "summarise", "write_manifest"]

_NAME = "manifest.json"
_VERSIONS = ("keras", "tensorflow-cpu", "tensorflow", "numpy", "rasterio", "geopandas", "shapely")


def published_summary(out: str) -> dict[str, Any]:
    """What a finished run found."""
    return dict(storage.read_json(storage.join(out, _NAME))["summary"])


def summarise(
    plan: MappingPlan,
    mapped: Mapping[str, pystac.Item],
    inventory: Inventory,
    *,
    coverage_km2: Mapping[str, float],
    missing: Mapping[str, str],
    combining_s: float,
) -> dict[str, Any]:
    """The figures of a run: areas in the units that the keys name, seconds by step."""
    total = sum(coverage_km2.values())
    areas = inventory.frame["area_m2"]
    return {
        "status": "incomplete" if missing else "done",
        "run_id": plan.run_id,
        "out": plan.out,
        "event": plan.event,
        "synthetic": any(m.properties["hrgldd:synthetic"] for m in mapped.values()),
        "scenes": len(mapped),
        "missing": dict(missing),
        "polygons": len(areas),
        "area_m2": round(float(areas.sum()), 1),
        "largest_m2": float(areas.max()) if len(areas) else 0.0,
        "specks": inventory.specks,
        "specks_m2": round(inventory.specks_m2, 1),
        "aoi_km2": round(total, 3),
        "mapped_share": round(coverage_km2["mapped"] / total, 4) if total else 0.0,
        "coverage_km2": {name: round(area, 4) for name, area in coverage_km2.items()},
        **effort(plan, mapped, combining_s=combining_s),
    }


def write_manifest(
    plan: MappingPlan,
    spec: ModelSpec,
    *,
    mapped: Mapping[str, pystac.Item],
    summary: Mapping[str, Any],
    created: datetime,
    mosaics: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Write ``manifest.json``: inputs, model, parameters, versions, times, outputs, findings."""
    document = {
        "run_id": plan.run_id,
        "event": plan.event,
        "created": created.isoformat(),
        "software": _software(),
        "model": {
            "id": spec.id,
            "version": spec.version,
            "uri": plan.models[0].uri,
            "sha256": plan.models[0].digest,
            "bands": spec.bands,
            "others": [{"uri": m.uri, "sha256": m.digest} for m in plan.models[1:]],
        },
        "parameters": plan.parameters.model_dump(),
        "aoi": plan.aoi,
        "searched": plan.searched,
        "inputs": {storage.public(href): known for href, known in plan.inputs.items()},
        "seed": None,
        "note": "Mapping draws no random numbers: the same inputs give the same map.",
        "scenes": {k: m.properties for k, m in mapped.items()},
        **({"mosaic": _mosaic(plan, mapped, mosaics)} if mosaics else {}),
        "outputs": {name: storage.identity(storage.join(plan.out, name)) for name in FORMATS},
        "summary": summary,
    }
    storage.write_json(storage.join(plan.out, _NAME), document)


def _mosaic(
    plan: MappingPlan, mapped: Mapping[str, pystac.Item], mosaics: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The mosaics' files, and which scene each number in ``source*.tif`` is."""
    return {
        "rule": plan.parameters.mosaic,
        "zones": list(mosaics),
        "sources": [
            {"number": n, "scene": k, "datetime": mapped[k].properties["datetime"]}
            for n, k in enumerate(sorted(mapped), 1)
        ],
    }


def _software() -> dict[str, str]:
    versions = {"hrgldd": __version__, "python": platform.python_version()}
    for name in _VERSIONS:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {**versions, "gdal": rasterio.__gdal_version__}
