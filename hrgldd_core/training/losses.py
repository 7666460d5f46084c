"""Losses over all pixels of a batch.

Labels are 0, 1, or 255 where a pixel is to be ignored.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hrgldd_core.models.backend import ops

__all__ = [
    "COARSE_LOSS",
    "LOSSES",
    "cross_entropy",
    "dice",
    "dice_cross_entropy",
    "focal_tversky",
    "loss_for",
    "tversky",
    "tversky_cross_entropy",
]

Tensor = Any
Loss = Callable[[Tensor, Tensor], Tensor]

_SMOOTH = 1.0
# Abraham and Khan 2019: false negatives weigh more than false positives.
_ALPHA, _GAMMA = 0.7, 0.75

COARSE_LOSS = "focal_tversky"
"""Loss of the coarser outputs of deep supervision (Abraham and Khan 2019)."""


def _split(y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Labels, probabilities and a 0/1 weight as float32 vectors; ignored pixels have label 0."""
    probability = ops.cast(ops.reshape(y_pred, (-1,)), "float32")
    label = ops.cast(ops.reshape(y_true, (-1,)), "float32")
    weight = ops.cast(label < 2.0, "float32")
    return label * weight, probability, weight


def _areas(y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """|A∩B|, |A| and |B| over the batch, A of the labels, B of the probabilities.

    As scalar products: their gradients need no copies of the size of the batch.
    """
    label, probability, weight = _split(y_true, y_pred)
    return ops.dot(label, probability), ops.sum(label), ops.dot(weight, probability)


def dice(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """1 - (2 |A∩B| + 1) / (|A| + |B| + 1) over the batch (Milletari et al. 2016)."""
    overlap, labelled, predicted = _areas(y_true, y_pred)
    return 1.0 - (2.0 * overlap + _SMOOTH) / (labelled + predicted + _SMOOTH)


def tversky(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """1 - (TP + 1) / (TP + 0.7 FN + 0.3 FP + 1) over the batch (Salehi et al. 2017)."""
    hit, labelled, predicted = _areas(y_true, y_pred)
    missed, false = labelled - hit, predicted - hit
    return 1.0 - (hit + _SMOOTH) / (hit + _ALPHA * missed + (1.0 - _ALPHA) * false + _SMOOTH)


def focal_tversky(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Tversky loss to the power of 0.75 (Abraham and Khan 2019)."""
    # The slope of the power is infinite at 0, where a gradient would be NaN.
    return ops.power(ops.maximum(tversky(y_true, y_pred), 1e-7), _GAMMA)


def cross_entropy(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Mean binary cross-entropy of the pixels that count."""
    label, probability, weight = _split(y_true, y_pred)
    p = ops.clip(probability, 1e-6, 1.0 - 1e-6)
    # Labels are 0 or 1: one logarithm, of the probability of what is there.
    right = ops.where(label > 0.5, p, 1.0 - p)
    return -ops.dot(weight, ops.log(right)) / ops.maximum(ops.sum(weight), 1.0)


def dice_cross_entropy(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Dice plus half the cross-entropy: steadier gradients, usable probabilities."""
    return dice(y_true, y_pred) + 0.5 * cross_entropy(y_true, y_pred)


def tversky_cross_entropy(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Tversky plus half the cross-entropy."""
    return tversky(y_true, y_pred) + 0.5 * cross_entropy(y_true, y_pred)


LOSSES: dict[str, Loss] = {
    "cross_entropy": cross_entropy,
    "dice": dice,
    "dice_cross_entropy": dice_cross_entropy,
    "focal_tversky": focal_tversky,
    "tversky": tversky,
    "tversky_cross_entropy": tversky_cross_entropy,
}


def loss_for(name: str, outputs: int = 1) -> Loss | list[Loss]:
    """What ``model.compile(loss=)`` takes for a model with one output or several.

    The first output has the named loss; each further one, half the size of that before, has
    `COARSE_LOSS` against every second, fourth, eighth label.
    """
    if outputs == 1:
        return LOSSES[name]
    return [LOSSES[name], *(_coarse(LOSSES[COARSE_LOSS], 1 << i) for i in range(1, outputs))]


def _coarse(loss: Loss, step: int) -> Loss:
    def against_coarser_labels(y_true: Tensor, y_pred: Tensor) -> Tensor:
        return loss(y_true[:, step // 2 :: step, step // 2 :: step], y_pred)

    return against_coarser_labels
