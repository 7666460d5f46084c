"""Probabilities of all pixels as counts in 1001 bins: what curves and calibration are drawn from.

A data set may be larger than memory; its histogram is not. A bin is 0.001 wide, the last holds 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hrgldd_core.evaluation.threshold import TOLERANCE

__all__ = ["LEVELS", "Histogram"]

LEVELS = 1000


@dataclass(frozen=True)
class Histogram:
    """Pixels by probability and truth; histograms of different places may be added.

    Attributes:
        positive: (1001,) landslide pixels with a probability in [k/1000, (k+1)/1000).
        negative: (1001,) the same of pixels without landslide.
        mass: (1001,) sum of the probabilities of both.
        squared: sum of (probability - truth) squared.
    """

    positive: npt.NDArray[np.int64]
    negative: npt.NDArray[np.int64]
    mass: npt.NDArray[np.float64]
    squared: float = 0.0

    @classmethod
    def empty(cls) -> Histogram:
        """Of no pixel at all."""
        return cls(
            np.zeros(LEVELS + 1, np.int64), np.zeros(LEVELS + 1, np.int64), np.zeros(LEVELS + 1)
        )

    @classmethod
    def of(cls, probability: npt.NDArray[np.floating], labels: npt.NDArray[np.uint8]) -> Histogram:
        """Count arrays of the same shape; labels other than 0 and 1 do not count."""
        known = labels <= 1
        p, y = probability[known].astype(np.float64), labels[known]
        level = np.clip(((p + TOLERANCE) * LEVELS).astype(np.int64), 0, LEVELS)
        return cls(
            np.bincount(level[y == 1], minlength=LEVELS + 1),
            np.bincount(level[y == 0], minlength=LEVELS + 1),
            np.bincount(level, weights=p, minlength=LEVELS + 1).astype(np.float64),
            float(np.square(p - y).sum()),
        )

    def __add__(self, other: Histogram) -> Histogram:
        return Histogram(
            self.positive + other.positive,
            self.negative + other.negative,
            self.mass + other.mass,
            self.squared + other.squared,
        )

    @property
    def count(self) -> int:
        """Pixels that count."""
        return int(self.positive.sum() + self.negative.sum())
