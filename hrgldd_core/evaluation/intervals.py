"""How sure a figure is: 95 % intervals by drawing patches, or whole sites, with replacement.

Patches of one site are alike, so intervals by patches say how sure a figure is for *these* sites.
Intervals by sites (cluster bootstrap, Davison and Hinkley 1997, section 3.8) say more of a new
site, and are wide with few sites.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

__all__ = ["LEAST_SITES", "interval", "resample", "site_sums"]

FloatArray = npt.NDArray[np.float64]

LEAST_SITES = 3
"""Fewer sites than this have no interval by sites."""

_DRAWS = 2000
_CELLS = 4_000_000  # numbers in memory at a time


def resample(table: npt.NDArray[np.generic], *, draws: int = _DRAWS, seed: int = 0) -> FloatArray:
    """Sums of the rows of a table under resampling.

    Args:
        table: (N, K) counts of each patch, or of each site.
        draws: how many samples.
        seed: the same seed and N draw the same rows: tables of two models stay paired.

    Returns:
        (draws, K).
    """
    rng = np.random.default_rng(seed)
    count = len(table)
    values = table.astype(float)
    even = np.full(count, 1 / count)
    block = max(1, _CELLS // count)
    parts = [
        rng.multinomial(count, even, min(block, draws - start)) @ values
        for start in range(0, draws, block)
    ]
    return np.concatenate(parts)


def site_sums(
    table: npt.NDArray[np.generic], sites: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Rows of each site added up: (S, K) of (N, K) counts and (N,) sites."""
    _, inverse = np.unique(sites, return_inverse=True)
    out = np.zeros((int(inverse.max()) + 1, table.shape[1]), np.int64)
    np.add.at(out, inverse, table.astype(np.int64))
    return out


def interval(
    samples: FloatArray, figure: Callable[[FloatArray], FloatArray]
) -> tuple[float, float]:
    """95 % percentile interval of a figure of (draws, K) resampled sums."""
    low, high = np.percentile(figure(samples), (2.5, 97.5))
    return float(low), float(high)
