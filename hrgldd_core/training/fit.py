"""Fitting a model to patches as a recipe says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hrgldd_core.dataset.patches import PatchSet
from hrgldd_core.models.precision import keras_policy
from hrgldd_core.models.registry import build_model
from hrgldd_core.progress import NotedProgress, no_progress
from hrgldd_core.training.checkpoint import CheckpointFile, Course, restore
from hrgldd_core.training.devices import data_parallel, device_names, jit_compile
from hrgldd_core.training.logs import History, LiveLine
from hrgldd_core.training.predict import predict_patches
from hrgldd_core.training.recipe import Recipe
from hrgldd_core.training.trouble import check_memory, memory_limit

if TYPE_CHECKING:
    import keras

    from hrgldd_core.training.batches import TrainingBatches
    from hrgldd_core.training.callbacks import Prune

__all__ = ["WORKERS", "Fit", "Watch", "fit", "predict_patches", "training_batches"]

_WARMUP = 0.06
WORKERS = 2
"""Threads that make batches."""


@dataclass(frozen=True)
class Fit:
    """A fitted model and its learning curve.

    Attributes:
        model: the weights to keep, full-size output only.
        history: a column a figure, a row an epoch.
        best_epoch: the best of them on validation, from 1; 0 without validation.
        pruned: ended because it was not worth going on.
    """

    model: keras.Model
    history: dict[str, list[float]]
    best_epoch: int = 0
    pruned: bool = False


@dataclass(frozen=True)
class Watch:
    """What goes on beside a training.

    Attributes:
        progress: told each step.
        checkpoint: keeps the state after each epoch, and gives it back.
        history: logs each epoch.
        callbacks: further Keras callbacks, told each epoch's figures.
        prune: told the rows of the log so far; true ends the training there.
    """

    progress: NotedProgress = no_progress
    checkpoint: CheckpointFile | None = None
    history: History | None = None
    callbacks: list[Any] = field(default_factory=list)
    prune: Prune | None = None


def fit(
    recipe: Recipe,
    patches: PatchSet,
    *,
    validation: PatchSet | None = None,
    progress: NotedProgress = no_progress,
    watch: Watch | None = None,
    devices: int | None = None,
) -> Fit:
    """Train a model; go on with the training of a checkpoint.

    What chance decides depends on the recipe's seed, the epoch and the step alone, so that a
    training that was interrupted ends as an uninterrupted one.

    Args:
        recipe: how.
        patches: to learn from.
        validation: to watch, and to choose the epoch by when the recipe keeps the best.
        progress: told steps done.
        watch: what else goes on beside it; its ``progress`` replaces ``progress``.
        devices: how many accelerators; None: all, or one CPU.

    Raises:
        InputError: when the loss is no longer a number, memory is too small for a batch, or the
            checkpoint is of another training.
    """
    from hrgldd_core.models.backend import keras

    watch = watch or Watch(progress)
    if device_names()[0].startswith("cpu"):
        # An accelerator says itself when its memory is full.
        check_memory(recipe, patches.images.shape[1:])
    keras.utils.set_random_seed(recipe.seed)
    steps = recipe.steps_per_epoch or -(-len(patches) // recipe.batch_size)
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(keras_policy(recipe.precision))
    try:
        with (
            memory_limit(recipe.batch_size),
            data_parallel(batch_size=recipe.batch_size, devices=devices),
        ):
            model = _compiled(recipe, bands=len(patches.bands), steps=steps)
            return _run(recipe, model, patches, validation=validation, steps=steps, watch=watch)
    finally:
        keras.config.set_dtype_policy(policy)


def _compiled(recipe: Recipe, *, bands: int, steps: int) -> keras.Model:
    from hrgldd_core.training.losses import loss_for

    model = build_model(
        recipe.model,
        bands=bands,
        filters=recipe.filters,
        batch_norm=recipe.batch_norm,
        dropout=recipe.dropout,
        deep_supervision=True,
    )
    model.compile(
        _optimizer(recipe, steps * recipe.epochs),
        loss=_as_vectors(loss_for(recipe.loss, len(model.outputs))),
        jit_compile=jit_compile(),
    )
    model.optimizer.build(model.trainable_variables)
    return model


def _as_vectors(losses: Any) -> Any:
    """Losses that give one number as a vector of one.

    Keras (3.15) shares a loss out over replicas when it averages it, and leaves a scalar alone:
    on two devices TensorFlow would sum where it should take the mean.
    """
    from hrgldd_core.models.backend import ops

    if isinstance(losses, list):
        return [_as_vectors(loss) for loss in losses]

    def vector(y_true: Any, y_pred: Any) -> Any:
        return ops.reshape(losses(y_true, y_pred), (1,))

    return vector


def _run(
    recipe: Recipe,
    model: keras.Model,
    patches: PatchSet,
    *,
    validation: PatchSet | None,
    steps: int,
    watch: Watch,
) -> Fit:
    from hrgldd_core.models.backend import keras
    from hrgldd_core.training.callbacks import AfterEachEpoch, AtEachStep
    from hrgldd_core.training.feed import feed

    state = watch.checkpoint.read() if watch.checkpoint else None
    if state is not None:
        restore(model, state)
    course, best = (state.course, state.best) if state else (Course(), [])
    if watch.history is not None and course.rows:
        # A kill may have come between the checkpoint of an epoch and its row.
        watch.history.write(course.rows)
    line = LiveLine(watch.progress, epochs=recipe.epochs, steps=steps, batch_size=recipe.batch_size)
    single = _first_output(model)
    each_step = AtEachStep(line)
    each_epoch = AfterEachEpoch(
        recipe,
        course=course,
        best=best,
        single=single,
        patches=steps * recipe.batch_size,
        validator=_validator(recipe, validation),
        line=line,
        checkpoint=watch.checkpoint,
        history=watch.history,
        prune=watch.prune,
    )
    if not course.ended:
        batches = training_batches(recipe, patches, steps=steps, outputs=len(model.outputs))
        numbered = keras.callbacks.LambdaCallback(
            on_epoch_begin=lambda epoch, _: batches.begin_epoch(epoch)
        )
        with feed(batches) as data:
            model.fit(
                data,
                initial_epoch=len(course.rows),
                epochs=recipe.epochs,
                callbacks=[numbered, each_step, each_epoch, *watch.callbacks],
                # Batches are random already; their order must not depend on Python's generator.
                shuffle=False,
                verbose=0,
            )
    if (error := each_step.error or each_epoch.error) is not None:
        raise error
    if recipe.ema and state is not None and course.ended and not each_epoch.trained:
        model.optimizer.finalize_variable_values(model.trainable_weights)
    if each_epoch.best:
        model.set_weights(each_epoch.best)
    line.end()
    history = {name: [row[name] for row in course.rows] for name in course.rows[-1]}
    return Fit(single, history, course.best_epoch, course.pruned)


def _first_output(model: keras.Model) -> keras.Model:
    """The same weights, full-size output only."""
    from hrgldd_core.models.backend import keras

    if len(model.outputs) == 1:
        return model
    return keras.Model(model.inputs, model.outputs[0], name=model.name)


def training_batches(
    recipe: Recipe, patches: PatchSet, *, steps: int, outputs: int = 1
) -> TrainingBatches:
    """The batches that a recipe trains with.

    Args:
        recipe: how.
        patches: to learn from.
        steps: batches an epoch.
        outputs: of the model.
    """
    from hrgldd_core.training.batches import TrainingBatches
    from hrgldd_core.training.generated import generated_patches

    generated = None
    if recipe.generated:
        rows, columns = patches.images.shape[1:3]
        generated = generated_patches(patches.bands, shape=(rows, columns))
    return TrainingBatches(
        patches,
        normalisation=recipe.normalisation,
        augmentation=recipe.augmentation,
        batch_size=recipe.batch_size,
        steps=steps,
        seed=recipe.seed,
        balance=recipe.balance,
        generated=generated,
        generated_share=recipe.generated,
        outputs=outputs,
        workers=WORKERS,
    )


def _validator(recipe: Recipe, validation: PatchSet | None) -> Any:
    from hrgldd_core.training.losses import LOSSES
    from hrgldd_core.training.validate import Validator

    if validation is None:
        return None
    return Validator(
        validation,
        normalisation=recipe.normalisation,
        loss=LOSSES[recipe.loss],
        batch_size=recipe.batch_size,
    )


def _optimizer(recipe: Recipe, steps: int) -> keras.Optimizer:
    from hrgldd_core.models.backend import keras

    rate: Any = recipe.learning_rate
    if recipe.schedule == "cosine":
        warmup = max(1, int(steps * _WARMUP))
        rate = keras.optimizers.schedules.CosineDecay(
            rate / 100, max(1, steps - warmup), warmup_target=rate, warmup_steps=warmup
        )
    more: dict[str, Any] = {}
    if recipe.ema:
        more = {"use_ema": True, "ema_momentum": recipe.ema}
    if recipe.optimizer == "adamw":
        return keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay, **more)
    return keras.optimizers.Adam(rate, **more)
