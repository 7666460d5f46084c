"""Losses over all pixels of a batch; labels are 0, 1, or 255 where a pixel is to be ignored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hrgldd_core.models.backend import ops

__all__ = ["LOSSES", "dice", "dice_cross_entropy"]

Tensor = Any
_SMOOTH = 1.0


def _split(y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Labels, probabilities and a 0/1 weight, all float32, ignored pixels zeroed."""
    y_pred = ops.cast(y_pred, "float32")
    y_true = ops.cast(y_true, "float32")
    weight = ops.cast(y_true < 2.0, "float32")
    return y_true * weight, y_pred * weight, weight


def dice(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """1 - (2 |A∩B| + 1) / (|A| + |B| + 1) over the batch (Milletari et al. 2016)."""
    label, probability, _ = _split(y_true, y_pred)
    overlap = ops.sum(label * probability)
    total = ops.sum(label) + ops.sum(probability)
    return 1.0 - (2.0 * overlap + _SMOOTH) / (total + _SMOOTH)


def dice_cross_entropy(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Dice plus half the mean binary cross-entropy: steadier gradients, usable probabilities."""
    label, probability, weight = _split(y_true, y_pred)
    p = ops.clip(probability, 1e-6, 1.0 - 1e-6)
    entropy = -(label * ops.log(p) + (1.0 - label) * ops.log(1.0 - p)) * weight
    mean = ops.sum(entropy) / ops.maximum(ops.sum(weight), 1.0)
    return dice(y_true, y_pred) + 0.5 * mean


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "dice": dice,
    "dice_cross_entropy": dice_cross_entropy,
}
