"""Which footprints touch or overlap."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Pairs", "overlap_shares", "touching_pairs"]

Pairs = npt.NDArray[np.int64]

# Footprints that come within half a pixel of each other touch: grids of two scenes of one place
# differ by fractions of a pixel.
_NEAR = 0.5


def touching_pairs(footprints: Any, *, size: int) -> Pairs:
    """Pairs of footprints that touch or overlap.

    Args:
        footprints: (n,) shapely polygons in one CRS, each of ``size`` x ``size`` pixels.
        size: side of a patch, pixels.

    Returns:
        (m, 2) numbers, each pair once, the smaller first.
    """
    import shapely

    shapes = np.asarray(footprints)
    if not len(shapes):
        return np.zeros((0, 2), np.int64)
    pixel = np.sqrt(shapely.area(shapes)) / size
    pairs = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=_NEAR * pixel)
    first, second = np.sort(pairs, axis=0)
    found: Pairs = np.unique(np.stack([first, second], 1)[first < second], axis=0)
    return found.astype(np.int64)


def overlap_shares(footprints: Any, pairs: Pairs) -> npt.NDArray[np.float64]:
    """Area that each pair has in common, as a share of the first."""
    import shapely

    shapes = np.asarray(footprints)
    first, second = shapes[pairs[:, 0]], shapes[pairs[:, 1]]
    shared: npt.NDArray[np.float64] = shapely.area(shapely.intersection(first, second))
    return shared / shapely.area(first)
