"""Windows of a scene as a model takes them, read by several threads ahead."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from hrgldd_core.ahead import in_order
from hrgldd_core.mapping.windows import Axis, WindowGrid
from hrgldd_core.normalise import BandStatistics, Normalisation
from hrgldd_core.scenes import Coverage, Scene, SceneReader

__all__ = ["SeenWindow", "read_extent", "read_windows", "reading_threads"]

# Neighbouring windows are read as one: blocks of the file that they share are decoded once.
_RUN_PIXELS = 2 << 20
_MOST_THREADS = 4


@dataclass(frozen=True)
class SeenWindow:
    """A window with its surroundings.

    Attributes:
        row: of the grid of windows.
        column: of the grid of windows.
        coverage: (y, x) uint8, `Coverage`.
        x: (y, x, band) normalised values; None where no pixel is to be mapped.
    """

    row: int
    column: int
    coverage: npt.NDArray[np.uint8]
    x: npt.NDArray[np.float32] | None


@dataclass(frozen=True)
class _Run:
    """Windows beside each other, and which reader reads them."""

    row: int
    columns: range
    reader: int


def reading_threads() -> int:
    """As many as this process has cores, up to four."""
    return min(_MOST_THREADS, len(os.sched_getaffinity(0)))


def read_extent(scene: Scene, grid: WindowGrid) -> tuple[slice, slice]:
    """Rows and columns of the scene that its windows reach together."""
    rows, columns = (
        slice(
            _reach(axis, part, 0, length)[0].start,
            _reach(axis, part, axis.count - 1, length)[0].stop,
        )
        for axis, part, length in zip(
            (grid.rows, grid.columns), scene.window, scene.geobox.shape, strict=True
        )
    )
    return rows, columns


def read_windows(
    scene: Scene,
    grid: WindowGrid,
    rows: Iterable[int],
    *,
    normalisation: Normalisation,
    statistics: BandStatistics,
    threads: int,
) -> Generator[SeenWindow, None, None]:
    """All windows of some rows of windows, from left to right, row after row.

    Raises:
        InputError: when the scene cannot be read.
    """
    length = max(1, _RUN_PIXELS // (grid.rows.size * grid.columns.size))

    def normalised(
        image: npt.NDArray[np.generic], coverage: npt.NDArray[np.uint8]
    ) -> npt.NDArray[np.float32] | None:
        if not (coverage == Coverage.MAPPED).any():
            return None
        # What was not seen looks like the typical pixel, and is not mapped anyway.
        blank = coverage == Coverage.NODATA
        if blank.any():
            image[blank] = np.asarray(statistics.center, image.dtype)
        return normalisation.apply(image, statistics)

    def load(reader: SceneReader, run: _Run) -> list[SeenWindow]:
        return [
            SeenWindow(run.row, column, coverage, normalised(image, coverage))
            for column, image, coverage in _read_run(reader, scene, grid, run.row, run.columns)
        ]

    starts = range(0, grid.columns.count, length)
    runs = (
        _Run(row, range(first, min(first + length, grid.columns.count)), number % threads)
        for row in rows
        for number, first in enumerate(starts)
    )
    with ExitStack() as opened:
        # A reader belongs to one thread, and rasterio closes it in the thread that opened it. The
        # same columns go to the same reader: it finds the blocks that two rows of windows share in
        # GDAL's cache.
        readers = [opened.enter_context(SceneReader(scene)) for _ in range(threads)]
        pools = [opened.enter_context(ThreadPoolExecutor(1)) for _ in range(threads)]

        def submit(run: _Run) -> Future[list[SeenWindow]]:
            return pools[run.reader].submit(load, readers[run.reader], run)

        loaded = in_order(submit, runs, ahead=threads)
        yield from chain.from_iterable(loaded)


def _read_run(
    reader: SceneReader, scene: Scene, grid: WindowGrid, row: int, columns: range
) -> Iterator[tuple[int, npt.NDArray[np.generic], npt.NDArray[np.uint8]]]:
    """Windows beside each other: real pixels within the scene, mirrored ones beyond it."""
    height, width = scene.geobox.shape
    rows, above = _reach(grid.rows, scene.window[0], row, height)
    first, _ = _reach(grid.columns, scene.window[1], columns[0], width)
    last, _ = _reach(grid.columns, scene.window[1], columns[-1], width)
    image, coverage = reader.read(rows, slice(first.start, last.stop))
    for column in columns:
        inside, beside = _reach(grid.columns, scene.window[1], column, width)
        part = slice(inside.start - first.start, inside.stop - first.start)
        values, state = image[:, part].copy(), coverage[:, part].copy()
        if any(above) or any(beside):
            values = np.pad(values, (above, beside, (0, 0)), mode="reflect")
            state = np.pad(state, (above, beside), mode="reflect")
        yield column, values, state


def _reach(axis: Axis, part: slice, index: int, length: int) -> tuple[slice, tuple[int, int]]:
    """Pixels of a window that the scene has, and how many lack before and after them."""
    start = part.start + axis.start(index)
    stop = start + axis.size
    inside = slice(max(start, 0), min(stop, length))
    return inside, (inside.start - start, stop - inside.stop)
