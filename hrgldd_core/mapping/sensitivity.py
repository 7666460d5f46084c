"""What another threshold would have found."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from hrgldd_core.mapping.probability import landslide, read_levels

__all__ = ["Sensitivity", "threshold_sensitivity"]

Sensitivity = tuple[tuple[float, int, float], ...]
"""(threshold, areas, their total in m2), by rising threshold."""

_STEPS = (-0.2, -0.1, 0.0, 0.1, 0.2)


def threshold_sensitivity(
    rasters: Sequence[str], *, threshold: float, min_area_m2: float
) -> Sensitivity:
    """Count areas at thresholds around the chosen one, specks left out; overlaps count twice.

    Args:
        rasters: URIs of probability COGs.
        threshold: the chosen one.
        min_area_m2: smaller areas are specks.
    """
    thresholds = [t for step in _STEPS if 0 < (t := round(threshold + step, 3)) < 1]
    counts, areas = np.zeros(len(thresholds), int), np.zeros(len(thresholds))
    for href in rasters:
        levels, grid = read_levels(href)
        for i, other in enumerate(thresholds):
            labels, _ = ndimage.label(landslide(levels, other), np.ones((3, 3)))
            sizes = np.bincount(labels.ravel())[1:] * grid.resolution.x**2
            sizes = sizes[sizes >= min_area_m2]
            counts[i] += len(sizes)
            areas[i] += sizes.sum()
    return tuple(zip(thresholds, counts.tolist(), areas.tolist(), strict=True))
