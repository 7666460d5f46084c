"""What another threshold would have found."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hrgldd_core.inventory.components import TILE, Seams, label_tile, tiles
from hrgldd_core.mapping.probability import landslide, open_levels

__all__ = ["Sensitivity", "threshold_sensitivity"]

Sensitivity = tuple[tuple[float, int, float], ...]
"""(threshold, areas, their total in m2), by rising threshold."""

_STEPS = (-0.2, -0.1, 0.0, 0.1, 0.2)


def threshold_sensitivity(
    rasters: Sequence[str], *, threshold: float, min_area_m2: float, side: int = TILE
) -> Sensitivity:
    """Count areas at thresholds around the chosen one, specks left out; in bounded memory.

    Args:
        rasters: URIs of probability COGs, which should not overlap.
        threshold: the chosen one.
        min_area_m2: smaller areas are specks.
        side: of a tile, pixels; the result does not depend on it.
    """
    others = (round(threshold + step, 3) if step else threshold for step in _STEPS)
    thresholds = [t for t in others if 0 < t < 1]
    counts, areas = np.zeros(len(thresholds), int), np.zeros(len(thresholds))
    for href in rasters:
        sizes, pixel_m2 = _sizes(href, thresholds, side)
        for i, pixels in enumerate(sizes):
            large = pixels[pixels * pixel_m2 >= min_area_m2]
            counts[i] += len(large)
            areas[i] += large.sum() * pixel_m2
    return tuple(zip(thresholds, counts.tolist(), areas.tolist(), strict=True))


def _sizes(
    href: str, thresholds: Sequence[float], side: int
) -> tuple[list[npt.NDArray[np.int64]], float]:
    """Pixels of every area at each threshold, and the m2 of one; the raster is read once."""
    with open_levels(href) as (read, grid):
        seams = [Seams(grid.shape) for _ in thresholds]
        pieces: list[list[npt.NDArray[np.int64]]] = [[] for _ in thresholds]
        for tile in tiles(grid.shape, side):
            levels = read(tile.rows, tile.columns)
            for i, other in enumerate(thresholds):
                mask = landslide(levels, other)
                if not mask.any():
                    seams[i].add(tile, None, 0)
                    continue
                labels, count = label_tile(mask)
                seams[i].add(tile, labels, count)
                pieces[i].append(np.bincount(labels[mask], minlength=count + 1)[1:])
        pixel_m2 = grid.resolution.x**2
    none = np.empty(0, np.int64)
    sizes = [
        np.bincount(seam.groups(), weights=np.concatenate([none, *parts])).astype(np.int64)
        for seam, parts in zip(seams, pieces, strict=True)
    ]
    return sizes, pixel_m2
