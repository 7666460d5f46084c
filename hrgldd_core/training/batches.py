"""Batches for training: normalised, augmented, and the same for the same seed and step."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hrgldd_core.dataset.patches import IGNORE, PatchSet
from hrgldd_core.models.backend import keras
from hrgldd_core.normalise import BandStatistics, Normalisation, band_statistics
from hrgldd_core.training.augment import Augmentation, jitter_statistics, warp
from hrgldd_core.training.confusers import draw_confusers

__all__ = ["TrainingBatches", "normalise_patches", "patch_statistics"]

Batch = tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]


def patch_statistics(patches: PatchSet, *, of: str) -> list[BandStatistics]:
    """Statistics of each patch: its own (``of="patch"``) or its site's (``of="group"``)."""
    if of == "patch":
        return [band_statistics(_usable(x, y)) for x, y in patches]
    by_group = {}
    for group in np.unique(patches.groups):
        site = patches.subset(patches.groups == group)
        by_group[group] = band_statistics(_usable(site.images, site.labels))
    return [by_group[group] for group in patches.groups]


def _usable(
    images: npt.NDArray[np.generic], labels: npt.NDArray[np.uint8]
) -> npt.NDArray[np.generic]:
    """(n, band) pixels that are not ignored; all of them when nothing else is left."""
    seen = images[labels != IGNORE]
    return seen if len(seen) else images.reshape(-1, images.shape[-1])


def normalise_patches(
    patches: PatchSet, normalisation: Normalisation, *, of: str = "patch"
) -> npt.NDArray[np.float32]:
    """(N, y, x, band) model input; ignored pixels are at the centre of the statistics."""
    out = np.empty(patches.images.shape, np.float32)
    for i, statistics in enumerate(patch_statistics(patches, of=of)):
        out[i] = normalisation.apply(patches.images[i], statistics)
        if normalisation.method != "none":
            out[i][patches.labels[i] == IGNORE] = 0.0
    return out


class _Source:
    """Patches to draw from, with their statistics and how likely each is."""

    def __init__(self, patches: PatchSet, balance: float) -> None:
        self.patches = patches
        self.own = patch_statistics(patches, of="patch")
        self.site = patch_statistics(patches, of="group")
        _, inverse, counts = np.unique(patches.groups, return_inverse=True, return_counts=True)
        weight = counts[inverse].astype(float) ** -balance
        self.probability = weight / weight.sum()


class TrainingBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Endless random batches; each depends on the seed, the epoch and its number alone.

    A patch's statistics lie somewhere between its own and its site's, so that the model meets
    both the narrow view of a patch and the wide one of a scene.
    """

    def __init__(
        self,
        patches: PatchSet,
        *,
        normalisation: Normalisation,
        augmentation: Augmentation,
        batch_size: int,
        steps: int,
        seed: int,
        balance: float = 0.5,
        generated: PatchSet | None = None,
        generated_share: float = 0.0,
        **kwargs: Any,
    ) -> None:
        """Prepare ``steps`` batches of ``batch_size`` patches.

        Args:
            patches: what to draw from.
            normalisation: as stored with the model.
            augmentation: strengths of the random changes.
            batch_size: patches a batch.
            steps: batches an epoch.
            seed: with the batch's number, all that chance depends on.
            balance: 0 draws patches alike, 1 draws sites alike.
            generated: further patches to draw from.
            generated_share: share of the patches that come from those.
            kwargs: ``workers``, ``use_multiprocessing``, ``max_queue_size`` of Keras.
        """
        super().__init__(**kwargs)
        self._epoch = 0
        self._sources = [_Source(patches, balance)]
        if generated is not None:
            self._sources.append(_Source(generated, 1.0))
        self._generated_share = generated_share if generated is not None else 0.0
        self._normalisation = normalisation
        self._augmentation = augmentation
        self._batch_size = batch_size
        self._steps = steps
        self._seed = seed

    @property
    def num_batches(self) -> int:
        """Batches an epoch."""
        return self._steps

    def on_epoch_end(self) -> None:
        """Go on to other batches."""
        self._epoch += 1

    def __getitem__(self, index: int) -> Batch:
        """Batch ``index``: (batch, y, x, band) float32 and (batch, y, x, 1) uint8."""
        rng = np.random.default_rng((self._seed, self._epoch, index))
        pairs = [self._draw(rng) for _ in range(self._batch_size)]
        return np.stack([x for x, _ in pairs]), np.stack([y for _, y in pairs])[..., None]

    def _draw(
        self, rng: np.random.Generator
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
        source = self._sources[int(rng.uniform() < self._generated_share)]
        i = int(rng.choice(len(source.patches), p=source.probability))
        label = source.patches.labels[i]
        statistics = source.own[i].blend(source.site[i], float(rng.uniform()))
        statistics = jitter_statistics(statistics, self._augmentation, rng)
        image = self._normalisation.apply(source.patches.images[i], statistics)
        if self._normalisation.method != "none":
            image[label == IGNORE] = 0.0
        if rng.uniform() < self._augmentation.confusers:
            image = draw_confusers(image, label, source.patches.bands, rng)
        return warp(image, label, self._augmentation, rng)
