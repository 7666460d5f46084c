"""Whether probabilities mean what they say, and making them do so.

Of pixels that are given 0.7, seven in ten should be landslide. Temperature scaling (Guo et al.
2017, "On calibration of modern neural networks") divides a model's logits by one number and here
shifts them by another; the order of pixels, and so every precision-recall curve, stays as it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from hrgldd_core.evaluation.histogram import LEVELS, Histogram
from hrgldd_core.models.calibration import Calibration

__all__ = [
    "ReliabilityBin",
    "brier_score",
    "calibration_error",
    "expected_calibration_error",
    "fit_calibration",
    "reliability",
]

Equal = Literal["width", "mass"]

_BINS = 20
# Scores of float32 networks saturate; their logits are taken as no larger than about 16.
_LEAST = 1e-7
_LOGIT_BINS = 4096
_STEEPEST = 20.0


@dataclass(frozen=True)
class ReliabilityBin:
    """Pixels of similar probability: what was promised and what was found."""

    count: int
    probability: float
    observed: float


def reliability(
    histogram: Histogram, *, bins: int = _BINS, equal: Equal = "width"
) -> tuple[ReliabilityBin, ...]:
    """Points of a reliability diagram, rising probability, empty bins left out.

    Args:
        histogram: of the probabilities.
        bins: how many at most.
        equal: bins of equal width in probability, or of equal numbers of pixels (as far as bins
            of the histogram, 0.001 wide, can be parted).
    """
    counts = histogram.positive + histogram.negative
    if equal == "width":
        group = np.minimum(np.arange(LEVELS + 1) * bins // LEVELS, bins - 1)
    else:
        middle = counts.cumsum() - counts / 2
        group = np.minimum((middle * bins / max(int(counts.sum()), 1)).astype(int), bins - 1)
    sums = [
        np.bincount(group, weights=w, minlength=bins)
        for w in (counts, histogram.mass, histogram.positive)
    ]
    return tuple(
        ReliabilityBin(int(n), float(mass / n), float(positive / n))
        for n, mass, positive in zip(*sums, strict=True)
        if n
    )


def calibration_error(histogram: Histogram, *, bins: int = _BINS, equal: Equal = "width") -> float:
    """Expected calibration error: mean gap between promise and finding, weighted by pixels."""
    points = reliability(histogram, bins=bins, equal=equal)
    gaps = sum(b.count * abs(b.observed - b.probability) for b in points)
    return gaps / max(histogram.count, 1)


def expected_calibration_error(
    probability: npt.NDArray[np.floating],
    labels: npt.NDArray[np.uint8],
    *,
    bins: int = _BINS,
    equal: Equal = "width",
) -> float:
    """`calibration_error` of arrays of the same shape; labels other than 0 and 1 do not count."""
    return calibration_error(Histogram.of(probability, labels), bins=bins, equal=equal)


def brier_score(histogram: Histogram) -> float:
    """Mean squared difference of probability and truth (Brier 1950); 0 is perfect."""
    return histogram.squared / max(histogram.count, 1)


def fit_calibration(
    probability: npt.NDArray[np.floating],
    labels: npt.NDArray[np.uint8],
    *,
    prevalence: float | None = None,
) -> Calibration:
    """Temperature and bias with the largest likelihood of the labels.

    Fit on validation data, never on what a figure is reported for. With one class only there is
    nothing to fit, and the calibration that changes nothing comes back.

    Args:
        probability: any shape, uncalibrated.
        labels: same shape; 1 landslide, 0 none, anything else does not count.
        prevalence: share of landslide pixels where the probabilities will be used; pixels without
            landslide weigh accordingly. None: as in the labels.
    """
    logits, positive, negative = _logit_counts(probability, labels)
    if not positive.sum() or not negative.sum():
        return Calibration()
    if prevalence is not None:
        negative = negative * (positive.sum() / negative.sum() * (1 - prevalence) / prevalence)
    return _maximise(logits, positive, negative)


def _logit_counts(
    probability: npt.NDArray[np.floating], labels: npt.NDArray[np.uint8]
) -> tuple[npt.NDArray[np.float64], ...]:
    """Mean logit of each bin of logits, and its pixels with and without landslide."""
    known = labels <= 1
    p = np.clip(probability[known].astype(np.float64), _LEAST, 1 - _LEAST)
    z, y = np.log(p) - np.log1p(-p), labels[known] == 1
    top = -np.log(_LEAST)
    level = np.clip((z + top) / (2 * top) * _LOGIT_BINS, 0, _LOGIT_BINS - 1).astype(np.int64)
    count = np.bincount(level, minlength=_LOGIT_BINS).astype(float)
    positive = np.bincount(level[y], minlength=_LOGIT_BINS).astype(float)
    total = np.bincount(level, weights=z, minlength=_LOGIT_BINS)
    some = count > 0
    return total[some] / count[some], positive[some], (count - positive)[some]


def _maximise(
    logits: npt.NDArray[np.float64],
    positive: npt.NDArray[np.float64],
    negative: npt.NDArray[np.float64],
) -> Calibration:
    """Logistic regression on one variable, convex: z' = slope z + offset."""
    from scipy.optimize import minimize
    from scipy.special import expit

    whole = positive.sum() + negative.sum()

    def loss(x: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        z = x[0] * logits + x[1]
        value = positive @ np.logaddexp(0, -z) + negative @ np.logaddexp(0, z)
        gap = (positive + negative) * expit(z) - positive
        return float(value / whole), np.array([gap @ logits, gap.sum()]) / whole

    # Scores that rise with nothing, or part the classes without a miss, have no finite optimum.
    bounds = [(1 / _STEEPEST, _STEEPEST), (-50.0, 50.0)]
    options: dict[str, Any] = {"ftol": 1e-14, "gtol": 1e-9, "maxiter": 500}
    found = minimize(loss, [1.0, 0.0], jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    slope, offset = (float(v) for v in found.x)
    return Calibration(temperature=1 / slope, bias=offset / slope)
