"""Precision-recall and ROC figures over every threshold, from histograms of probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hrgldd_core.evaluation.histogram import LEVELS, Histogram

__all__ = ["PrecisionRecall", "average_precision", "precision_recall", "roc_auc", "roc_points"]


@dataclass(frozen=True)
class PrecisionRecall:
    """Precision and recall of each threshold that maps at least one pixel, falling thresholds.

    Attributes:
        threshold: (n,) thousandths.
        precision: (n,) share of mapped pixels that are landslide.
        recall: (n,) share of landslide pixels that are mapped; 0 where there are none.
    """

    threshold: npt.NDArray[np.float64]
    precision: npt.NDArray[np.float64]
    recall: npt.NDArray[np.float64]

    def thinned(self, count: int = 200) -> PrecisionRecall:
        """At most ``count`` points, evenly along recall, the ends among them."""
        if len(self.threshold) <= count:
            return self
        wanted = np.linspace(self.recall[0], self.recall[-1], count - 1)
        last = len(self.recall) - 1
        keep = np.unique([*np.searchsorted(self.recall, wanted).clip(0, last), last])
        return PrecisionRecall(self.threshold[keep], self.precision[keep], self.recall[keep])


def precision_recall(histogram: Histogram) -> PrecisionRecall:
    """The precision-recall curve; exact at every thousandth of a threshold."""
    tp = histogram.positive[::-1].cumsum().astype(float)
    fp = histogram.negative[::-1].cumsum().astype(float)
    some = tp + fp > 0
    # A bin without a pixel adds no point.
    some[1:] &= np.diff(tp + fp) > 0
    threshold = np.arange(LEVELS, -1, -1) / LEVELS
    tp, fp = tp[some], fp[some]
    return PrecisionRecall(
        threshold[some], tp / np.maximum(tp + fp, 1), tp / max(int(histogram.positive.sum()), 1)
    )


def average_precision(histogram: Histogram) -> float | None:
    """Precision averaged over the steps of recall, never interpolated; None without landslides.

    The step-wise sum of Davis and Goadrich (2006) and of scikit-learn: straight lines between
    points of a precision-recall curve would promise too much.
    """
    if not histogram.positive.sum():
        return None
    curve = precision_recall(histogram)
    return float(np.sum(np.diff(curve.recall, prepend=0.0) * curve.precision))


def roc_auc(histogram: Histogram) -> float | None:
    """Chance that a landslide pixel scores higher than another pixel; None without both."""
    positive, negative = histogram.positive.astype(float), histogram.negative.astype(float)
    if not positive.sum() or not negative.sum():
        return None
    below = negative.cumsum() - negative
    won = float(np.sum(positive * (below + negative / 2)))  # equal scores count half
    return won / float(positive.sum() * negative.sum())


def roc_points(
    figures: Mapping[str, Any], count: int = 50
) -> tuple[list[float], list[float], list[float]]:
    """False and true positive rates and thresholds, falling thresholds, of a row of figures.

    Args:
        figures: with ``curve`` (precision and recall by threshold) and ``confusion``.
        count: most points; they lie evenly along recall, as the curve's own do.

    Returns:
        Three empty lists where there is no curve or only one class.
    """
    curve, of = figures["curve"], figures["confusion"]
    positive, negative = of["tp"] + of["fn"], of["fp"] + of["tn"]
    if not curve or not positive or not negative:
        return [], [], []
    precision, recall = np.array(curve["precision"]), np.array(curve["recall"])
    tp = recall * positive
    # Where nothing right is mapped, precision is 0 and does not tell how much is wrong.
    known = precision > 0
    fpr = (tp[known] * (1 / precision[known] - 1) / negative).clip(0, 1)
    pick = np.unique(np.linspace(0, len(fpr) - 1, min(count, len(fpr))).astype(int))
    columns = (np.maximum.accumulate(fpr), recall[known], np.array(curve["threshold"])[known])
    a, b, c = (np.round(column[pick], 5).tolist() for column in columns)
    return a, b, c
