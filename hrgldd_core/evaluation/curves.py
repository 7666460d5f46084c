"""Precision-recall and ROC figures over every threshold, from histograms of probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hrgldd_core.evaluation.histogram import LEVELS, Histogram

__all__ = ["PrecisionRecall", "average_precision", "precision_recall", "roc_auc"]


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
