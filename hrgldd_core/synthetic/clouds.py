"""Clouds, the shadows they cast, and the usable-data mask that tells of both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from hrgldd_core.synthetic.noise import FloatArray, fractal, resample, smoothstep
from hrgldd_core.synthetic.sun import Sun
from hrgldd_core.synthetic.terrain import PIXEL

__all__ = ["Sky", "make_sky", "usable_data_mask"]

_FACTOR = 2
_SOFT = 0.5


@dataclass(frozen=True)
class Sky:
    """What hangs between the ground and the sensor.

    Attributes:
        cloud: (y, x) opacity, 0 to 1.
        brightness: (y, x) relative brightness of the cloud, about 1.
        shadow: (y, x) share of direct sunlight taken away, 0 to 1.
    """

    cloud: FloatArray
    brightness: FloatArray
    shadow: FloatArray


def make_sky(
    rng: np.random.Generator, valid: npt.NDArray[np.bool_], *, share: float, sun: Sun
) -> Sky:
    """Cumulus over ``share`` of the valid pixels (0 to 0.9), shadows displaced away from the sun.

    Args:
        rng: source of randomness.
        valid: (y, x) pixels inside the swath.
        share: share of valid pixels at least half covered.
        sun: direction to the sun; it and the cloud base's height set the displacement.
    """
    shape = (valid.shape[0], valid.shape[1])
    base = rng.uniform(450, 800)
    reach = base / np.tan(sun.elevation) / PIXEL
    down, right = round(reach * np.cos(sun.azimuth)), round(-reach * np.sin(sun.azimuth))
    pad = max(abs(down), abs(right)) + 2
    wide = (shape[0] + 2 * pad, shape[1] + 2 * pad)
    coarse = (-(-wide[0] // _FACTOR), -(-wide[1] // _FACTOR))
    bulk = fractal(rng, coarse, exponent=3.6, shortest=4, longest=220)
    bulk += 0.1 * fractal(rng, coarse, exponent=2.6, shortest=3, longest=40)
    field = resample(bulk, wide, factor=_FACTOR, order=1)
    if share <= 0 or not valid.any():
        nothing = np.zeros(shape, np.float32)
        return Sky(nothing, nothing + 1, nothing)

    def seen(dy: int, dx: int) -> FloatArray:
        return field[pad - dy : pad - dy + shape[0], pad - dx : pad - dx + shape[1]]

    half = float(np.quantile(seen(0, 0)[valid], 1 - share))
    low, high = half - _SOFT * 0.5, half + _SOFT * 0.5
    shadow = ndimage.gaussian_filter(smoothstep(seen(down, right), low, high), 2.0, truncate=3.0)
    texture = fractal(rng, shape, exponent=2.4, shortest=3, longest=60)
    thick = smoothstep(seen(0, 0), half, half + 1.4)
    brightness = (0.66 + 0.42 * thick) * (1 + 0.07 * texture)
    return Sky(smoothstep(seen(0, 0), low, high), brightness.astype(np.float32), shadow)


def usable_data_mask(sky: Sky, valid: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """UDM2.1 of the scene.

    Args:
        sky: clouds and shadows.
        valid: (y, x) pixels inside the swath.

    Returns:
        (8, y, x): clear, snow, shadow, light haze, heavy haze, cloud (0 or 1, at most one of
        them), confidence (percent), and the unusable bits (0 blackfill, 1 cloud).
    """
    mask = np.zeros((8, *valid.shape), np.uint8)
    cloud = valid & (sky.cloud >= 0.5)
    heavy = valid & ~cloud & (sky.cloud >= 0.25)
    light = valid & ~cloud & ~heavy & (sky.cloud >= 0.08)
    shadow = valid & ~cloud & ~heavy & ~light & (sky.shadow >= 0.35)
    for band, flag in ((2, shadow), (3, light), (4, heavy), (5, cloud)):
        mask[band] = flag
    mask[0] = valid & ~(cloud | heavy | light | shadow)
    doubt = np.minimum(np.abs(sky.cloud - 0.3), np.abs(sky.shadow - 0.35))
    mask[6] = np.where(valid, 55 + 40 * smoothstep(doubt, 0.0, 0.25), 0).astype(np.uint8)
    mask[7] = np.where(valid, cloud.astype(np.uint8) << 1, 1)
    return mask
