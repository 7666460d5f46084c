"""Choosing the threshold, and how sure a figure is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hrgldd_core.evaluation.confusion import Confusion
from hrgldd_core.evaluation.intervals import interval, resample

__all__ = ["TOLERANCE", "best_threshold", "bootstrap_f1", "patch_confusions"]

TOLERANCE = 1e-6
"""A probability stored as float32 this little below a threshold has reached it."""

_LEVELS = 250


def best_threshold(
    probability: npt.NDArray[np.floating],
    labels: npt.NDArray[np.uint8],
    *,
    prevalence: float | None = None,
) -> tuple[float, float]:
    """Threshold with the largest F1 over all pixels together, and that F1.

    Patches are chosen around landslides; in whole scenes there is far more that is none. A
    prevalence weighs the pixels without landslide as if landslides had that share.

    Args:
        probability: any shape.
        labels: same shape; 1 landslide, 0 none, anything else does not count.
        prevalence: share of landslide pixels where the threshold will be used; None: as in labels.
    """
    level = np.clip(np.rint(probability * _LEVELS), 0, _LEVELS).astype(np.int64)
    positive = np.bincount(level[labels == 1].ravel(), minlength=_LEVELS + 1)
    negative = np.bincount(level[labels == 0].ravel(), minlength=_LEVELS + 1)
    tp = positive[::-1].cumsum()[::-1].astype(float)
    fp = negative[::-1].cumsum()[::-1].astype(float)
    if prevalence is not None:
        fp *= positive.sum() / max(negative.sum(), 1) * (1 - prevalence) / prevalence
    f1 = 2 * tp / np.maximum(tp + fp + positive.sum(), 1)
    best = int(f1[1:_LEVELS].argmax()) + 1
    return best / _LEVELS, float(f1[best])


def patch_confusions(
    probability: npt.NDArray[np.floating], labels: npt.NDArray[np.uint8], threshold: float
) -> list[Confusion]:
    """Counts of each patch of (N, y, x) arrays."""
    return [
        Confusion.of(y == 1, p >= threshold - TOLERANCE, counted=y <= 1)
        for p, y in zip(probability, labels, strict=True)
    ]


def bootstrap_f1(
    confusions: list[Confusion], *, draws: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """95 % interval of the F1 over all pixels, patches drawn with replacement.

    Neighbouring patches of one site are alike, so the true uncertainty for a new site is larger.
    """
    table = np.array([[c.tp, c.fp, c.fn] for c in confusions])

    def f1(sums: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        tp, fp, fn = sums.T
        return np.asarray(2 * tp / np.maximum(2 * tp + fp + fn, 1))

    return interval(resample(table, draws=draws, seed=seed), f1)
