"""Random fields: independent streams from one seed, fractal noise, resampling."""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt
from scipy import fft, ndimage

__all__ = ["FloatArray", "fractal", "resample", "smoothstep", "stream"]

FloatArray = npt.NDArray[np.float32]


def stream(seed: int, name: str) -> np.random.Generator:
    """A generator that depends on ``seed`` and ``name`` only, whatever else was drawn before."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def fractal(
    rng: np.random.Generator,
    shape: tuple[int, int],
    *,
    exponent: float = 2.0,
    shortest: float = 2.0,
    longest: float = 1e9,
) -> FloatArray:
    """Gaussian noise whose power falls as frequency ** -exponent, by spectral synthesis.

    Args:
        rng: source of randomness.
        shape: (y, x) of the field.
        exponent: slope of the power spectrum; 0 is white, 2 to 3 looks like terrain.
        shortest: wavelengths below this fade out, in cells.
        longest: wavelengths above this fade out, in cells.

    Returns:
        (y, x) float32, mean 0, standard deviation 1.
    """
    padded = tuple(fft.next_fast_len(n, real=True) for n in shape)
    spectrum = fft.rfft2(rng.standard_normal(padded, dtype=np.float32))
    squared = np.square(fft.fftfreq(padded[0]))[:, None] + np.square(fft.rfftfreq(padded[1]))
    squared[0, 0] = 1.0
    gain = squared ** (-exponent / 4) * np.exp(-squared * shortest**2 / 2)
    gain *= -np.expm1(-squared * longest**2)
    gain[0, 0] = 0.0
    spectrum *= gain.astype(np.float32)
    field: FloatArray = fft.irfft2(spectrum, s=padded)[: shape[0], : shape[1]].astype(np.float32)
    field -= field.mean()
    field /= max(float(field.std()), 1e-6)
    return field


def resample(
    field: FloatArray, shape: tuple[int, int], *, factor: int, offset: int = 0, order: int = 3
) -> FloatArray:
    """Refine a coarse field: each cell becomes ``factor`` pixels.

    Args:
        field: (y, x) coarse field.
        shape: (y, x) of the result.
        factor: pixels in a cell, along each axis.
        offset: cells of ``field`` to skip at its top and left.
        order: spline order, 1 linear, 3 cubic.
    """
    shift = offset + 0.5 / factor - 0.5
    fine: FloatArray = ndimage.affine_transform(
        field, (1 / factor, 1 / factor), shift, output_shape=shape, order=order, mode="nearest"
    )
    return fine


def smoothstep(x: npt.NDArray[np.floating], low: float, high: float) -> FloatArray:
    """0 below ``low``, 1 above ``high``, an S-curve between."""
    t = np.clip((x - low) / (high - low), 0, 1).astype(np.float32)
    ramp: FloatArray = t * t * (3 - 2 * t)
    return ramp
