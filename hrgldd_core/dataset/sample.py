"""Patches on a regular grid of a scene, cut strip by strip.

The grid starts at the scene's first pixel, whatever the area of interest. A strip is some rows of
patches: what one task reads, so memory holds a few strips whatever the size of a scene.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from odc.geo.geobox import GeoBox

from hrgldd_core.dataset.checked import IGNORE
from hrgldd_core.grid import aoi_outline, crs_of
from hrgldd_core.inventory.rasterise import rasterise_aoi, rasterise_rows
from hrgldd_core.scenes import Coverage, Scene, SceneReader
from hrgldd_core.scenes.reader import sample_windows

__all__ = ["Cut", "PatchGrid", "StripTask", "cut_strip", "sample_parts"]

# Higher strips decode more pixels that no patch needs.
_STRIP_ROWS = 512
_HIGHEST = 2048
_CACHE = 128 << 20

Corners = npt.NDArray[np.int64]


@dataclass(frozen=True)
class PatchGrid:
    """Where the patches of a scene are: whole ones, within the rows and columns that are wanted.

    Attributes:
        window: rows and columns of the scene that are wanted.
        shape: rows and columns of the scene.
        size: side of a patch, pixels.
        stride: pixels from one patch to the next.
    """

    window: tuple[slice, slice]
    shape: tuple[int, int]
    size: int
    stride: int

    def _numbers(self, axis: int) -> range:
        """Numbers of the whole patches that touch the wanted part."""
        part, length = self.window[axis], self.shape[axis]
        first = max(0, -(-(part.start - self.size + 1) // self.stride))
        last = min((length - self.size) // self.stride, (part.stop - 1) // self.stride)
        return range(first, last + 1)

    @property
    def rows(self) -> range:
        """First row of each row of patches."""
        n = self._numbers(0)
        return range(n.start * self.stride, n.stop * self.stride, self.stride)

    @property
    def columns(self) -> range:
        """First column of each column of patches."""
        n = self._numbers(1)
        return range(n.start * self.stride, n.stop * self.stride, self.stride)

    @property
    def partial(self) -> int:
        """Positions at the lower and right edge of the scene where no whole patch fits."""
        counts = []
        for axis in (0, 1):
            part, length = self.window[axis], self.shape[axis]
            numbers = self._numbers(axis)
            end = numbers.stop * self.stride
            # A position whose patch would begin in the wanted part, on pixels no other covers.
            covered = numbers.stop and (numbers.stop - 1) * self.stride + self.size
            counts.append((len(numbers), int(covered < min(part.stop, length) and end < length)))
        (rows, more_rows), (columns, more_columns) = counts
        return (rows + more_rows) * (columns + more_columns) - rows * columns

    def strips(self, blocks: int = 1) -> Iterator[tuple[int, ...]]:
        """First rows of the patches of each strip.

        Args:
            blocks: rows of a block of the scene's file; a strip is at least as high, so that few
                blocks are decoded twice.
        """
        rows = self.rows
        height = max(_STRIP_ROWS, blocks if blocks <= _HIGHEST else 0)
        each = max(1, (height - self.size) // self.stride + 1)
        for start in range(0, len(rows), each):
            yield tuple(rows[start : start + each])


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
        pixels: SHA-256 of each patch's pixels.
        checksums: SHA-256 of each patch's pixels and labels.
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
        strip = _Strip(reader, scene, rows, _spans(wanted[:, 1], size))
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
    cut: Cut, strip: _Strip, labels: npt.NDArray[np.uint8], wanted: Corners, task: StripTask
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
        landslide = int(np.count_nonzero(mask == 1))
        if not landslide and task.wanted is None:
            cut.unseen += 1
            continue
        images[len(kept)] = image
        digest = hashlib.sha256(images[len(kept)])
        cut.pixels.append(digest.hexdigest())
        digest.update(mask)
        cut.checksums.append(digest.hexdigest())
        kept.append((row, column, seen / total, landslide / seen))
    if kept:
        table = np.array(kept)
        cut.corners = table[:, :2].astype(np.int64)
        cut.usable, cut.positive = table[:, 2], table[:, 3]
        cut.images, cut.labels = images[: len(kept)], masks[: len(kept)]


def _spans(starts: npt.NDArray[np.int64], size: int) -> list[slice]:
    """The columns that patches starting at ``starts`` cover, joined where they meet."""
    spans: list[slice] = []
    for start in np.unique(starts).tolist():
        if spans and start <= spans[-1].stop:
            spans[-1] = slice(spans[-1].start, start + size)
        else:
            spans.append(slice(start, start + size))
    return spans


class _Strip:
    """Pixels of the needed columns of some rows, and which of them are usable."""

    def __init__(self, reader: SceneReader, scene: Scene, rows: slice, spans: list[slice]) -> None:
        self.rows = rows
        self._reader, self._scene = reader, scene
        self._spans = spans
        self._read = [reader.read(rows, span) for span in spans]
        self._inside = [_inside(scene, rows, span) for span in spans]
        self.dtype = self._read[0][0].dtype if spans else np.dtype(np.uint8)

    def part(self, rows: slice, columns: slice) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
        """(y, x, band) pixels and (y, x) whether they are usable, of a part that was read."""
        number, at = self._find(rows, columns)
        if number is None:
            raise ValueError("a part that was not read")
        (image, coverage), inside = self._read[number], self._inside[number]
        usable = coverage[at] == Coverage.MAPPED
        return image[at], usable if inside is None else usable & inside[at]

    def usable_pixels(self, rows: slice, columns: slice) -> npt.NDArray[Any]:
        """(n, band) pixels of a part of the lattice, as `SceneReader.sample` takes them."""
        number, at = self._find(rows, columns)
        if number is None:
            image, coverage = self._reader.read(rows, columns)
        else:
            whole, seen = self._read[number]
            image, coverage = whole[at], seen[at]
        pixels: npt.NDArray[Any] = image[coverage == Coverage.MAPPED]
        return pixels

    def _find(self, rows: slice, columns: slice) -> tuple[int | None, tuple[slice, slice]]:
        """The span that holds a part, and where in it."""
        for number, span in enumerate(self._spans):
            if (
                self.rows.start <= rows.start
                and rows.stop <= self.rows.stop
                and span.start <= columns.start
                and columns.stop <= span.stop
            ):
                top, left = self.rows.start, span.start
                return number, (
                    slice(rows.start - top, rows.stop - top),
                    slice(columns.start - left, columns.stop - left),
                )
        return None, (rows, columns)


def _inside(scene: Scene, rows: slice, columns: slice) -> npt.NDArray[np.bool_] | None:
    """(y, x) whether each pixel lies in the AOI; None without one."""
    if scene.aoi is None:
        return None
    grid: GeoBox = scene.geobox[rows, columns]
    outline = aoi_outline(scene.aoi, crs_of(grid))
    return rasterise_aoi(outline.json, grid)


def sample_parts(scene: Scene, starts: list[int]) -> list[tuple[tuple[slice, slice], ...]]:
    """The scene's lattice of samples, each part with the strip whose rows it lies in.

    Args:
        scene: whose statistics are wanted.
        starts: first row of each strip; what lies before the first goes to it.
    """
    parts: list[list[tuple[slice, slice]]] = [[] for _ in starts]
    edges = [*starts[1:], scene.geobox.shape[0]]
    for rows, columns in sample_windows(scene):
        first = rows.start
        for number, edge in enumerate(edges):
            last = min(rows.stop, edge)
            if last > first:
                parts[number].append((slice(first, last), columns))
                first = last
    return [tuple(part) for part in parts]
