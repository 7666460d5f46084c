"""Statistics of patches and of their sites, taken in one pass, and patches as model input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from hrgldd_core.dataset.patches import IGNORE, PatchSet
from hrgldd_core.normalise import BandStatistics, Normalisation, band_statistics

__all__ = [
    "normalise_patches",
    "normalised",
    "normalised_batches",
    "patch_and_site_statistics",
    "patch_statistics",
]

# Bytes of all sites' samples together, as float64.
_SAMPLE_BYTES = 1 << 28


def patch_statistics(patches: PatchSet, *, of: str) -> list[BandStatistics]:
    """Statistics of each patch: its own (``of="patch"``) or its site's (``of="group"``).

    A site's are those of its scene where the data knows them.
    """
    if of == "group" and patches.statistics is not None:
        return list(patches.statistics)
    own, site = patch_and_site_statistics(patches)
    return own if of == "patch" else site


def patch_and_site_statistics(
    patches: PatchSet,
) -> tuple[list[BandStatistics], list[BandStatistics]]:
    """Statistics of each patch and of each patch's site, in one pass over the pixels.

    A site's are taken from the usable pixels of a lattice in each of its patches. Up to some
    millions of pixels a data set the lattice is every pixel; beyond, its step grows with the site
    so that the samples stay below 256 MB.
    """
    sites, site_of = np.unique(patches.groups, return_inverse=True)
    steps = _lattice_steps(patches, np.bincount(site_of))
    own: list[BandStatistics] = []
    samples: list[list[npt.NDArray[Any]]] = [[] for _ in sites]
    everything: list[list[npt.NDArray[Any]]] = [[] for _ in sites]
    for image, label in patches:
        number = site_of[len(own)]
        own.append(band_statistics(_usable(image, label)))
        if patches.statistics is None:
            some = (slice(None, None, steps[number]),) * 2
            seen = image[some][label[some] != IGNORE]
            # A site of which nothing is usable is described by all there is.
            (samples if len(seen) else everything)[number].append(
                seen if len(seen) else image[some].reshape(-1, image.shape[-1])
            )
    if patches.statistics is not None:
        return own, list(patches.statistics)
    by_site = [
        band_statistics(np.concatenate(seen or rest))
        for seen, rest in zip(samples, everything, strict=True)
    ]
    return own, [by_site[number] for number in site_of]


def _lattice_steps(patches: PatchSet, counts: npt.NDArray[np.int64]) -> list[int]:
    """Between the sampled rows and columns of a patch of each site."""
    _, height, width, bands = patches.images.shape
    room = _SAMPLE_BYTES / (8 * bands * len(counts))
    return [max(1, ceil(sqrt(count * height * width / room))) for count in counts]


def _usable(images: npt.NDArray[Any], labels: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
    """(n, band) pixels that are not ignored; all of them when nothing else is left."""
    seen: npt.NDArray[Any] = images[labels != IGNORE]
    return seen if len(seen) else images.reshape(-1, images.shape[-1])


def normalised_batches(
    patches: PatchSet, normalisation: Normalisation, *, of: str = "patch", size: int = 64
) -> Iterator[npt.NDArray[np.float32]]:
    """`normalised` patches, in order, at most ``size`` at a time.

    Raises:
        InputError: when a patch holds labels or pixel values that cannot be used.
    """
    statistics = None
    if normalisation.method != "none" and of == "group":
        statistics = patch_statistics(patches, of="group")
    start = 0
    for images, labels in patches.batches(size):
        known = statistics[start : start + len(images)] if statistics else None
        yield normalised(images, labels, normalisation, statistics=known)
        start += len(images)


def normalised(
    images: npt.NDArray[Any],
    labels: npt.NDArray[np.uint8],
    normalisation: Normalisation,
    *,
    statistics: Sequence[BandStatistics] | None = None,
) -> npt.NDArray[np.float32]:
    """Model input (n, y, x, band); ignored pixels are at the centre of the statistics.

    Args:
        images: (n, y, x, band).
        labels: (n, y, x).
        normalisation: of the model.
        statistics: for each patch; None takes its own.
    """
    out = np.empty(images.shape, np.float32)
    for i, (image, label) in enumerate(zip(images, labels, strict=True)):
        known = statistics[i] if statistics else band_statistics(_usable(image, label))
        out[i] = normalisation.apply(image, known)
        if normalisation.method != "none":
            out[i][label == IGNORE] = 0.0
    return out


def normalise_patches(
    patches: PatchSet, normalisation: Normalisation, *, of: str = "patch"
) -> npt.NDArray[np.float32]:
    """All of `normalised_batches` together: (N, y, x, band)."""
    return np.concatenate(list(normalised_batches(patches, normalisation, of=of)))
