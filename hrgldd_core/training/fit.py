"""Fitting a model to patches as a recipe says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hrgldd_core.dataset.patches import PatchSet
from hrgldd_core.errors import InputError
from hrgldd_core.models.registry import build_model
from hrgldd_core.progress import Progress, no_progress
from hrgldd_core.training.recipe import Recipe

if TYPE_CHECKING:
    import keras

__all__ = ["Fit", "fit", "predict_patches"]

_WARMUP = 0.06


@dataclass(frozen=True)
class Fit:
    """A fitted model and its learning curve."""

    model: keras.Model
    history: dict[str, list[float]]


def fit(
    recipe: Recipe,
    patches: PatchSet,
    *,
    validation: PatchSet | None = None,
    progress: Progress = no_progress,
) -> Fit:
    """Train a model.

    Args:
        recipe: how.
        patches: to learn from.
        validation: to watch, and to choose the epoch by when the recipe keeps the best.
        progress: told epochs done.

    Raises:
        InputError: when the loss is no longer a number.
    """
    from hrgldd_core.models.backend import keras
    from hrgldd_core.training.batches import TrainingBatches, normalise_patches
    from hrgldd_core.training.generated import generated_patches
    from hrgldd_core.training.losses import LOSSES

    keras.utils.set_random_seed(recipe.seed)
    steps = recipe.steps_per_epoch or -(-len(patches) // recipe.batch_size)
    batches = TrainingBatches(
        patches,
        normalisation=recipe.normalisation,
        augmentation=recipe.augmentation,
        batch_size=recipe.batch_size,
        steps=steps,
        seed=recipe.seed,
        balance=recipe.balance,
        generated=generated_patches(patches.bands) if recipe.generated else None,
        generated_share=recipe.generated,
        workers=2,
    )
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(recipe.precision)
    try:
        model = build_model(
            recipe.model,
            bands=len(patches.bands),
            filters=recipe.filters,
            batch_norm=recipe.batch_norm,
            dropout=recipe.dropout,
        )
        model.compile(
            _optimizer(recipe, steps * recipe.epochs),
            loss=LOSSES[recipe.loss],
            # On CPU XLA, the default, halves the speed.
            jit_compile=keras.backend.backend() != "tensorflow",
        )
        watched = None
        if validation is not None:
            inputs = normalise_patches(validation, recipe.normalisation)
            watched = (inputs, validation.labels[..., None])
        callbacks: list[Any] = [_stop_on_nan(), _report(progress, recipe.epochs)]
        if watched is not None and recipe.keep == "best":
            callbacks.append(
                keras.callbacks.EarlyStopping(
                    patience=recipe.patience or recipe.epochs, restore_best_weights=True
                )
            )
        history: dict[str, list[float]] = model.fit(
            batches,
            epochs=recipe.epochs,
            validation_data=watched,
            validation_batch_size=recipe.batch_size,
            callbacks=callbacks,
            verbose=0,
        ).history
    finally:
        keras.config.set_dtype_policy(policy)
    if not np.isfinite(history["loss"][-1]):
        raise InputError(
            f"the loss became {history['loss'][-1]} in epoch {len(history['loss'])}",
            remedy=f"Lower --learning-rate (it was {recipe.learning_rate:g})",
        )
    return Fit(model, history)


def predict_patches(
    model: keras.Model, inputs: npt.NDArray[np.float32], *, batch_size: int = 16
) -> npt.NDArray[np.float32]:
    """(N, y, x) probabilities of (N, y, x, band) normalised patches."""
    from hrgldd_core.models.backend import keras

    pad = -len(inputs) % batch_size
    # Whole batches only: another shape would be traced and compiled again.
    full = np.concatenate([inputs, inputs[:1].repeat(pad, axis=0)]) if pad else inputs
    parts = [
        keras.ops.convert_to_numpy(model(full[i : i + batch_size], training=False))
        for i in range(0, len(full), batch_size)
    ]
    return np.concatenate(parts)[: len(inputs), ..., 0]


def _optimizer(recipe: Recipe, steps: int) -> keras.Optimizer:
    from hrgldd_core.models.backend import keras

    rate: Any = recipe.learning_rate
    if recipe.schedule == "cosine":
        warmup = max(1, int(steps * _WARMUP))
        rate = keras.optimizers.schedules.CosineDecay(
            rate / 100, max(1, steps - warmup), warmup_target=rate, warmup_steps=warmup
        )
    if recipe.optimizer == "adamw":
        return keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay)
    return keras.optimizers.Adam(rate)


def _stop_on_nan() -> Any:
    """Keras' own callback prints to standard output, where a result is awaited."""
    from hrgldd_core.models.backend import keras

    class StopOnNan(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_batch_end(self, _: int, logs: dict[str, float] | None = None) -> None:
            if not np.isfinite((logs or {}).get("loss", 0.0)):
                self.model.stop_training = True

    return StopOnNan()


def _report(progress: Progress, epochs: int) -> Any:
    from hrgldd_core.models.backend import keras

    return keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, _: progress("training", epoch + 1, epochs)
    )
