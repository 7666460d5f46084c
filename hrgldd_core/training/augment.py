"""Augmentation of one patch: what may differ between two sites, sensors and dates."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from hrgldd_core.normalise import BandStatistics

__all__ = ["Augmentation", "seen_statistics", "warp"]

# Batches are prepared on threads of their own: OpenCV's would only get in their way.
cv2.setNumThreads(1)

_KEPT_NOISE = 1 << 22

Image = npt.NDArray[np.float32]
Label = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Augmentation:
    """Strengths of the random changes; all zero switches augmentation off.

    Attributes:
        flips: the eight symmetries of the square.
        zoom: largest change of scale, as a factor beyond 1 (0.3: from 1/1.3 to 1.3).
        offset: standard deviation of the shift of the scene's centre, in robust sigmas.
        gain: half range of the log of the scene's scale.
        colour: share of the shift and of the gain that is each band's own, the rest is common.
        confusers: probability that houses, roads or fields are drawn in as negatives.
        blur: largest Gaussian blur, in pixels.
        noise: standard deviation of white noise, in normalised units.
        local: mean share of a patch's own statistics in its normalisation; the rest is its site's,
            which is what a model meets when it maps a scene.
    """

    flips: bool = False
    zoom: float = 0.0
    offset: float = 0.0
    gain: float = 0.0
    colour: float = 0.5
    confusers: float = 0.0
    blur: float = 0.0
    noise: float = 0.0
    local: float = 0.0


def warp(
    image: Image, label: Label, augmentation: Augmentation, rng: np.random.Generator
) -> tuple[Image, Label]:
    """Geometry: flips, quarter turns, any rotation with a change of scale.

    Args:
        image: (y, x, band) normalised values.
        label: (y, x).
        augmentation: the strengths.
        rng: source of chance; the same state gives the same result.
    """
    if augmentation.flips:
        turns = int(rng.integers(4))
        image, label = np.rot90(image, turns), np.rot90(label, turns)
        if rng.integers(2):
            image, label = image[:, ::-1], label[:, ::-1]
    if augmentation.zoom:
        scale = float(np.exp(rng.uniform(-1, 1) * np.log1p(augmentation.zoom)))
        angle = rng.uniform(-np.pi / 4, np.pi / 4)
        center = ((label.shape[1] - 1) / 2, (label.shape[0] - 1) / 2)
        matrix = cv2.getRotationMatrix2D(center, np.degrees(angle), scale)
        image = _warped(image, matrix, cv2.INTER_LINEAR)
        label = _warped(label, matrix, cv2.INTER_NEAREST)
    if augmentation.blur and rng.integers(2):
        sigma = rng.uniform(0.0, augmentation.blur)
        blurred = cv2.GaussianBlur(image, (0, 0), max(sigma, 0.05), borderType=cv2.BORDER_REFLECT)
        image = np.asarray(blurred, np.float32)
    if augmentation.noise:
        strength = np.float32(augmentation.noise * rng.uniform())
        image = image + strength * _noise(image.shape, rng)
    return np.ascontiguousarray(image), np.ascontiguousarray(label)


def _noise(shape: tuple[int, ...], rng: np.random.Generator) -> Image:
    """Normal noise: a stretch of the kept numbers, or new ones where that is too short.

    Drawing them anew took a third of the time of a patch.
    """
    kept, size = _kept_noise(), int(np.prod(shape))
    if size > len(kept) // 2:
        return rng.standard_normal(shape, np.float32)
    start = int(rng.integers(len(kept) - size))
    return kept[start : start + size].reshape(shape)


@cache
def _kept_noise() -> Image:
    return np.random.default_rng(0).standard_normal(_KEPT_NOISE, np.float32)


def _warped(array: npt.NDArray[Any], matrix: npt.NDArray[Any], how: int) -> npt.NDArray[Any]:
    size = array.shape[1], array.shape[0]
    return cv2.warpAffine(array, matrix, size, flags=how, borderMode=cv2.BORDER_REFLECT)


def seen_statistics(
    own: BandStatistics,
    site: BandStatistics,
    augmentation: Augmentation,
    rng: np.random.Generator,
) -> BandStatistics:
    """Radiometry: between a patch's own statistics and its site's, jittered."""
    towards_site = rng.uniform() ** (augmentation.local / (1 - augmentation.local))
    return _jittered(own.blend(site, float(towards_site)), augmentation, rng)


def _jittered(
    statistics: BandStatistics, augmentation: Augmentation, rng: np.random.Generator
) -> BandStatistics:
    """Statistics as another sensor, atmosphere or choice of scene would give them."""
    bands, own = len(statistics.center), augmentation.colour
    shift = (1 - own) * rng.normal(0, augmentation.offset) + own * rng.normal(
        0, augmentation.offset, bands
    )
    log_gain = (1 - own) * rng.uniform(-augmentation.gain, augmentation.gain) + own * rng.uniform(
        -augmentation.gain, augmentation.gain, bands
    )
    scale = np.asarray(statistics.scale)
    center = np.asarray(statistics.center) + scale * shift
    return BandStatistics(tuple(center.tolist()), tuple((scale * np.exp(log_gain)).tolist()))
