"""Whether an item answers a query: what an API server does, done here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pystac

from hrgldd_core.grid import BBox
from hrgldd_core.stac.query import SearchQuery

__all__ = ["matches", "repair_geometry"]


def matches(item: pystac.Item, query: SearchQuery) -> bool:
    """Whether collection, time, outline and properties are what is looked for.

    What touches the box or an end of the interval counts; an item without an outline is nowhere.
    """
    if query.collections and item.collection_id not in query.collections:
        return False
    start, end = query.interval
    first, last = _item_interval(item)
    if (start and last and last < start) or (end and first and first > end):
        return False
    if query.bbox is not None and not _intersects(item, query.bbox):
        return False
    return query.filter is None or query.filter.matches(
        item.to_dict(include_self_link=False, transform_hrefs=False)
    )


def repair_geometry(feature: dict[str, Any]) -> dict[str, Any]:
    """The item with an outline that says what it is.

    Items of Planet's disaster catalogue call MultiPolygon coordinates a Polygon.
    """
    geometry = feature.get("geometry")
    if isinstance(geometry, dict) and geometry.get("type") == "Polygon":
        inner = geometry.get("coordinates")
        depth = 0
        while isinstance(inner, list) and inner:
            inner, depth = inner[0], depth + 1
        if depth == 4:
            return {**feature, "geometry": {**geometry, "type": "MultiPolygon"}}
    return feature


def _item_interval(item: pystac.Item) -> tuple[datetime | None, datetime | None]:
    common = item.common_metadata
    # With an interval, `datetime` is only its typical moment (STAC item specification).
    if common.start_datetime and common.end_datetime:
        return common.start_datetime, common.end_datetime
    return item.datetime, item.datetime


def _intersects(item: pystac.Item, bbox: BBox) -> bool:
    import shapely

    west, south, east, north = bbox
    boxes = (
        [shapely.box(west, south, east, north)]
        if west < east
        else [shapely.box(west, south, 180, north), shapely.box(-180, south, east, north)]
    )
    geometry: dict[str, Any] | None = item.geometry
    if geometry is None:
        return False
    shape = shapely.geometry.shape(geometry)
    return any(shape.intersects(box) for box in boxes)
