"""Scene to landslide probability: read, normalise, predict and blend, one row of windows at a time.

Memory holds one row of windows whatever the height of the scene.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rasterio.features import geometry_mask

from hrgldd_core.grid import aoi_outline, crs_of
from hrgldd_core.mapping.probability import Levels, quantise
from hrgldd_core.mapping.runtime import Runtime
from hrgldd_core.mapping.windows import WindowGrid
from hrgldd_core.normalise import BandStatistics, Normalisation
from hrgldd_core.progress import Progress, no_progress
from hrgldd_core.scenes import Coverage, Scene, SceneReader

__all__ = ["Strip", "predict_strips"]


@dataclass(frozen=True)
class Strip:
    """Finished rows of the part to map.

    Attributes:
        top: first row, from 0 at the top of the part.
        probability: (y, x), as stored.
        coverage: (y, x) uint8, `Coverage`.
    """

    top: int
    probability: Levels
    coverage: npt.NDArray[np.uint8]


def predict_strips(
    scene: Scene,
    runtime: Runtime,
    *,
    normalisation: Normalisation,
    statistics: BandStatistics,
    grid: WindowGrid,
    progress: Progress = no_progress,
) -> Iterator[Strip]:
    """Predict a scene from top to bottom.

    Each window is read while the one before it is predicted. The result depends on the scene, the
    model and the grid alone.

    Args:
        scene: what to map.
        runtime: the model.
        normalisation: of the model.
        statistics: of the scene, the same for all windows.
        grid: windows over ``scene.target``.
        progress: told the scene's windows.
    """
    shape = (grid.rows.length, grid.columns.length)
    total = grid.rows.count * grid.columns.count
    blended = np.zeros((grid.rows.size, shape[1]), np.float32)
    state = np.zeros((grid.rows.size, shape[1]), np.uint8)
    # The rows that the two buffers hold start at `held` of the part to map.
    held, done = grid.rows.start(0), 0

    with SceneReader(scene) as reader, ThreadPoolExecutor(1) as ahead:

        def load(index: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
            row, column = divmod(index, grid.columns.count)
            image, coverage = _read_padded(reader, scene, grid, row, column)
            # What was not seen looks like the typical pixel, and is not mapped anyway.
            image[coverage == Coverage.NODATA] = np.asarray(statistics.center, image.dtype)
            return normalisation.apply(image, statistics), coverage

        following = ahead.submit(load, 0)
        for row in range(grid.rows.count):
            move = grid.rows.start(row) - held
            _shift_up(blended, move)
            _shift_up(state, move)
            held += move
            for column in range(grid.columns.count):
                x, coverage = following.result()
                done += 1
                if done < total:
                    following = ahead.submit(load, done)
                if (coverage == Coverage.MAPPED).any():
                    p = runtime(x[None])[0] * grid.weight(row, column)
                    _add(blended, p, grid.columns.start(column))
                _put(state, coverage, grid.columns.start(column))
                progress(scene.id, done, total)
            top = max(0, grid.rows.settled(row - 1) if row else 0)
            bottom = grid.rows.settled(row)
            if bottom > top:
                rows = slice(top - held, bottom - held)
                coverage = state[rows].copy()
                coverage[_outside(scene, top, bottom)] = Coverage.OUTSIDE
                levels = quantise(blended[rows], coverage == Coverage.MAPPED)
                yield Strip(top, levels, coverage)


def _outside(scene: Scene, top: int, bottom: int) -> npt.NDArray[np.bool_]:
    """(y, x) whether each pixel of these rows lies beyond the AOI."""
    grid = scene.target[top:bottom, :]
    if scene.aoi is None:
        return np.zeros(grid.shape, bool)
    outline = aoi_outline(scene.aoi, crs_of(grid))
    beyond: npt.NDArray[np.bool_] = geometry_mask(
        [outline.json], grid.shape, grid.affine, all_touched=True
    )
    return beyond


def _read_padded(
    reader: SceneReader, scene: Scene, grid: WindowGrid, row: int, column: int
) -> tuple[npt.NDArray[np.generic], npt.NDArray[np.uint8]]:
    """A window with its surroundings: real pixels within the scene, mirrored ones beyond it."""
    inside, padding = [], []
    for axis, index, part, length in (
        (grid.rows, row, scene.window[0], scene.geobox.shape[0]),
        (grid.columns, column, scene.window[1], scene.geobox.shape[1]),
    ):
        start = part.start + axis.start(index)
        stop = start + axis.size
        first, last = max(start, 0), min(stop, length)
        inside.append(slice(first, last))
        padding.append((first - start, stop - last))
    image, coverage = reader.read(inside[0], inside[1])
    if any(any(side) for side in padding):
        image = np.pad(image, (*padding, (0, 0)), mode="reflect")
        coverage = np.pad(coverage, padding, mode="reflect")
    return image, coverage


def _shift_up(buffer: npt.NDArray[np.generic], rows: int) -> None:
    if rows:
        kept = len(buffer) - rows
        buffer[:kept] = buffer[rows:].copy()
        buffer[kept:] = 0


def _columns(width: int, start: int, size: int) -> tuple[slice, slice]:
    first, last = max(start, 0), min(start + size, width)
    return slice(first, last), slice(first - start, last - start)


def _add(buffer: npt.NDArray[np.float32], window: npt.NDArray[np.float32], start: int) -> None:
    target, source = _columns(buffer.shape[1], start, window.shape[1])
    buffer[:, target] += window[:, source]


def _put(buffer: npt.NDArray[np.uint8], window: npt.NDArray[np.uint8], start: int) -> None:
    target, source = _columns(buffer.shape[1], start, window.shape[1])
    buffer[:, target] = window[:, source]
