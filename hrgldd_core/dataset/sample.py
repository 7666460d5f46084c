"""Cutting one strip of a scene: labels, pixels, and which patches are worth keeping."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import rasterio
from xxhash import xxh3_128

from hrgldd_core.dataset.checked import IGNORE
from hrgldd_core.dataset.strip import Strip, spans_of
from hrgldd_core.inventory.rasterise import rasterise_rows
from hrgldd_core.scenes import Scene, SceneReader

__all__ = ["Corners", "Cut", "StripTask", "cut_strip"]

_CACHE = 128 << 20

Corners = npt.NDArray[np.int64]
_NONE: npt.NDArray[Any] = np.zeros(0)


@dataclass(frozen=True)
class StripTask:
    """A strip to cut; all that a worker needs.

    Attributes:
        scene: what to read.
        rows: first row of each row of patches.
        columns: first column of each column of patches.
        size: side of a patch, pixels.
        polygons: that may touch the strip, in the scene's CRS.
        all_touched: of the labels.
        min_usable: least share of usable pixels.
        samples: (rows, columns) parts of the scene's lattice of samples to bring along.
        wanted: (n, 2) row and column of negatives to cut; None cuts what has a landslide.
    """

    scene: Scene
    rows: tuple[int, ...]
    columns: range
    size: int
    polygons: npt.NDArray[np.object_]
    all_touched: bool
    min_usable: float
    samples: tuple[tuple[slice, slice], ...] = ()
    wanted: Corners | None = None


@dataclass
class Cut:
    """What came of a strip.

    Attributes:
        images: (n, y, x, band) as stored in the scene.
        labels: (n, y, x) uint8, 0, 1, or `IGNORE` where a pixel is not usable.
        corners: (n, 2) first row and column of each.
        usable: (n,) share of usable pixels.
        positive: (n,) share of landslide among the usable pixels.
        pixels: XXH3 (128 bits) of each patch's pixels.
        checksums: the same of its pixels and labels.
        negatives: (m, 2) first row and column of patches without a landslide pixel.
        unusable: patches with too few usable pixels.
        unseen: patches whose landslide pixels are all unusable.
        samples: (k, band) usable pixels of the scene's lattice.
    """

    images: npt.NDArray[Any]
    labels: npt.NDArray[np.uint8]
    corners: Corners
    usable: npt.NDArray[np.float64]
    positive: npt.NDArray[np.float64]
    pixels: list[str]
    checksums: list[str]
    negatives: Corners
    unusable: int = 0
    unseen: int = 0
    samples: npt.NDArray[Any] = field(default_factory=lambda: np.zeros((0, 0)))

    def without_pixels(self) -> Self:
        """All but the arrays that need much memory."""
        return replace(self, images=_NONE, labels=_NONE.astype(np.uint8), samples=_NONE)


def cut_strip(task: StripTask) -> Cut:
    """Rasterise, read and cut a strip; only columns that are needed are read.

    Raises:
        InputError: when the scene cannot be read.
    """
    scene, size = task.scene, task.size
    rows = slice(task.rows[0], task.rows[-1] + size)
    grid = scene.geobox[rows, :]
    labels = rasterise_rows(task.polygons, grid, all_touched=task.all_touched)
    corners = np.array([(r, c) for r in task.rows for c in task.columns], np.int64).reshape(-1, 2)
    positive = np.array(
        [labels[r - rows.start : r - rows.start + size, c : c + size].any() for r, c in corners],
        bool,
    )
    wanted = corners[positive] if task.wanted is None else task.wanted
    cut = _empty(scene, task, corners[~positive] if task.wanted is None else corners[:0])
    # Blocks are read once, in order: a larger cache would only cost memory.
    with rasterio.Env(GDAL_CACHEMAX=_CACHE), SceneReader(scene) as reader:
        strip = Strip(reader, scene, rows, spans_of(wanted[:, 1], size))
        _cut_patches(cut, strip, labels, wanted, task)
        if task.samples:
            cut.samples = np.concatenate([strip.usable_pixels(r, c) for r, c in task.samples])
    return cut


def _empty(scene: Scene, task: StripTask, negatives: Corners) -> Cut:
    nothing = np.zeros(0)
    shape = (0, task.size, task.size)
    return Cut(
        images=np.zeros((*shape, len(scene.bands))),
        labels=np.zeros(shape, np.uint8),
        corners=np.zeros((0, 2), np.int64),
        usable=nothing,
        positive=nothing,
        pixels=[],
        checksums=[],
        negatives=negatives,
    )


def _cut_patches(
    cut: Cut, strip: Strip, labels: npt.NDArray[np.uint8], wanted: Corners, task: StripTask
) -> None:
    """Fill in the patches at the wanted corners that are usable."""
    size, total = task.size, task.size**2
    kept: list[tuple[int, int, float, float]] = []
    images = np.empty((len(wanted), size, size, len(task.scene.bands)), strip.dtype)
    masks = np.empty(images.shape[:3], np.uint8)
    for row, column in wanted.tolist():
        image, usable = strip.part(slice(row, row + size), slice(column, column + size))
        seen = int(np.count_nonzero(usable))
        if seen < task.min_usable * total:
            cut.unusable += 1
            continue
        mask, top = masks[len(kept)], row - strip.rows.start
        mask[:] = labels[top : top + size, column : column + size]
        if seen < total:
            mask[~usable] = IGNORE
            if image.dtype.kind == "f":
                # NaN says no more than the label, and is no number for a model.
                image = np.where(usable[..., None] | np.isfinite(image), image, 0)
        landslide = int(np.count_nonzero(mask == 1))
        if not landslide and task.wanted is None:
            cut.unseen += 1
            continue
        images[len(kept)] = image
        digest = xxh3_128(images[len(kept)])
        cut.pixels.append(digest.hexdigest())
        digest.update(mask)
        cut.checksums.append(digest.hexdigest())
        kept.append((row, column, seen / total, landslide / seen))
    if kept:
        table = np.array(kept)
        cut.corners = table[:, :2].astype(np.int64)
        cut.usable, cut.positive = table[:, 2], table[:, 3]
        cut.images, cut.labels = images[: len(kept)], masks[: len(kept)]
