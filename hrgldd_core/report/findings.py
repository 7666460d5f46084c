"""What the inventory says, in figures and sentences: headline, coverage, and reasons for doubt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hrgldd_core.report import text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from geopandas import GeoDataFrame

    from hrgldd_core.report.page import Report

__all__ = [
    "Coverage",
    "Doubts",
    "Headline",
    "Segment",
    "Sensitivity",
    "coverage",
    "doubts",
    "headline",
    "near_margin",
    "sensitivity",
]

_ASPECT, _NARROW_M = 10.0, 15.0
_COVERAGE = (
    ("mapped", "Seen and mapped"),
    ("cloud", "Hidden by cloud or its shadow"),
    ("nodata", "Missing data inside an image"),
    ("outside", "No image at all"),
)

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Segment:
    """One kind of ground of the area of interest.

    Attributes:
        start, share: position and length in the stacked bar, 0-1.
        km2: its area.
    """

    key: str
    label: str
    km2: float
    start: float
    share: float


@dataclass(frozen=True)
class Coverage:
    """The area of interest, split by whether it was seen; ``seen`` is a share 0-1, or None."""

    segments: tuple[Segment, ...]
    total_km2: float
    seen: float | None


@dataclass(frozen=True)
class Headline:
    """The inventory in four numbers; areas in m2, None without a landslide."""

    number: int
    total_m2: float
    median_m2: float | None
    largest_m2: float | None


@dataclass(frozen=True)
class Doubts:
    """Rows of the inventory to look at first, as (n,) masks."""

    edge: Mask
    near: Mask
    narrow: Mask


@dataclass(frozen=True)
class Sensitivity:
    """The result at another threshold; ``change`` is relative to the area at the one used."""

    threshold: float
    number: int
    total_m2: float
    change: float | None
    used: bool


def coverage(km2: Mapping[str, float]) -> Coverage:
    """Shares of the area of interest; kinds that are absent count as 0."""
    areas = [max(text.finite(km2.get(key)) or 0.0, 0.0) for key, _ in _COVERAGE]
    total = sum(areas)
    segments, start = [], 0.0
    for (key, label), value in zip(_COVERAGE, areas, strict=True):
        share = value / total if total else 0.0
        segments.append(Segment(key, label, value, start, share))
        start += share
    return Coverage(tuple(segments), total, segments[0].share if total else None)


def headline(inventory: GeoDataFrame) -> Headline:
    """Number, total, median and largest area of the inventory."""
    areas = column(inventory, "area_m2")
    if not len(areas):
        return Headline(0, 0.0, None, None)
    return Headline(
        len(areas), float(np.nansum(areas)), float(np.nanmedian(areas)), float(np.nanmax(areas))
    )


def column(table: GeoDataFrame, name: str) -> npt.NDArray[np.float64]:
    """A numeric column as (n,) float64, missing values as NaN."""
    values: Any = [text.finite(v) for v in table[name]]
    return np.array(values, dtype=np.float64)


def near_margin(threshold: float) -> float:
    """How far above the threshold a mean probability still counts as close to it."""
    return min(0.1, (1 - threshold) / 4)


def doubts(inventory: GeoDataFrame, threshold: float) -> Doubts:
    """Outlines that are cut, hardly above the threshold, or shaped like a road or a river."""
    length, width = column(inventory, "length_m"), column(inventory, "width_m")
    return Doubts(
        edge=np.array([bool(text.finite(v)) for v in inventory["edge"]], dtype=bool),
        near=column(inventory, "prob_mean") < threshold + near_margin(threshold),
        narrow=(length > _ASPECT * width) & (width < _NARROW_M),
    )


def sensitivity(report: Report) -> tuple[Sensitivity, ...]:
    """The sensitivity table, by threshold, the row of the threshold in use marked."""
    rows = sorted(report.sensitivity)
    used = [abs(t - report.threshold) < 1e-6 for t, _, _ in rows]
    base = next((m2 for (_, _, m2), mark in zip(rows, used, strict=True) if mark), 0.0)
    return tuple(
        Sensitivity(t, n, m2, (m2 / base - 1) if base and not mark else None, mark)
        for (t, n, m2), mark in zip(rows, used, strict=True)
    )
