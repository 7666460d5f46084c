"""Batches for training: normalised, augmented, and the same for the same seed and step."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hrgldd_core.dataset.patches import IGNORE, PatchSet
from hrgldd_core.dataset.radiometry import (
    normalise_patches,
    patch_and_site_statistics,
    patch_statistics,
)
from hrgldd_core.models.backend import keras
from hrgldd_core.normalise import BandStatistics, Normalisation
from hrgldd_core.training.augment import Augmentation, seen_statistics, warp
from hrgldd_core.training.confusers import draw_confusers

__all__ = ["TrainingBatches", "normalise_patches", "patch_statistics"]

Image = npt.NDArray[np.float32]
Label = npt.NDArray[np.uint8]

# Patches of as many bytes are kept in memory; more are read when they are drawn.
_KEEP_BYTES = 2 << 30


class _Source:
    """Patches to draw from, with their statistics and how likely each is."""

    def __init__(self, patches: PatchSet, *, balance: float, statistics: bool) -> None:
        self.bands = patches.bands
        self.images, self.labels = patches.images, patches.labels
        size = int(np.prod(patches.images.shape)) * patches.images.dtype.itemsize
        if size <= _KEEP_BYTES:
            self.images, self.labels = np.asarray(self.images), np.asarray(self.labels)
        self.statistics: tuple[list[BandStatistics], list[BandStatistics]] | None = None
        if statistics:
            from dataclasses import replace

            kept = replace(patches, images=self.images, labels=self.labels)
            self.statistics = patch_and_site_statistics(kept)
        _, inverse, counts = np.unique(patches.groups, return_inverse=True, return_counts=True)
        self._cumulative = (counts[inverse].astype(float) ** -balance).cumsum()

    def draw(self, chance: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
        """Numbers of patches for random numbers between 0 and 1."""
        rows = np.searchsorted(self._cumulative, chance * self._cumulative[-1], side="right")
        return np.asarray(rows, np.int64)


class TrainingBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Endless random batches; each depends on the seed, the epoch and its number alone.

    A patch's statistics lie between its own and its site's, so that the model meets both the
    narrow view of a patch and the wide one of a scene.
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
        outputs: int = 1,
        **kwargs: Any,
    ) -> None:
        """Prepare ``steps`` batches of ``batch_size`` patches.

        Args:
            patches: what to draw from.
            normalisation: as stored with the model.
            augmentation: strengths of the random changes.
            batch_size: patches a batch.
            steps: batches an epoch.
            seed: with the epoch and the batch's number, all that chance depends on.
            balance: 0 draws patches alike, 1 draws sites alike.
            generated: further patches to draw from.
            generated_share: share of the patches that come from those.
            outputs: of the model; above 1 the labels are repeated for each.
            kwargs: ``workers``, ``use_multiprocessing``, ``max_queue_size`` of Keras.
        """
        super().__init__(**kwargs)
        self._epoch = 0
        radiometric = normalisation.method != "none"
        self._sources = [_Source(patches, balance=balance, statistics=radiometric)]
        if generated is not None:
            self._sources.append(_Source(generated, balance=1.0, statistics=radiometric))
        self._generated_share = generated_share if generated is not None else 0.0
        self._normalisation = normalisation
        self._augmentation = augmentation
        self._batch_size = batch_size
        self._steps = steps
        self._seed = seed
        self._outputs = outputs

    def begin_epoch(self, epoch: int) -> None:
        """Make the batches of an epoch (from 0) from now on.

        Keras also calls `on_epoch_end` when it has looked at the data before the first epoch:
        counting those calls gives another number after a restart.
        """
        self._epoch = epoch

    @property
    def num_batches(self) -> int:
        """Batches an epoch."""
        return self._steps

    def on_epoch_end(self) -> None:
        """Go on to other batches."""
        self._epoch += 1

    def __getitem__(self, index: int) -> tuple[Image, Label | tuple[Label, ...]]:
        """Batch ``index``: (batch, y, x, band) float32 and (batch, y, x, 1) uint8."""
        rng = np.random.default_rng((self._seed, self._epoch, index))
        second = rng.random(self._batch_size) < self._generated_share
        chance = rng.random(self._batch_size)
        pairs: list[tuple[Image, Label]] = []
        for which, source in enumerate(self._sources):
            rows = source.draw(chance[second == bool(which)])
            # One read for all: rows of a store come in chunks.
            images, labels = np.asarray(source.images[rows]), np.asarray(source.labels[rows])
            pairs += [
                self._change(source, row, image, label, rng)
                for row, image, label in zip(rows.tolist(), images, labels, strict=True)
            ]
        truth = np.stack([y for _, y in pairs])[..., None]
        labels_of_each = truth if self._outputs == 1 else (truth,) * self._outputs
        return np.stack([x for x, _ in pairs]), labels_of_each

    def _change(
        self,
        source: _Source,
        row: int,
        image: npt.NDArray[Any],
        label: Label,
        rng: np.random.Generator,
    ) -> tuple[Image, Label]:
        """One patch, normalised and augmented."""
        if source.statistics is None:
            normal = image.astype(np.float32)
        else:
            own, site = source.statistics[0][row], source.statistics[1][row]
            statistics = seen_statistics(own, site, self._augmentation, rng)
            normal = self._normalisation.apply(image, statistics)
            normal[label == IGNORE] = 0.0
        if rng.uniform() < self._augmentation.confusers:
            normal = draw_confusers(normal, label, source.bands, rng)
        return warp(normal, label, self._augmentation, rng)
