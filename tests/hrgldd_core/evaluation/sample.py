"""Patches and predictions of a known kind, for tests of comparisons."""

from __future__ import annotations

import numpy as np

from hrgldd_core.dataset.patches import IGNORE, PatchSet
from hrgldd_core.evaluation.assess import assess
from hrgldd_core.evaluation.comparison import About
from hrgldd_core.evaluation.contenders import stored
from hrgldd_core.evaluation.layout import lay_out

BANDS = ("blue", "green", "red")


def patch_set(groups, *, seed=0, side=32, splits=None, sites=(), ignored=0.02):
    """Patches with one or two rectangular landslides each."""
    rng = np.random.default_rng(seed)
    count = len(groups)
    labels = np.zeros((count, side, side), np.uint8)
    for label in labels:
        for _ in range(rng.integers(1, 3)):
            y, x = rng.integers(0, side - 10, 2)
            label[y : y + rng.integers(3, 10), x : x + rng.integers(3, 10)] = 1
    images = rng.integers(20, 120, (count, side, side, 3)) + 100 * labels[..., None]
    labels[rng.random(labels.shape) < ignored] = IGNORE
    return PatchSet(
        images.astype(np.uint8),
        labels,
        np.asarray(groups, np.int64),
        BANDS,
        "sample",
        sites=sites,
        splits=None if splits is None else np.asarray(splits),
    )


def noisy(patches, noise, *, seed=1):
    """Probabilities that know the truth, with noise."""
    rng = np.random.default_rng(seed)
    truth = np.asarray(patches.labels[:]) == 1
    return np.clip(0.25 + 0.5 * truth + rng.normal(0, noise, truth.shape), 0, 1).astype(np.float32)


def compared(patches, predictions, **about):
    """A comparison of predictions of one data set, and the pictures of it."""
    contenders = stored(predictions)
    described = [About(c.name, c.threshold, **about.get(c.name, {})) for c in contenders]
    return assess(contenders, described, [patches], lay_out([patches], []))
