"""Scene to landslide probability: read, infer and blend, each ahead of the next.

Threads read and normalise windows, others run the model, the caller's blends and takes the rows
away. Memory holds a few windows and one strip, whatever the height of the scene.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import chain

import numpy as np
import numpy.typing as npt
from rasterio.features import geometry_mask

from hrgldd_core.ahead import in_order
from hrgldd_core.grid import aoi_outline, crs_of
from hrgldd_core.mapping.reading import SeenWindow, read_windows, reading_threads
from hrgldd_core.mapping.runtime import Runtime
from hrgldd_core.mapping.strips import Outside, RowBlender, Span, Strip, StripResult, cut, join
from hrgldd_core.mapping.windows import WindowGrid
from hrgldd_core.normalise import BandStatistics, Normalisation
from hrgldd_core.progress import Progress, no_progress
from hrgldd_core.scenes import Scene

__all__ = ["predict_spans", "predict_strips"]

_BATCHES_AHEAD = 2
# The next window goes on where one ends or an operation cannot use all cores. A batch of several,
# as a GPU gets, does that by itself.
_STREAMS = 2
# Windows without a pixel to map wait for the batch before them; not too many.
_MOST_WAITING = 4

Predicted = tuple[SeenWindow, npt.NDArray[np.float32] | None]


def predict_strips(
    scene: Scene,
    runtime: Runtime,
    *,
    normalisation: Normalisation,
    statistics: BandStatistics,
    grid: WindowGrid,
    batch: int = 1,
    threads: int | None = None,
    progress: Progress = no_progress,
) -> Iterator[Strip]:
    """Predict a whole scene from top to bottom; arguments as for `predict_spans`."""
    each_row = cut(grid, pixels=1)
    return join(
        predict_spans(
            scene,
            runtime,
            normalisation=normalisation,
            statistics=statistics,
            grid=grid,
            spans=each_row,
            batch=batch,
            threads=threads,
            progress=progress,
        )
    )


def predict_spans(
    scene: Scene,
    runtime: Runtime,
    *,
    normalisation: Normalisation,
    statistics: BandStatistics,
    grid: WindowGrid,
    spans: Sequence[Span],
    layers: int = 1,
    batch: int = 1,
    threads: int | None = None,
    progress: Progress = no_progress,
) -> Generator[StripResult, None, None]:
    """Predict some strips of a scene, in their order.

    The result depends on the scene, the model and the grid alone: not on batches, threads, or on
    which strips are computed together.

    Args:
        scene: what to map.
        runtime: the model.
        normalisation: of the model.
        statistics: of the scene, the same for all windows.
        grid: windows over ``scene.target``.
        spans: the strips.
        layers: that the runtime gives: 2 for (n, layer, y, x) with the uncertainty.
        batch: windows that the model is given at a time; the last ones are filled up with zeros.
        threads: that read; as many as there are cores otherwise, up to four.
        progress: told the scene's windows; those of other strips count as done.

    Raises:
        InputError: when the scene cannot be read.
    """
    total = grid.rows.count * grid.columns.count
    done = total - sum(s.stop - s.first for s in spans) * grid.columns.count
    windows = read_windows(
        scene,
        grid,
        (row for span in spans for row in range(span.first, span.stop)),
        normalisation=normalisation,
        statistics=statistics,
        threads=threads or reading_threads(),
    )

    outside = _outside(scene)

    def infer(group: list[SeenWindow]) -> list[Predicted]:
        return _infer(group, runtime, batch)

    with closing(windows), ThreadPoolExecutor(_STREAMS if batch == 1 else 1) as device:
        predicted = chain.from_iterable(
            in_order(
                lambda group: device.submit(infer, group),
                _batches(windows, batch),
                ahead=_BATCHES_AHEAD,
            )
        )
        for span in spans:
            started = time.monotonic()
            blender = RowBlender(grid, span, layers=layers, outside=outside)
            for row in range(span.first, span.stop):
                blender.begin_row(row)
                for column in range(grid.columns.count):
                    window, p = next(predicted)
                    blender.add(row, column, window.coverage, p)
                    done += 1
                    progress(scene.id, done, total)
            yield blender.result(time.monotonic() - started)


def _batches(windows: Iterable[SeenWindow], batch: int) -> Iterator[list[SeenWindow]]:
    """Windows in groups of which at most ``batch`` have something to map."""
    group: list[SeenWindow] = []
    seen = 0
    for window in windows:
        group.append(window)
        seen += window.x is not None
        if seen == batch or len(group) >= _MOST_WAITING * batch:
            yield group
            group, seen = [], 0
    if group:
        yield group


def _infer(group: list[SeenWindow], runtime: Runtime, batch: int) -> list[Predicted]:
    inputs = [window.x for window in group if window.x is not None]
    outputs: Iterator[npt.NDArray[np.float32]] = iter(())
    if inputs:
        # Always the same number: a device compiles, and chooses its algorithms, for one shape.
        x = np.zeros((batch, *inputs[0].shape), np.float32) if batch > 1 else inputs[0][None]
        if batch > 1:
            np.stack(inputs, out=x[: len(inputs)])
        outputs = iter(runtime(x))
    results: list[Predicted] = []
    for window in group:
        p = None if window.x is None else next(outputs)
        # (layer, y, x): a single layer has no axis of its own in a runtime's answer.
        results.append((window, p[None] if p is not None and p.ndim == 2 else p))
    return results


def _outside(scene: Scene) -> Outside | None:
    """Which pixels lie beyond the AOI; None where there is none."""
    if scene.aoi is None:
        return None
    outline = aoi_outline(scene.aoi, crs_of(scene.target)).json

    def beyond(rows: slice, columns: slice) -> npt.NDArray[np.bool_]:
        grid = scene.target[rows, columns]
        found: npt.NDArray[np.bool_] = geometry_mask(
            [outline], grid.shape, grid.affine, all_touched=True
        )
        return found

    return beyond
