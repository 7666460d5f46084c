"""What a dataset's document says of its sites and scenes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from odc.geo.geobox import GeoBox

from hrgldd_core import storage
from hrgldd_core.dataset.cutting import UnitCut
from hrgldd_core.dataset.parameters import DatasetParameters
from hrgldd_core.dataset.units import Unit
from hrgldd_core.grid import crs_of

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

__all__ = ["counted", "scene_entry", "sites_of"]


def sites_of(
    old: dict[str, Any] | None, units: Sequence[Unit], parameters: DatasetParameters
) -> list[dict[str, Any]]:
    """Sites in the order in which they came, each with the grid of its blocks."""
    sites = {site["name"]: site for site in (old["sites"] if old else [])}
    for unit in units:
        grid = unit.scene.geobox
        side = parameters.block * parameters.size * grid.resolution.x
        sites.setdefault(
            unit.event.place,
            {"name": unit.event.place, "crs": _crs_name(grid), "block_m": side},
        )
    return list(sites.values())


def _crs_name(grid: GeoBox) -> str:
    """``EPSG:32643``, or WKT where there is no code."""
    crs = crs_of(grid)
    return f"EPSG:{crs.epsg}" if crs.epsg else str(crs.wkt)


def counted(sites: Sequence[dict[str, Any]], frame: GeoDataFrame) -> list[dict[str, Any]]:
    """Sites, each with its number of patches in each split."""
    counts = frame.groupby("site")["split"].value_counts()
    return [
        {**site, "splits": {k: int(v) for k, v in counts.get(site["name"], {}).items()}}
        for site in sites
    ]


def scene_entry(unit: Unit, done: UnitCut) -> dict[str, Any]:
    """A scene: what it is, what was read, and what came of it."""
    scene, event = unit.scene, unit.event
    known = done.statistics
    return {
        "unit": unit.content.id,
        "key": unit.key,
        "event": event.model_dump(
            mode="json", include={"name", "role", "country", "trigger", "date", "bbox"}
        ),
        "site": event.place,
        "scene": scene.id,
        "href": storage.public(scene.href),
        "acquired": scene.acquired.isoformat() if scene.acquired else None,
        "crs": _crs_name(scene.geobox),
        "shape": list(scene.geobox.shape),
        "transform": list(scene.geobox.affine)[:6],
        "pixel_size": scene.geobox.resolution.x,
        "inputs": unit.content.inputs,
        "statistics": (
            {"center": list(known.center), "scale": list(known.scale)} if known else None
        ),
        "inventory": {
            "path": storage.public(event.inventory.path),
            "layer": event.inventory.layer,
            "where": event.inventory.where,
            **unit.inventory.counts.as_dict(),
        },
        "counts": done.counts(),
    }
