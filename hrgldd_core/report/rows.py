"""Rows of the inventory as the page shows them, and the checks on what it was given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from hrgldd_core.errors import InputError
from hrgldd_core.report import text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from hrgldd_core.report.findings import Doubts
    from hrgldd_core.report.page import Report

__all__ = ["by_scene", "check", "elsewhere", "largest", "rows", "tally"]

_LARGEST = 20
_INVENTORY = (
    "id area_m2 perimeter_m length_m width_m prob_mean prob_max scene_id acquired edge geometry"
)
_OUTLINES = "id area_m2 prob_mean prob_max edge geometry"


def check(report: Report) -> None:
    """Refuse tables without the columns of the contract, and coordinates that are not lon/lat."""
    tables = [("the inventory", report.inventory, _INVENTORY)]
    tables += [(f"the outlines of scene {s.id}", s.outlines, _OUTLINES) for s in report.scenes]
    for where, table, columns in tables:
        lacking = [c for c in columns.split() if c not in table.columns]
        if lacking:
            raise InputError(f"column {', '.join(lacking)} is missing", where=where)
    crs = report.inventory.crs if len(report.inventory) else "EPSG:4326"
    if crs != "EPSG:4326":
        raise InputError(
            f"its CRS is {crs}", where="the inventory", remedy="Reproject it to EPSG:4326"
        )


def rows(report: Report, doubts: Doubts) -> list[dict[str, Any]]:
    """What the page shows of each row of the inventory, in its order; plain JSON values."""
    table = report.inventory
    inside = shapely.point_on_surface(table["geometry"].to_numpy(dtype=object))
    lons, lats = shapely.get_x(inside).tolist(), shapely.get_y(inside).tolist()
    result = []
    for i, row in enumerate(table.itertuples(index=False)):
        lon, lat = text.finite(lons[i]), text.finite(lats[i])
        attributes = {
            "row": i,
            "id": str(row.id),
            "scenes": sorted({str(row.scene_id), *str(row.scene_id).split()}),
            "area": text.area(row.area_m2),
            "length": text.finite(row.length_m),
            "width": text.finite(row.width_m),
            "perimeter": text.finite(row.perimeter_m),
            "mean": text.decimal(row.prob_mean),
            "max": text.decimal(row.prob_max),
            "acquired": text.time(row.acquired),
            "lon": None if lon is None else round(lon, 5),
            "lat": None if lat is None else round(lat, 5),
        }
        result.append(attributes | {name: bool(mask[i]) for name, mask in vars(doubts).items()})
    return result


def by_scene(attributes: Sequence[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    """Rows by (scene id, outline id); one that several scenes saw stands under each of them."""
    return {(scene, row["id"]): row for row in attributes for scene in row["scenes"]}


def largest(
    areas: npt.NDArray[np.float64],
    attributes: Sequence[dict[str, Any]],
    outlines: Sequence[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """The largest rows; ``key`` is their place in ``outlines``, None where the map draws none."""
    keys = {outlines[key].get("row"): key for key in reversed(range(len(outlines)))}
    order = np.argsort(-np.nan_to_num(areas), kind="stable")[:_LARGEST].tolist()
    return [attributes[i] | {"key": keys.get(i)} for i in order]


def elsewhere(attributes: Sequence[dict[str, Any]], scenes: Sequence[str]) -> int:
    """Number of rows that none of the shown scenes saw."""
    shown = set(scenes)
    return sum(shown.isdisjoint(row["scenes"]) for row in attributes)


def tally(areas: npt.NDArray[np.float64], mask: npt.NDArray[np.bool_]) -> tuple[int, float]:
    """Number and total m2 of the rows in ``mask``."""
    return int(mask.sum()), float(np.nansum(areas[mask]))
