"""What happens at each step and after each epoch of a training, as Keras callbacks."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hrgldd_core.models.backend import keras, ops
from hrgldd_core.training.checkpoint import Arrays, CheckpointFile, Course, capture
from hrgldd_core.training.logs import History, LiveLine
from hrgldd_core.training.recipe import Recipe
from hrgldd_core.training.trouble import DivergedError
from hrgldd_core.training.validate import Validator

__all__ = ["AfterEachEpoch", "AtEachStep"]

_MONITORED = {"loss": ("val_loss", 1.0), "f1": ("val_best_f1", -1.0)}

Prune = Callable[[Sequence[dict[str, float]]], bool]
"""Told the rows of the log so far; true ends the training there."""


class AtEachStep(keras.callbacks.Callback):  # type: ignore[misc]
    """Tells how it goes, and stops at a loss that is no number."""

    def __init__(self, line: LiveLine) -> None:
        super().__init__()
        self.error: DivergedError | None = None
        self._line = line
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002, D102
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: D102
        loss = float(logs["loss"])
        if not np.isfinite(loss):
            # Raised after fit has ended: an exception here would leave its threads waiting.
            self.error = DivergedError(
                loss=loss,
                epoch=self._epoch + 1,
                step=batch + 1,
                learning_rate=_learning_rate(self.model),
            )
            self.model.stop_training = True
            return
        self._line.step(self._epoch + 1, batch + 1, loss)


class AfterEachEpoch(keras.callbacks.Callback):  # type: ignore[misc]
    """Validates the (averaged) weights, keeps the best, writes log and checkpoint, stops early."""

    def __init__(
        self,
        recipe: Recipe,
        *,
        course: Course,
        best: Arrays,
        single: keras.Model,
        patches: int,
        validator: Validator | None,
        line: LiveLine,
        checkpoint: CheckpointFile | None,
        history: History | None,
        prune: Prune | None,
    ) -> None:
        """Prepare.

        Args:
            recipe: of the training.
            course: how it has gone so far; kept up to date.
            best: weights of the best epoch so far.
            single: the trained model with its full-size output only; shares the weights.
            patches: learned from an epoch, for the speed.
            validator: scores the model; None: nothing to validate on.
            line: told the figures.
            checkpoint: where to keep the state; None: nowhere.
            history: where to log; None: nowhere.
            prune: asked whether to end here.
        """
        super().__init__()
        self.course, self.best = course, best
        self._recipe, self._single, self._patches = recipe, single, patches
        self._validator, self._line = validator, line
        self._checkpoint, self._history, self._prune = checkpoint, history, prune
        self.trained = False
        self.error: DivergedError | None = None
        self._started = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002, D102
        self.trained = True
        self._started = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: D102
        logs = {} if logs is None else logs
        if self.model.stop_training or not np.isfinite(logs["loss"]):
            return
        took = time.monotonic() - self._started
        course = self.course
        row = {
            "epoch": epoch + 1,
            "loss": float(logs["loss"]),
            **self._validate(epoch + 1),
            "learning_rate": _learning_rate(self.model),
            "seconds": round(time.monotonic() - self._started, 3),
            "patches_per_second": round(self._patches / took, 2),
        }
        if not np.isfinite(row.get("val_loss", 0.0)):
            # The last step has spoilt the weights: no later one tells.
            self.error = DivergedError(
                loss=row["val_loss"],
                epoch=epoch + 1,
                step=self.params["steps"],
                learning_rate=row["learning_rate"],
            )
            self.model.stop_training = True
            return
        # Keras' own loggers, TensorBoard among them, see the figures too.
        logs.update({k: v for k, v in row.items() if k != "epoch"})
        course.rows.append(row)
        self._line.epoch(row)
        patience = self._recipe.patience
        lost = self._validator is not None and patience is not None and course.waited >= patience
        pruned = self._prune is not None and self._prune(course.rows)
        course.pruned = pruned
        course.ended = lost or pruned or epoch + 1 == self._recipe.epochs
        if lost or pruned:
            self.model.stop_training = True
        if self._checkpoint is not None:
            self._checkpoint.write(capture(self.model, course, self.best))
        if self._history is not None:
            self._history.write(course.rows)

    def _validate(self, epoch: int) -> dict[str, float]:
        if self._validator is None:
            return {}
        averaged = keras.callbacks.SwapEMAWeights() if self._recipe.ema else None
        if averaged is not None:
            averaged.set_model(self.model)
            averaged.on_test_begin()
        try:
            figures = self._validator(self._single)
            name, sign = _MONITORED[self._recipe.monitor]
            if sign * figures[name] < self.course.best:
                self.course.best, self.course.best_epoch = sign * figures[name], epoch
                self.course.waited = 0
                if self._recipe.keep == "best":
                    self.best = [np.array(w) for w in self.model.get_weights()]
            else:
                self.course.waited += 1
        finally:
            if averaged is not None:
                averaged.on_test_end()
        return figures


def _learning_rate(model: keras.Model) -> float:
    return float(ops.convert_to_numpy(model.optimizer.learning_rate))
