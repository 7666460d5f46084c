"""Numbers and times as an analyst reads them; the units are always in the text."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

__all__ = [
    "area",
    "area_both",
    "count",
    "decimal",
    "duration",
    "file_size",
    "finite",
    "metres",
    "percent",
    "relative_href",
    "significant",
    "time",
    "without_secrets",
]

NBSP = "\u00a0"
UNKNOWN = "not known"
_HECTARE = 10_000.0
_KM2 = 1_000_000.0


def finite(value: Any) -> float | None:
    """The value as a plain float; None where it is missing, not a number, or infinite."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def significant(value: float, *, digits: int = 3) -> str:
    """``value`` with ``digits`` significant digits, never in exponent form."""
    if value == 0:
        return "0"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:,.{decimals}f}"


def decimal(value: Any, *, decimals: int = 2) -> str:
    """A ratio such as a probability with a fixed number of decimals."""
    number = finite(value)
    return UNKNOWN if number is None else f"{number:.{decimals}f}"


def count(value: int, noun: str, *, plural: str = "") -> str:
    """``1 landslide``, ``1,204 landslides``."""
    return f"{value:,}{NBSP}{noun if value == 1 else plural or noun + 's'}"


def area(m2: Any) -> str:
    """An area in m2 below 1 ha, in ha below 1 km2, else in km2."""
    value = finite(m2)
    if value is None:
        return UNKNOWN
    if value < _HECTARE:
        return f"{value:,.0f}{NBSP}m²"
    if value < _KM2:
        return f"{significant(value / _HECTARE)}{NBSP}ha"
    return f"{significant(value / _KM2)}{NBSP}km²"


def area_both(m2: float) -> str:
    """The area in the unit that suits it, then in ha or km2."""
    if m2 < _KM2:
        km2 = f"{significant(m2 / _KM2)}{NBSP}km²"
        return f"{area(m2)} ({km2})" if m2 >= _HECTARE else area(m2)
    return f"{area(m2)} ({significant(m2 / _HECTARE)}{NBSP}ha)"


def percent(share: float) -> str:
    """A share 0-1 as a percentage that never rounds a trace to nothing, or nearly all to all."""
    if 0 < share < 0.001:
        return f"less than 0.1{NBSP}%"
    if 0.999 < share < 1:
        return f"more than 99.9{NBSP}%"
    value = 100 * share
    decimals = 1 if 0 < value < 10 or 99 < value < 100 else 0
    return f"{value:.{decimals}f}{NBSP}%"


def duration(seconds: Any) -> str:
    """A duration given in seconds."""
    value = finite(seconds)
    if value is None:
        return UNKNOWN
    if value < 60:
        return f"{significant(value, digits=2)}{NBSP}s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes}{NBSP}min {rest:02d}{NBSP}s"
    return f"{minutes // 60}{NBSP}h {minutes % 60:02d}{NBSP}min"


def metres(value: Any) -> str:
    """A length given in metres, in km from 1 km on."""
    length = finite(value)
    if length is None:
        return UNKNOWN
    if length >= 1000:
        return f"{length / 1000:,.3g}{NBSP}km"
    return f"{length:.0f}{NBSP}m" if length >= 10 else f"{length:.2g}{NBSP}m"


def file_size(size: int) -> str:
    """A size given in bytes, in decimal units."""
    value = float(size)
    for unit in ("bytes", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f}{NBSP}{unit}" if unit == "bytes" else _scaled(value, unit)
        value /= 1000
    return _scaled(value, "GB")


def _scaled(value: float, unit: str) -> str:
    return f"{significant(value, digits=2)}{NBSP}{unit}"


def time(moment: Any) -> str:
    """A moment in UTC to the minute (one without a zone is taken as UTC); text passes unchanged."""
    if isinstance(moment, str):
        return moment
    # pandas.NaT is a datetime that differs from itself.
    if not isinstance(moment, datetime) or moment != moment:  # noqa: PLR0124
        return UNKNOWN
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return f"{aware.astimezone(UTC):%Y-%m-%d %H:%M}{NBSP}UTC"


def without_secrets(href: str) -> str:
    """``href`` without user name, query and fragment: signed links carry keys in them."""
    if "://" not in href:
        return href
    try:
        parts = urlsplit(href)
    except ValueError:
        return href.partition("?")[0]
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def relative_href(path: str) -> str | None:
    """``path`` as a link if it stays below the report's own folder, else None.

    A path with a colon is refused: ``javascript:`` is a scheme too.
    """
    outside = path.startswith(("/", "\\")) or ".." in path.replace("\\", "/").split("/")
    if not path or outside or ":" in path or any(ord(c) < 32 for c in path):
        return None
    return quote(path, safe="/%")
