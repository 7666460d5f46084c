"""What to look for: a place, dates, collections and properties."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from pystac.utils import str_to_datetime

from hrgldd_core.errors import InputError
from hrgldd_core.grid import BBox
from hrgldd_core.stac.cql2_filter import Filter

__all__ = ["SearchQuery", "parse_bbox", "parse_interval"]


@dataclass(frozen=True)
class SearchQuery:
    """What to look for.

    Attributes:
        bbox: west, south, east, north in degrees (EPSG:4326); east < west crosses the antimeridian.
        interval: first and last moment (UTC); None leaves that end open.
        collections: identifiers to choose from; empty means any.
        filter: what the items' properties must be; None takes any.
        max_items: most items to return, the first by id; None means all.
    """

    bbox: BBox | None = None
    interval: tuple[datetime | None, datetime | None] = (None, None)
    collections: tuple[str, ...] = ()
    filter: Filter | None = None
    max_items: int | None = None

    def describe(self) -> dict[str, str]:
        """The query in words, for messages, reports and manifests."""
        start, end = (t.isoformat().replace("+00:00", "Z") if t else ".." for t in self.interval)
        words = {
            "bbox": ",".join(f"{v:g}" for v in self.bbox) if self.bbox else "any place",
            "datetime": f"{start}/{end}" if any(self.interval) else "any time",
            "collections": ",".join(self.collections) or "any",
        }
        if self.filter:
            words["filter"] = self.filter.text
        return words


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
