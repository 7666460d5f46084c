"""Scoring a model on labelled patches: what ``hrgldd evaluate`` does."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hrgldd_core import storage
from hrgldd_core.dataset.patches import PatchSet, open_patches
from hrgldd_core.errors import InputError, OutputExistsError
from hrgldd_core.evaluation.confusion import Confusion
from hrgldd_core.evaluation.threshold import bootstrap_f1, patch_confusions
from hrgldd_core.models.store import BUNDLED, StoredModel, open_model
from hrgldd_core.progress import Progress, no_progress

__all__ = ["evaluate_model", "metrics_of", "predict_with", "select_bands"]

_CHUNK = 64
_BATCH = 16


def evaluate_model(
    *,
    data: str,
    out: str,
    model: str = BUNDLED,
    split: str | None = None,
    threshold: float | None = None,
    progress: Progress = no_progress,
) -> dict[str, Any]:
    """Score a model; ``metrics.json`` is written below ``out`` and returned.

    Pixels without data in a patch do not count.

    Raises:
        InputError: when data or model are unusable, or lack each other's bands.
        OutputExistsError: when other metrics are there already.
    """
    stored = open_model(model)
    if threshold is not None and not 0 < threshold < 1:
        raise InputError(f"threshold {threshold:g} is not between 0 and 1")
    patches = select_bands(open_patches(data, split=split), stored.spec.bands)
    target = storage.join(out, "metrics.json")
    chosen = threshold or stored.spec.threshold
    asked = {"data": data, "split": split, "model_sha256": stored.digest, "threshold": chosen}
    if storage.exists(target) and storage.read_json(target).get("asked") != asked:
        raise OutputExistsError(
            "holds the figures of another evaluation", where=target, remedy="Choose another --out"
        )
    storage.check_writable(out)
    probability = predict_with(stored, patches, progress)
    result = {
        **metrics_of(probability, patches, chosen),
        "model": f"{stored.spec.id} {stored.spec.version}",
        "trained_on_this_data": _trained_on(stored, data),
        "asked": asked,
        "out": out,
    }
    storage.write_json(target, result)
    return result


def _trained_on(stored: StoredModel, data: str) -> bool:
    """Whether the model has seen this very file: then its figures say nothing of new places."""
    known = stored.spec.training.get("sha256")
    if not known or not storage.is_local(data) or not storage.local_path(data).is_file():
        return False
    return bool(storage.identity(data)["sha256"] == known)


def select_bands(patches: PatchSet, bands: tuple[str, ...]) -> PatchSet:
    """The patches with a model's bands in its order.

    Raises:
        InputError: when a band is missing.
    """
    lacking = [b for b in bands if b not in patches.bands]
    if lacking:
        raise InputError(
            f"has {', '.join(patches.bands)}; the model needs {', '.join(bands)}",
            where=patches.source,
            remedy="Choose a --model for the bands you have",
        )
    if bands == patches.bands:
        return patches
    images = patches.images[..., [patches.bands.index(b) for b in bands]]
    return PatchSet(images, patches.labels, patches.groups, bands, patches.source)


def predict_with(
    stored: StoredModel, patches: PatchSet, progress: Progress = no_progress
) -> npt.NDArray[np.float32]:
    """(N, y, x) probabilities, normalised by the site of each patch where sites are known."""
    model = stored.load()
    from hrgldd_core.training.batches import normalise_patches
    from hrgldd_core.training.fit import predict_patches

    of = "group" if len(np.unique(patches.groups)) > 1 else "patch"
    inputs = normalise_patches(patches, stored.spec.normalisation, of=of)
    parts = []
    for start in range(0, len(inputs), _CHUNK):
        parts.append(predict_patches(model, inputs[start : start + _CHUNK], batch_size=_BATCH))
        progress("predicting", min(start + _CHUNK, len(inputs)), len(inputs))
    return np.concatenate(parts)


def metrics_of(
    probability: npt.NDArray[np.floating], patches: PatchSet, threshold: float
) -> dict[str, Any]:
    """Figures of the landslide class over all pixels together.

    ``f1_per_batch_mean`` is what the paper's notebook reports (mean of the F1 of batches of 16); it
    is here for comparison only.
    """
    counts = patch_confusions(probability, patches.labels, threshold)
    total = sum(counts, Confusion())
    batches = [sum(counts[i : i + _BATCH], Confusion()).f1 for i in range(0, len(counts), _BATCH)]
    result: dict[str, Any] = {
        **{name: getattr(total, name) for name in ("precision", "recall", "f1", "iou")},
        "f1_interval": bootstrap_f1(counts),
        "threshold": threshold,
        "n_patches": len(patches),
        "confusion": {"tp": total.tp, "fp": total.fp, "fn": total.fn, "tn": total.tn},
        "f1_per_batch_mean": float(np.mean(batches)),
    }
    sites = np.unique(patches.groups)
    if len(sites) > 1:
        result["sites"] = {
            str(site): {
                "n_patches": int((patches.groups == site).sum()),
                "f1": sum(
                    (c for c, g in zip(counts, patches.groups, strict=True) if g == site),
                    Confusion(),
                ).f1,
            }
            for site in sites
        }
    return result
