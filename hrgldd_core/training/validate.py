"""Loss and F1 on validation patches, from one pass and two histograms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hrgldd_core.dataset.patches import PatchSet
from hrgldd_core.dataset.radiometry import normalised_batches
from hrgldd_core.normalise import Normalisation
from hrgldd_core.training.predict import predict_patches

if TYPE_CHECKING:
    import keras

__all__ = ["Validator", "histogram_figures"]

_LEVELS = 1000
_CHUNK = 64
# Inputs of as much are kept; of more they are made anew each epoch.
_KEEP_BYTES = 1 << 30

Inputs = npt.NDArray[np.float32]
Labels = npt.NDArray[np.uint8]


class Validator:
    """Scores a model on patches that it does not learn from."""

    def __init__(
        self,
        patches: PatchSet,
        *,
        normalisation: Normalisation,
        loss: Callable[[Any, Any], Any],
        batch_size: int,
    ) -> None:
        """Remember what to score on.

        Args:
            patches: the validation patches.
            normalisation: of the model's input.
            loss: of labels (n, y, x, 1) and probabilities, a mean over the n patches.
            batch_size: patches a prediction, and a loss.
        """
        self._patches = patches
        self._normalisation = normalisation
        self._loss = loss
        self._batch_size = batch_size
        self._kept: list[tuple[Inputs, Labels]] | None = None

    def __call__(self, model: keras.Model) -> dict[str, float]:
        """``val_loss``, and precision, recall, F1 at 0.5 and at the best threshold."""
        from hrgldd_core.models.backend import ops

        losses, counts = [], []
        histogram = np.zeros((2, _LEVELS + 1), np.int64)
        for inputs, labels in self._chunks():
            probability = predict_patches(model, inputs, batch_size=self._batch_size)
            for start in range(0, len(labels), self._batch_size):
                part = slice(start, start + self._batch_size)
                truth = labels[part][..., None].astype(np.float32)
                loss = self._loss(truth, probability[part][..., None])
                losses.append(float(ops.convert_to_numpy(ops.mean(loss))))
                counts.append(len(truth))
            histogram += _histogram(probability, labels)
        mean = float(np.average(losses, weights=counts))
        return {"val_loss": mean, **histogram_figures(histogram)}

    def _chunks(self) -> Iterator[tuple[Inputs, Labels]]:
        if self._kept is not None:
            yield from self._kept
            return
        keep = int(np.prod(self._patches.images.shape)) * 4 <= _KEEP_BYTES
        kept = []
        size = -(-_CHUNK // self._batch_size) * self._batch_size
        start = 0
        for inputs in normalised_batches(self._patches, self._normalisation, size=size):
            labels = np.asarray(self._patches.labels[start : start + len(inputs)])
            start += len(inputs)
            if keep:
                kept.append((inputs, labels))
            yield inputs, labels
        if keep:
            self._kept = kept


def _histogram(probability: Inputs, labels: Labels) -> npt.NDArray[np.int64]:
    """(2, levels): pixels of each probability without and with a landslide."""
    # NaN counts as 0 here; the loss tells of it.
    level = np.clip(np.rint(np.nan_to_num(probability) * _LEVELS), 0, _LEVELS).astype(np.int64)
    return np.stack([np.bincount(level[labels == k], minlength=_LEVELS + 1) for k in (0, 1)])


def histogram_figures(histogram: npt.NDArray[np.int64]) -> dict[str, float]:
    """Precision, recall and F1 over all pixels, at 0.5 and at the threshold with the largest F1.

    Args:
        histogram: (2, levels) pixels at each of evenly spaced probabilities from 0 to 1, without
            and with a landslide.
    """
    fp, tp = histogram[:, ::-1].cumsum(1)[:, ::-1].astype(float)
    positives = max(float(histogram[1].sum()), 1.0)
    precision, recall = tp / np.maximum(tp + fp, 1), tp / positives
    f1 = 2 * tp / np.maximum(tp + fp + positives, 1)
    last = histogram.shape[1] - 1
    # Thresholds 0 and 1 mean everything and nothing.
    best = int(f1[1:last].argmax()) + 1
    out = {"val_best_threshold": best / last}
    for prefix, level in (("val_", last // 2), ("val_best_", best)):
        for name, values in (("precision", precision), ("recall", recall), ("f1", f1)):
            out[f"{prefix}{name}"] = float(values[level])
    return out
