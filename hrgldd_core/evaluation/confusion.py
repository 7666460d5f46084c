"""Counts of the landslide class over all pixels together, and the ratios that follow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Confusion"]


@dataclass(frozen=True)
class Confusion:
    """True and false, positives and negatives; counts of different places may be added."""

    tp: int = 0
    fp: int = 0
    fn: int = 0
    tn: int = 0

    @classmethod
    def of(
        cls,
        truth: npt.NDArray[np.generic],
        predicted: npt.NDArray[np.generic],
        *,
        counted: npt.NDArray[np.bool_] | None = None,
    ) -> Confusion:
        """Count arrays of the same shape, nonzero meaning landslide.

        Args:
            truth: expert labels.
            predicted: labels of the model.
            counted: where to count; None counts everywhere.
        """
        t, p = truth.astype(bool), predicted.astype(bool)
        if counted is not None:
            t, p = t[counted], p[counted]
        tp = int(np.count_nonzero(t & p))
        positives, true = int(np.count_nonzero(p)), int(np.count_nonzero(t))
        return cls(tp, positives - tp, true - tp, t.size - positives - true + tp)

    def __add__(self, other: Confusion) -> Confusion:
        return Confusion(
            self.tp + other.tp, self.fp + other.fp, self.fn + other.fn, self.tn + other.tn
        )

    @property
    def precision(self) -> float:
        """Share of mapped pixels that are landslide; 0 when nothing was mapped."""
        return _ratio(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> float:
        """Share of landslide pixels that were mapped; 0 when there are none."""
        return _ratio(self.tp, self.tp + self.fn)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall (Dice)."""
        return _ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def iou(self) -> float:
        """Intersection over union (Jaccard)."""
        return _ratio(self.tp, self.tp + self.fp + self.fn)


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
