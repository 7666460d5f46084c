"""Landslides as objects: found, missed, split, merged, and what was mapped where there is none.

Objects are 8-connected areas within a patch. The scheme is that of Hoover et al. (1996, "An
experimental comparison of range image segmentation algorithms") with shares of one half:

- a landslide is *found* when at least half of its pixels are mapped, else *missed*;
- it is *split* when it is found and at least two mapped areas lie in it, each by half or more;
- a mapped area is *right* when at least half of its pixels are landslide, else *false*;
- it *merges* when it holds at least half of each of two or more landslides.

*Matched* pairs overlap by more than half of their union, so that each landslide has at most one
(Kirillov et al. 2019, "Panoptic segmentation"): a stricter figure, of outlines too.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

__all__ = [
    "AREA_CLASSES_M2",
    "MIN_SIZE_PX",
    "OBJECT_COLUMNS",
    "SHARE",
    "area_class_names",
    "object_counts",
]

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]

MIN_SIZE_PX = 4
SHARE = 0.5
AREA_CLASSES_M2 = (500.0, 1000.0, 5000.0, 10_000.0)
"""Upper limits of the area classes, m2; the last class has none."""

_CLASSES = len(AREA_CLASSES_M2) + 1
OBJECT_COLUMNS = (
    "landslides",
    "found",
    "split",
    "in_merged",
    "cut",
    "areas",
    "right",
    "merging",
    "matched",
    *(f"class{i}" for i in range(_CLASSES)),
    *(f"class{i}_found" for i in range(_CLASSES)),
)


def area_class_names() -> tuple[str, ...]:
    """What the area classes are called, in order, m2."""
    edges = [f"{edge:,.0f}" for edge in AREA_CLASSES_M2]
    inner = [f"{a}-{b}" for a, b in pairwise(edges)]
    return (f"< {edges[0]}", *inner, f"≥ {edges[-1]}")


@dataclass(frozen=True)
class _Objects:
    """Labelled areas of patches; number 0 is what belongs to none."""

    number: IntArray
    size: IntArray
    patch: IntArray

    @classmethod
    def of(cls, mask: BoolArray, least: int) -> _Objects:
        from scipy import ndimage

        together = np.zeros((3, 3, 3), bool)
        together[1] = True  # within a patch only
        number, _ = ndimage.label(mask, together)
        size = np.bincount(number.ravel())
        size[0] = 0
        keep = size >= least
        renumber = np.where(keep, keep.cumsum(), 0)
        number = renumber[number]
        where = np.nonzero(number)
        patch = np.zeros(int(keep.sum()) + 1, np.int64)
        patch[number[where]] = where[0]
        return cls(number, np.concatenate([[0], size[keep]]), patch)

    def overlap(self, mask: BoolArray) -> IntArray:
        """Pixels of each object that lie in a mask."""
        return np.bincount(self.number[mask], minlength=len(self.size)).astype(np.int64)


def object_counts(
    truth: BoolArray,
    predicted: BoolArray,
    known: BoolArray,
    *,
    pixel_m: float = 3.0,
    min_size: int = MIN_SIZE_PX,
    share: float = SHARE,
) -> IntArray:
    """Objects of each patch.

    Pixels that are ignored belong to no object: of a landslide beside them the known part counts.
    Such landslides, and those at the patch's edge, are counted as ``cut``: their area class is that
    of what is seen.

    Args:
        truth: (N, y, x) landslides.
        predicted: (N, y, x) mapped as landslide.
        known: (N, y, x) where it counts.
        pixel_m: side of a pixel, metres.
        min_size: smaller areas are no objects, though their pixels still cover larger ones.
        share: of an object's pixels from which it counts as covered.

    Returns:
        (N, 19) counts as in `OBJECT_COLUMNS`.
    """
    true, mapped = _Objects.of(truth & known, min_size), _Objects.of(predicted & known, min_size)
    found = _covered(true.overlap(predicted & known), true.size, share)
    right = _covered(mapped.overlap(truth & known), mapped.size, share)
    a, b, shared = _pairs(true.number, mapped.number)
    in_true = _covered(shared, mapped.size[b], share)
    in_mapped = _covered(shared, true.size[a], share)
    pieces = np.bincount(a[in_true], minlength=len(true.size))
    held = np.bincount(b[in_mapped], minlength=len(mapped.size))
    union = true.size[a] + mapped.size[b] - shared
    matched = np.isin(np.arange(len(true.size)), a[2 * shared > union])
    in_merged = np.isin(np.arange(len(true.size)), a[in_mapped & (held[b] > 1)])
    area = true.size * pixel_m**2
    of_class = np.searchsorted(AREA_CLASSES_M2, area, side="right")
    flags = {
        "landslides": true.size > 0,
        "found": found,
        "split": found & (pieces > 1),
        "in_merged": in_merged,
        "cut": (true.size > 0) & (true.overlap(_rim(known)) > 0),
        "matched": matched,
        **{f"class{i}": (of_class == i) & (true.size > 0) for i in range(_CLASSES)},
        **{f"class{i}_found": (of_class == i) & found for i in range(_CLASSES)},
    }
    of_mapped = {"areas": mapped.size > 0, "right": right, "merging": held > 1}
    columns = [
        np.bincount(mapped.patch[of_mapped[name]], minlength=len(truth))
        if name in of_mapped
        else np.bincount(true.patch[flags[name]], minlength=len(truth))
        for name in OBJECT_COLUMNS
    ]
    return np.stack(columns, axis=1).astype(np.int64)


def _covered(part: IntArray, whole: IntArray, share: float) -> BoolArray:
    return np.asarray((whole > 0) & (part >= share * whole))


def _pairs(a: IntArray, b: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Objects that overlap, and by how many pixels."""
    both = (a > 0) & (b > 0)
    width = int(b.max(initial=0)) + 1
    code, count = np.unique(a[both].astype(np.int64) * width + b[both], return_counts=True)
    return code // width, code % width, count


def _rim(known: BoolArray) -> BoolArray:
    """Pixels at the edge of the patch or beside ignored ones."""
    from scipy import ndimage

    square = np.ones((1, 3, 3), bool)
    return np.asarray(~ndimage.binary_erosion(known, square, border_value=0))
