"""Calibration: from a model's score to a probability that means what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    import keras

__all__ = ["Calibration"]

_EDGE = 1e-7


class Calibration(BaseModel):
    """Temperature scaling with a bias (Platt 1999; Guo et al. 2017): p' = s((logit p + b) / T).

    It keeps the order of all pixels: what changes is the threshold and what a probability means.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    temperature: float = Field(1.0, gt=0, description="above 1: the score was too sure of itself")
    bias: float = Field(0.0, description="added to the logit before the temperature divides it")

    def apply(self, score: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        """Calibrated probabilities of scores of any shape."""
        p = np.clip(score.astype(np.float64), _EDGE, 1 - _EDGE)
        logit = (np.log(p) - np.log1p(-p) + self.bias) / self.temperature
        return (1 / (1 + np.exp(-logit))).astype(np.float32)

    def fold_into(self, model: keras.Model) -> None:
        """Make the last layer, a sigmoid convolution, give calibrated probabilities."""
        layer = model.get_layer("probability")
        kernel, bias = layer.get_weights()
        layer.set_weights([kernel / self.temperature, (bias + self.bias) / self.temperature])
