"""Cross-validation over sites: each site is scored by a model that has seen nothing of it."""

from __future__ import annotations

import hashlib
import os
import time
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hrgldd_core.dataset.patches import PatchSet
from hrgldd_core.dataset.splits import site_folds
from hrgldd_core.progress import Progress, no_progress
from hrgldd_core.training.recipe import Recipe

__all__ = ["LeftOut", "cross_validate", "training_processes"]

_VALIDATION_SHARE = 0.2
_THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")


@dataclass(frozen=True)
class LeftOut:
    """Scores of left-out sites.

    Attributes:
        score: (N, y, x) of every patch, by a model without its site; not calibrated.
        seconds: CPU time of each training, without start-up and prediction.
    """

    score: npt.NDArray[np.float32]
    seconds: tuple[float, ...]


def cross_validate(
    recipe: Recipe,
    patches: PatchSet,
    work: Path,
    *,
    workers: int = 1,
    progress: Progress = no_progress,
) -> LeftOut:
    """Leave out each fold of sites (`site_folds`) in turn.

    Finished folds are kept in ``work`` and not trained again.

    Args:
        recipe: how each model is trained. One that keeps the best epoch chooses it on a random
            fifth of the patches it learns from, as the published notebook does.
        patches: with the site of each in ``groups``.
        work: folder, on this machine.
        workers: trainings at a time, each a process with its share of the cores.
        progress: told folds done.
    """
    folds = site_folds(patches.groups)
    digest = hashlib.sha256(recipe.model_dump_json().encode())
    for array in (patches.images, patches.labels, patches.groups):
        digest.update(np.ascontiguousarray(array).tobytes())
    work = work / digest.hexdigest()[:16]
    work.mkdir(parents=True, exist_ok=True)
    (work / "recipe.json").write_text(recipe.model_dump_json(indent=2))
    kept = [work / f"left-out-{'-'.join(map(str, fold))}.npz" for fold in folds]
    todo = [(fold, path) for fold, path in zip(folds, kept, strict=True) if not path.exists()]
    if workers == 1:
        for fold, path in todo:
            _leave_out(recipe, patches, fold, path)
            progress("folds", sum(p.exists() for p in kept), len(kept))
    elif todo:
        with training_processes(workers) as pool:
            jobs: list[Future[None]] = [
                pool.submit(_leave_out, recipe, patches, fold, path) for fold, path in todo
            ]
            for job in jobs:
                job.result()
                progress("folds", sum(p.exists() for p in kept), len(kept))
    score = np.full(patches.labels.shape, np.nan, np.float32)
    seconds = []
    for fold, path in zip(folds, kept, strict=True):
        with np.load(path) as stored:
            score[np.isin(patches.groups, fold)] = stored["score"]
            seconds.append(float(stored["seconds"]))
    return LeftOut(score, tuple(seconds))


def training_processes(workers: int, *, at_a_time: int | None = None) -> ProcessPoolExecutor:
    """Fresh processes to train in, each with the cores' share of one of ``workers``.

    Args:
        workers: whose shares are equal.
        at_a_time: how many of them run; None: all.
    """
    threads = max(1, (os.cpu_count() or 1) // workers)
    return ProcessPoolExecutor(
        at_a_time or workers,
        get_context("spawn"),
        _limit_threads,
        (threads,),
        max_tasks_per_child=1,
    )


def _limit_threads(threads: int) -> None:
    """Before TensorFlow is imported, which happens with the first training."""
    for name in _THREADS:
        os.environ[name] = str(threads)


def _leave_out(recipe: Recipe, patches: PatchSet, fold: tuple[int, ...], path: Path) -> None:
    from hrgldd_core.dataset.radiometry import normalise_patches
    from hrgldd_core.training.fit import fit, predict_patches

    left_out = np.isin(patches.groups, fold)
    others, held = patches.subset(~left_out), patches.subset(left_out)
    validation = None
    if recipe.keep == "best":
        rng = np.random.default_rng(recipe.seed)
        watched = rng.permutation(len(others)) < _VALIDATION_SHARE * len(others)
        others, validation = others.subset(~watched), others.subset(watched)
    before = time.process_time()
    model = fit(recipe, others, validation=validation).model
    seconds = time.process_time() - before
    inputs = normalise_patches(held, recipe.normalisation, of="group")
    draft = path.with_suffix(".part.npz")
    stored: dict[str, Any] = {"score": predict_patches(model, inputs), "seconds": seconds}
    np.savez(draft, **stored)
    draft.rename(path)
