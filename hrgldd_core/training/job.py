"""Training one model: what ``hrgldd train`` does."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from hrgldd_core import __version__, storage
from hrgldd_core.dataset.patches import PatchSet, open_patches
from hrgldd_core.errors import InputError, OutputExistsError
from hrgldd_core.evaluation.job import metrics_of
from hrgldd_core.evaluation.threshold import best_threshold
from hrgldd_core.models.registry import MODEL_NAMES, build_model
from hrgldd_core.models.store import ModelSpec, save_model
from hrgldd_core.progress import Progress, no_progress
from hrgldd_core.training.recipe import Recipe

__all__ = ["split_for_validation", "train_model"]

_VALIDATION_SHARE = 0.2


def train_model(
    recipe: Recipe, *, data: str, out: str, progress: Progress = no_progress
) -> dict[str, Any]:
    """Train, choose the threshold on validation patches, store as a model folder.

    Raises:
        InputError: when recipe or data are unusable; nothing is written.
        OutputExistsError: when a model is there already.
    """
    if recipe.model not in MODEL_NAMES:
        build_model(recipe.model, bands=3, filters=1)
    learning, validation, how = split_for_validation(data, recipe.seed)
    if storage.exists(storage.join(out, "model.json")):
        raise OutputExistsError("already holds a model", where=out, remedy="Choose another --out")
    storage.check_writable(out)
    from hrgldd_core.training.batches import normalise_patches
    from hrgldd_core.training.fit import fit, predict_patches

    fitted = fit(recipe, learning, validation=validation, progress=progress)
    inputs = normalise_patches(validation, recipe.normalisation)
    probability = predict_patches(fitted.model, inputs)
    threshold, _ = best_threshold(probability, validation.labels)
    figures = metrics_of(probability, validation, threshold)
    local = storage.is_local(data) and Path(data).is_file()
    spec = ModelSpec(
        id=f"{recipe.model}-{recipe.name}",
        version=datetime.now(UTC).strftime("%Y%m%d%H%M%S"),
        bands=learning.bands,
        **recipe.model_fields_of_spec(),
        threshold=threshold,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        training={
            "data": f"{len(learning)} patches of {Path(data).name}",
            "sha256": storage.identity(data)["sha256"] if local else "",
            "seed": recipe.seed,
            "software": __version__,
            "recipe": recipe.model_dump(mode="json"),
        },
        validation={"method": how, **figures},
    )
    history = {k: [float(v) for v in values] for k, values in fitted.history.items()}
    storage.write_json(storage.join(out, "history.json"), history)
    save_model(fitted.model, spec, out)
    return {**figures, "out": out}


def split_for_validation(data: str, seed: int) -> tuple[PatchSet, PatchSet, str]:
    """Patches to learn from, patches to validate on, and how they were told apart.

    A folder with ``valX.npy`` says it itself; otherwise whole sites are held back where they are
    known, patches at random where they are not.

    Raises:
        InputError: when there are too few patches.
    """
    folder = Path(storage.local_path(data)) if storage.is_local(data) else None
    if folder is not None and (folder / "valX.npy").exists():
        return (
            open_patches(data, split="train"),
            open_patches(data, split="val"),
            "on the val arrays, which also chose the threshold",
        )
    patches = open_patches(data)
    if len(patches) < 2:
        raise InputError("one patch cannot be split", where=data, remedy="Give at least two")
    rng = np.random.default_rng(seed)
    wanted = max(1, round(len(patches) * _VALIDATION_SHARE))
    sites = rng.permutation(np.unique(patches.groups))
    if len(sites) < 3:
        held = np.zeros(len(patches), bool)
        held[rng.permutation(len(patches))[:wanted]] = True
        return (
            patches.subset(~held),
            patches.subset(held),
            f"on random held-back patches, seed {seed}, which also chose the threshold",
        )
    sizes = np.array([(patches.groups == site).sum() for site in sites])
    # The fewest sites whose patches come nearest to the wanted share.
    count = int(np.abs(sizes.cumsum()[:-1] - wanted).argmin()) + 1
    held = np.isin(patches.groups, sites[:count])
    names = ", ".join(map(str, sorted(sites[:count].tolist())))
    return (
        patches.subset(~held),
        patches.subset(held),
        f"on held-back sites (number {names}) that also chose the threshold",
    )
