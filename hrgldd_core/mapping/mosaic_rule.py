"""Which observation of a pixel counts where scenes overlap."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from hrgldd_core.mapping.probability import SCALE

__all__ = ["MosaicRule", "ranks"]

MosaicRule = Literal["recent", "confidence", "maximum"]
"""The latest; the one furthest from the threshold, as a share of the way from it to 0 or to 1; or
the most probable. Where two are equal, the latest."""


def ranks(rule: MosaicRule, threshold: float) -> npt.NDArray[np.int16]:
    """(256,) how good each stored value is as an observation; -1 where there is none."""
    level = np.arange(256, dtype=float)
    at = threshold * SCALE
    better = {
        "recent": np.zeros(256),
        "confidence": np.where(level < at, (at - level) / at, (level - at) / (SCALE - at)) * 1e4,
        "maximum": level,
    }[rule]
    better[SCALE + 1 :] = -1
    rounded: npt.NDArray[np.int16] = np.rint(better).astype(np.int16)
    return rounded
