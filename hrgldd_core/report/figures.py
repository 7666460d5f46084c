"""Geometry of the report's two area plots, in SVG user units; the template only draws it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hrgldd_core.report import text

__all__ = ["HEIGHT", "WIDTH", "Bar", "Figure", "Tick", "area_frequency", "area_histogram"]

WIDTH, HEIGHT = 420, 270
_LEFT, _RIGHT, _TOP, _BOTTOM = 52.0, 408.0, 14.0, 222.0
_BINS_PER_DECADE = 4
_MAX_POINTS = 400


@dataclass(frozen=True)
class Tick:
    """A labelled position on an axis, user units."""

    at: float
    label: str


@dataclass(frozen=True)
class Bar:
    """One bin of the histogram, user units, with its reading for a tooltip."""

    x: float
    y: float
    width: float
    height: float
    label: str


@dataclass(frozen=True)
class Figure:
    """A plot: its frame, ticks, and either bars or a line.

    Attributes:
        summary: the plot in one sentence, for those who do not see it.
        line: ``points`` attribute of an SVG polyline, empty for a histogram.
    """

    summary: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    bars: tuple[Bar, ...] = ()
    line: str = ""
    left: float = _LEFT
    right: float = _RIGHT
    top: float = _TOP
    bottom: float = _BOTTOM


@dataclass(frozen=True)
class _Axis:
    """A linear map of ``low``-``high`` (already logarithms on a log axis) to user units."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)


def _log_values(low: float, high: float) -> list[float]:
    """Round values between two log10 limits: decades, with 2 and 5 where decades are too few."""
    decades = range(math.floor(low), math.ceil(high) + 1)
    few = high - low < 1.5
    values = [m * 10.0**d for d in decades for m in ((1, 2, 5) if few else (1,))]
    return [v for v in values if low - 1e-9 <= math.log10(v) <= high + 1e-9]


def _area_ticks(axis: _Axis) -> tuple[Tick, ...]:
    values = _log_values(axis.low, axis.high)
    return tuple(Tick(axis(math.log10(v)), _round_area(v)) for v in values)


def _round_area(m2: float) -> str:
    """A round area without the decimals that ``text.area`` gives: ``5 ha``."""
    for size, unit in ((1e6, "km²"), (1e4, "ha")):
        if m2 >= size:
            return f"{m2 / size:,.0f}{text.NBSP}{unit}"
    return f"{m2:,.0f}{text.NBSP}m²"


def _two_digits(log_m2: float) -> str:
    return text.area(float(f"{10**log_m2:.1e}"))


def _count_step(highest: int) -> int:
    """A round step that gives at most five ticks up to ``highest``."""
    magnitude: int = 10 ** max(0, math.floor(math.log10(highest)) - 1)
    steps = (m * magnitude for m in (1, 2, 5, 10, 20, 50))
    return next((s for s in steps if highest / s <= 5), 100 * magnitude)


def area_histogram(areas: npt.NDArray[np.float64]) -> Figure:
    """Number of landslides by area, four bins a decade.

    Args:
        areas: (n,) areas in m2, n at least 1, all positive.
    """
    bins = np.floor(np.log10(areas) * _BINS_PER_DECADE + 1e-9).astype(int)
    first, last = int(bins.min()), int(bins.max()) + 1
    counts = np.bincount(bins - first, minlength=last - first)
    highest = int(counts.max())
    x = _Axis(first / _BINS_PER_DECADE, last / _BINS_PER_DECADE, _LEFT, _RIGHT)
    y = _Axis(0.0, float(highest), _BOTTOM, _TOP)
    bars = []
    for i, n in enumerate(counts.tolist()):
        low, high = ((first + i + k) / _BINS_PER_DECADE for k in (0, 1))
        reading = f"{_two_digits(low)} to {_two_digits(high)}: {n:,}"
        left = x(low) + 0.5
        bars.append(Bar(left, y(n), round(x(high) - left - 0.5, 1), _BOTTOM - y(n), reading))
    step = _count_step(highest)
    ticks = tuple(Tick(y(n), f"{n:,}") for n in range(0, highest + 1, step))
    fullest = bars[int(counts.argmax())].label
    summary = f"{text.count(len(areas), 'landslide')}; the fullest class is {fullest} of them."
    return Figure(summary, _area_ticks(x), ticks, bars=tuple(bars))


def area_frequency(areas: npt.NDArray[np.float64]) -> Figure:
    """Number of landslides at least as large as an area, both axes logarithmic.

    Args:
        areas: (n,) areas in m2, n at least 1, all positive.
    """
    ordered = np.sort(areas)[::-1]
    n = len(ordered)
    low, high = math.log10(float(ordered[-1])), math.log10(float(ordered[0]))
    pad = max(0.05, 0.02 * (high - low))
    x = _Axis(low - pad, high + pad, _LEFT, _RIGHT)
    y = _Axis(0.0, max(math.log10(n), 0.3) * 1.03, _BOTTOM, _TOP)
    # Ranks evenly spaced in log keep the tail, where each landslide is a visible step.
    ranks = np.unique(np.geomspace(1, n, min(n, _MAX_POINTS)).round().astype(int))
    points: list[str] = []
    before = _BOTTOM
    for rank in ranks.tolist():
        px, py = x(math.log10(float(ordered[rank - 1]))), y(math.log10(rank))
        points += [f"{px},{before}", f"{px},{py}"]
        before = py
    counts = tuple(Tick(y(math.log10(v)), f"{v:,.0f}") for v in _log_values(0.0, y.high))
    half = float(ordered[(n - 1) // 2])
    summary = (
        f"The largest is {text.area(ordered[0])}; half are at least {text.area(half)}; "
        f"the smallest is {text.area(ordered[-1])}."
    )
    return Figure(summary, _area_ticks(x), counts, line=" ".join(points))
