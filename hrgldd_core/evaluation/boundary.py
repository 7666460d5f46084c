"""How well outlines are drawn: the boundary F1 of Csurka et al. (2013).

G. Csurka, D. Larlus, F. Perronnin, "What is a good evaluation measure for semantic segmentation?",
BMVC 2013: precision is the share of predicted boundary within a tolerance of the true one, recall
the share of true boundary within a tolerance of the predicted one. Their mean over images becomes
one count over all pixels here, as for every other figure.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["BOUNDARY_COLUMNS", "TOLERANCE_PX", "boundaries", "boundary_counts"]

BoolArray = npt.NDArray[np.bool_]

TOLERANCE_PX = 2.0
BOUNDARY_COLUMNS = ("edge_predicted", "edge_right", "edge_true", "edge_found")

_CROSS = np.array([[[0, 1, 0], [1, 1, 1], [0, 1, 0]]], bool)


def boundaries(mask: BoolArray, known: BoolArray) -> BoolArray:
    """Pixels of masks (N, y, x) that adjoin a known pixel outside the mask.

    Where a landslide leaves the patch or meets ignored pixels its outline is not known: no boundary
    is drawn there.
    """
    from scipy import ndimage

    outside = known & ~mask
    return np.asarray(mask & known & ndimage.binary_dilation(outside, _CROSS))


def boundary_counts(
    truth: BoolArray, predicted: BoolArray, known: BoolArray, *, tolerance: float = TOLERANCE_PX
) -> npt.NDArray[np.int64]:
    """Boundary pixels of each patch.

    Args:
        truth: (N, y, x) landslides.
        predicted: (N, y, x) mapped as landslide.
        known: (N, y, x) where it counts.
        tolerance: Euclidean distance in pixels up to which boundaries agree.

    Returns:
        (N, 4) as in `BOUNDARY_COLUMNS`: predicted, of those near a true one, true, of those near
        a predicted one.
    """
    from scipy import ndimage

    reach = int(tolerance)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disk = (x * x + y * y <= tolerance * tolerance)[None]
    true, mapped = boundaries(truth, known), boundaries(predicted, known)
    near_true = ndimage.binary_dilation(true, disk)
    near_mapped = ndimage.binary_dilation(mapped, disk)
    parts = (mapped, mapped & near_true, true, true & near_mapped)
    return np.stack([np.count_nonzero(p, axis=(1, 2)) for p in parts], axis=1).astype(np.int64)
