"""Scenes in: search a STAC API, or an item collection read and filtered in process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pystac
from pystac.utils import str_to_datetime

from hrgldd_core import storage
from hrgldd_core.errors import InputError
from hrgldd_core.grid import BBox

__all__ = ["SearchQuery", "parse_bbox", "parse_interval", "search"]


@dataclass(frozen=True)
class SearchQuery:
    """What to look for.

    Attributes:
        bbox: west, south, east, north in degrees (EPSG:4326); east < west crosses the antimeridian.
        interval: first and last moment (UTC); None leaves that end open.
        collections: identifiers to choose from; empty means any.
        max_items: most items to return; None means all.
    """

    bbox: BBox | None = None
    interval: tuple[datetime | None, datetime | None] = (None, None)
    collections: tuple[str, ...] = ()
    max_items: int | None = None

    def describe(self) -> dict[str, str]:
        """The query in words, for messages, reports and manifests."""
        start, end = (t.isoformat().replace("+00:00", "Z") if t else ".." for t in self.interval)
        return {
            "bbox": ",".join(f"{v:g}" for v in self.bbox) if self.bbox else "any place",
            "datetime": f"{start}/{end}" if any(self.interval) else "any time",
            "collections": ",".join(self.collections) or "any",
        }


def parse_bbox(text: str) -> BBox:
    """``W,S,E,N`` in degrees.

    Raises:
        InputError: when it is not that, or has no area.
    """
    remedy = "Give --bbox W,S,E,N in degrees, such as 75.7,11.7,75.8,11.8"
    try:
        west, south, east, north = (float(v) for v in text.split(","))
    except ValueError:
        raise InputError(f"bbox {text!r} is not four numbers", remedy=remedy) from None
    if not (
        -180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= 90 and -90 <= north <= 90
    ):
        raise InputError(
            f"bbox {text!r} has a longitude beyond 180 or a latitude beyond 90 degrees",
            remedy=remedy,
        )
    if west > east and not (west > 0 > east):
        raise InputError(f"bbox {text!r} has west east of east", remedy=remedy)
    if south >= north or west == east:
        raise InputError(f"bbox {text!r} is empty (south must be below north)", remedy=remedy)
    return west, south, east, north


def parse_interval(text: str) -> tuple[datetime | None, datetime | None]:
    """``A/B``, ``A/..``, ``../B`` or one date; a date without time means the whole day (UTC).

    Raises:
        InputError: when it is not that, or ends before it begins.
    """
    first, slash, last = text.partition("/")
    try:
        start = _moment(first, last=False)
        end = _moment(last if slash else first, last=True)
    except ValueError:
        raise InputError(
            f"datetime {text!r} is not an interval of dates",
            remedy="Give --datetime A/B such as 2024-11-01/2024-11-30 (.. leaves an end open)",
        ) from None
    if start and end and end < start:
        raise InputError(f"datetime {text!r} ends before it begins", remedy="Swap the two dates")
    return start, end


def _moment(text: str, *, last: bool) -> datetime | None:
    if text in ("", ".."):
        return None
    if len(text) < len("2024-11-30"):
        raise ValueError("a month or a year is no date")
    if len(text) == len("2024-11-30"):
        text += "T23:59:59.999999Z" if last else "T00:00:00Z"
    moment = str_to_datetime(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def search(source: str, query: SearchQuery) -> list[pystac.Item]:
    """Items of a STAC API (http, https) or of an item collection file, sorted by id.

    Args:
        source: root URL of an API, or the URI of a GeoJSON FeatureCollection of items.
        query: what to look for.

    Raises:
        InputError: when the source cannot be read or nothing was found (with what was searched).
    """
    remote = source.startswith(("http://", "https://")) and not source.endswith(".json")
    found = _search_api(source, query) if remote else list(_search_file(source, query))
    if not found:
        words = ", ".join(f"{k} {v}" for k, v in query.describe().items())
        raise InputError(
            f"no scene found for {words}",
            where=source,
            remedy="Widen --bbox or --datetime, or check the names of --collections",
        )
    if remote:
        _refuse_local(found, source)
    found.sort(key=lambda item: item.id)
    return found[: query.max_items]


def _refuse_local(items: list[pystac.Item], source: str) -> None:
    """A remote catalogue has no business naming files of this machine."""
    for item in items:
        for key, asset in item.assets.items():
            if storage.is_local(asset.href):
                raise InputError(
                    f"item {item.id}: asset {key} is a local path in a remote catalogue",
                    where=source,
                    remedy="Use a catalogue whose assets have full addresses",
                )


def _search_api(url: str, query: SearchQuery) -> list[pystac.Item]:
    from pystac_client import Client
    from pystac_client.exceptions import APIError

    try:
        return list(
            Client.open(url)
            .search(
                bbox=query.bbox,
                datetime=query.interval if any(query.interval) else None,
                collections=list(query.collections) or None,
                max_items=query.max_items,
            )
            .items()
        )
    except (APIError, OSError, ValueError) as error:
        raise InputError(
            f"the STAC API did not answer the search ({error})",
            where=url,
            remedy="Check the address and your credentials, and try again",
        ) from None


def _search_file(uri: str, query: SearchQuery) -> Iterator[pystac.Item]:
    document = storage.read_json(uri)
    if not isinstance(document, dict) or document.get("type") != "FeatureCollection":
        raise InputError(
            "is not an item collection",
            where=uri,
            remedy="Give a STAC API URL or a GeoJSON FeatureCollection of STAC items",
        )
    features = document.get("features")
    if not isinstance(features, list):
        raise InputError("'features' is not a list", where=uri, remedy="Give a list of STAC items")
    for index, feature in enumerate(features):
        try:
            item = pystac.Item.from_dict(feature, migrate=True)
            if not isinstance(item.id, str):
                raise TypeError(f"id {item.id!r} is not text")  # noqa: TRY301
            wanted = _matches(item, query)
        except Exception as error:  # noqa: BLE001 - a catalogue is untrusted: anything may be wrong
            problem = f"feature {index} is not a STAC item ({type(error).__name__}: {error})"
            raise InputError(problem, where=uri, remedy="Correct or remove it") from None
        if wanted:
            item.set_self_href(uri)
            item.make_asset_hrefs_absolute()
            yield item


def _matches(item: pystac.Item, query: SearchQuery) -> bool:
    if query.collections and item.collection_id not in query.collections:
        return False
    start, end = query.interval
    first, last = _item_interval(item)
    if (start and last and last < start) or (end and first and first > end):
        return False
    return query.bbox is None or _intersects(item, query.bbox)


def _item_interval(item: pystac.Item) -> tuple[datetime | None, datetime | None]:
    if item.datetime:
        return item.datetime, item.datetime
    common = item.common_metadata
    return common.start_datetime, common.end_datetime


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
