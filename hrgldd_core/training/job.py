"""Training one model: what ``hrgldd train`` does."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from hrgldd_core import __version__, storage
from hrgldd_core.dataset.patches import PatchSet
from hrgldd_core.errors import InputError, OutputExistsError
from hrgldd_core.models.calibration import Calibration
from hrgldd_core.models.precision import keras_policy
from hrgldd_core.models.registry import build_model, check_name
from hrgldd_core.models.store import ModelSpec, open_model, save_model
from hrgldd_core.progress import NotedProgress, no_progress
from hrgldd_core.training.identity import data_identity
from hrgldd_core.training.recipe import Recipe
from hrgldd_core.training.split import split_for_validation

if TYPE_CHECKING:
    import keras

    from hrgldd_core.training.callbacks import Prune
    from hrgldd_core.training.fit import Fit

__all__ = ["split_for_validation", "train_model"]


def train_model(
    recipe: Recipe,
    *,
    data: str,
    out: str,
    progress: NotedProgress = no_progress,
    devices: int | None = None,
    tensorboard: bool = False,
    prune: Prune | None = None,
) -> dict[str, Any]:
    """Train, calibrate and choose the threshold on validation patches, store as a model folder.

    The state is kept below ``out`` after each epoch: called again after a kill, it goes on and
    ends with the same weights; called again after the end, it returns the result.

    Args:
        recipe: how.
        data: URI of the patches.
        out: folder or prefix of the model.
        progress: told steps done.
        devices: how many accelerators; None: all, or one CPU.
        tensorboard: log for TensorBoard too, below ``out/tensorboard``.
        prune: told the rows of the log so far; true ends the training there.

    Raises:
        InputError: when recipe or data are unusable, or the training fails; no model is written.
        OutputExistsError: when another model, or the checkpoint of another training, is there.
    """
    check_name(recipe.model)
    learning, validation, how = split_for_validation(
        data, recipe.seed if recipe.split_seed is None else recipe.split_seed
    )
    data_id = data_identity(data)
    identity = {"recipe": recipe.model_dump(mode="json"), "data": data_id}
    from hrgldd_core.training.checkpoint import CheckpointFile
    from hrgldd_core.training.fit import Watch, fit
    from hrgldd_core.training.logs import History, tensorboard_logger
    from hrgldd_core.training.trouble import DivergedError, check_batch

    checkpoint, history = CheckpointFile(out, identity), History(out)
    if (result := _finished(recipe, data_id, out)) is not None:
        checkpoint.remove()
        return result
    check_batch(recipe.batch_size, len(learning), data)
    storage.check_writable(out)
    _check_labels(learning, data)
    validation.check_all()
    watch = Watch(
        progress=progress,
        checkpoint=checkpoint,
        history=history,
        callbacks=[tensorboard_logger(out)] if tensorboard else [],
        prune=prune,
    )
    with storage.no_empty_folder(out):
        try:
            fitted = fit(recipe, learning, validation=validation, watch=watch, devices=devices)
        except DivergedError:
            # Going on would only end there again.
            checkpoint.remove()
            history.remove()
            raise
    model = _in_float32(recipe, fitted.model, bands=len(learning.bands))
    spec, figures = _describe(recipe, fitted, model, learning, validation)
    spec = spec.model_copy(
        update={
            "training": {
                "data": f"{len(learning)} patches of {Path(data).name}",
                "sha256": data_id,
                "seed": recipe.seed,
                "software": __version__,
                "recipe": identity["recipe"],
                "precision": keras_policy(recipe.precision),
            },
            "validation": {"method": how, **figures},
        }
    )
    save_model(model, spec, out)
    checkpoint.remove()
    return {**figures, "out": out}


def _check_labels(learning: PatchSet, data: str) -> None:
    """Read all patches to learn from once, as `PatchSet.check_all` does."""
    if not sum(int((labels == 1).sum()) for _, labels in learning.batches()):
        raise InputError(
            f"not one landslide pixel in {len(learning)} training patches",
            where=data,
            remedy="Check that labels are 1 where a landslide is",
        )


def _finished(recipe: Recipe, data: str, out: str) -> dict[str, Any] | None:
    """The result of this training, if it has ended before.

    Raises:
        OutputExistsError: when the model there is another one.
    """
    if not storage.exists(storage.join(out, "model.json")):
        return None
    spec = open_model(out).spec
    from hrgldd_core.training.checkpoint import difference

    try:
        there = Recipe.model_validate(spec.training.get("recipe")).model_dump(mode="json")
    except ValidationError:
        there = {}
    identities = (
        {"recipe": there, "data": spec.training.get("sha256")},
        {"recipe": recipe.model_dump(mode="json"), "data": data},
    )
    if found := difference(*identities):
        raise OutputExistsError(
            f"already holds a model of another training ({found})",
            where=out,
            remedy="Choose another --out, or repeat that training's options to get its result",
        )
    return {**{k: v for k, v in spec.validation.items() if k != "method"}, "out": out}


def _in_float32(recipe: Recipe, trained: keras.Model, *, bands: int) -> keras.Model:
    """The model as it will be loaded: figures of validation are of that one."""
    model = build_model(
        recipe.model,
        bands=bands,
        filters=recipe.filters,
        batch_norm=recipe.batch_norm,
        dropout=recipe.dropout,
    )
    model.set_weights(trained.get_weights())
    return model


def _describe(
    recipe: Recipe,
    fitted: Fit,
    model: keras.Model,
    learning: PatchSet,
    validation: PatchSet,
) -> tuple[ModelSpec, dict[str, Any]]:
    """Calibration, threshold and figures on validation."""
    from hrgldd_core.dataset.radiometry import normalise_patches
    from hrgldd_core.evaluation.job import metrics_of
    from hrgldd_core.evaluation.threshold import best_threshold
    from hrgldd_core.training.fit import predict_patches

    inputs = normalise_patches(validation, recipe.normalisation)
    labels = np.asarray(validation.labels)
    score = predict_patches(model, inputs, batch_size=recipe.batch_size)
    calibration = Calibration()
    if recipe.calibrate:
        from hrgldd_core.evaluation.calibration import fit_calibration

        calibration = fit_calibration(score, labels)
    probability = calibration.apply(score) if recipe.calibrate else score
    threshold, _ = best_threshold(probability, labels)
    figures = {
        **metrics_of(probability, validation, threshold),
        "n_training": len(learning),
        "epochs": len(fitted.history["loss"]),
        "best_epoch": fitted.best_epoch,
        "parameters": model.count_params(),
        "seconds": round(sum(fitted.history["seconds"]), 1),
        **({"pruned": True} if fitted.pruned else {}),
    }
    now = datetime.now(UTC)
    spec = ModelSpec(
        id=f"{recipe.model}-{recipe.name}",
        version=now.strftime("%Y%m%d%H%M%S"),
        bands=learning.bands,
        **recipe.model_fields_of_spec(),
        calibration=calibration,
        threshold=threshold,
        created=now.isoformat(timespec="seconds"),
    )
    return spec, figures
