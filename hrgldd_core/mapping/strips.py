"""A scene cut into strips of a few rows of windows, each computed without the others.

Two strips share the rows over which their windows are blended. Each leaves its share of the sum
there; the sum of exactly two numbers does not depend on their order, so a scene is the same to the
last bit however it was cut, and no window is computed twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hrgldd_core.mapping.probability import Levels, quantise
from hrgldd_core.mapping.windows import WindowGrid
from hrgldd_core.scenes import Coverage

__all__ = ["RowBlender", "Span", "Strip", "StripResult", "cut", "join"]


@dataclass(frozen=True)
class Span:
    """Which rows of windows a strip has.

    Attributes:
        first: first row of windows.
        stop: row of windows after the last.
    """

    first: int
    stop: int


@dataclass(frozen=True)
class Strip:
    """Finished rows of the part to map.

    Attributes:
        top: first row, from 0 at the top of the part.
        probability: (y, x), as stored.
        coverage: (y, x) uint8, `Coverage`.
        uncertainty: (y, x), as stored; None where the model looked once.
    """

    top: int
    probability: Levels
    coverage: npt.NDArray[np.uint8]
    uncertainty: Levels | None = None


@dataclass(frozen=True)
class StripResult:
    """What a strip knows by itself.

    The layers are the probability and, where the model looked several times, its uncertainty.

    Attributes:
        top: first row of ``coverage``, from 0 at the top of the part.
        head: (layer, blend, x) values times weight of the first rows; the strip above adds to it.
        levels: (layer, y, x) stored values of the rows after those.
        coverage: (y, x) `Coverage` of the rows of ``head`` and ``levels``.
        tail: (layer, blend, x) as ``head``, of the rows after those, which the strip below has.
        seconds: how long it took.
    """

    top: int
    head: npt.NDArray[np.float32]
    levels: Levels
    coverage: npt.NDArray[np.uint8]
    tail: npt.NDArray[np.float32]
    seconds: float = 0.0


def cut(grid: WindowGrid, *, pixels: int) -> list[Span]:
    """Strips of about so many pixels, at least one row of windows each, from top to bottom."""
    rows = max(1, pixels // (grid.rows.pitch * grid.columns.length))
    starts = range(0, grid.rows.count, rows)
    return [Span(start, min(start + rows, grid.rows.count)) for start in starts]


def join(results: Iterable[StripResult]) -> Iterator[Strip]:
    """Finished rows of strips that follow one another from the top of a scene."""
    above: npt.NDArray[np.float32] | None = None
    for result in results:
        levels = result.levels
        if above is not None:
            shared = result.coverage[: result.head.shape[1]] == Coverage.MAPPED
            levels = np.concatenate([_quantised(above + result.head, shared), levels], axis=1)
        above = result.tail
        yield Strip(result.top, levels[0], result.coverage, levels[1] if len(levels) > 1 else None)


def _quantised(
    values: npt.NDArray[np.float32], mapped: npt.NDArray[np.bool_]
) -> npt.NDArray[np.uint8]:
    """(layer, y, x) values as they are stored."""
    if len(values) == 1:
        return quantise(values[0], mapped)[None]
    return np.stack([quantise(layer, mapped) for layer in values])


class RowBlender:
    """Sums the windows of a strip, one row of windows after the other."""

    def __init__(self, grid: WindowGrid, span: Span, *, layers: int = 1) -> None:
        """Hold one row of windows of so many layers, nothing added yet."""
        self._grid, self._span = grid, span
        width = grid.columns.length
        self._sum = np.zeros((layers, grid.rows.size, width), np.float32)
        self._state = np.zeros((grid.rows.size, width), np.uint8)
        self._head = np.zeros((layers, 0, width), np.float32)
        self._tail = np.zeros((layers, 0, width), np.float32)
        self._levels: list[Levels] = []
        self._coverage: list[npt.NDArray[np.uint8]] = []

    def add(
        self,
        row: int,
        column: int,
        coverage: npt.NDArray[np.uint8],
        values: npt.NDArray[np.float32] | None,
    ) -> None:
        """Add a window of the current row of windows, (layer, y, x); None has no pixel to map."""
        axis = self._grid.columns
        start = axis.start(column)
        first, last = max(start, 0), min(start + axis.size, axis.length)
        target, source = slice(first, last), slice(first - start, last - start)
        self._state[:, target] = coverage[:, source]
        if values is not None:
            weighed = values[..., source] * self._grid.weight(row, column)[:, source]
            self._sum[..., target] += weighed

    def end_row(self, row: int, outside: npt.NDArray[np.bool_]) -> None:
        """All windows of a row were added.

        Args:
            row: of windows.
            outside: (y, x) pixels beyond the AOI of the rows that the row of windows settles.
        """
        axis = self._grid.rows
        top, bottom = axis.settled(row - 1) if row else 0, axis.settled(row)
        held = axis.start(row)
        ramp = min(top + axis.blend, axis.length) if row else top
        after = min(bottom + axis.blend, axis.length) if row + 1 < axis.count else bottom
        state = self._state[top - held : bottom - held]
        state[outside] = Coverage.OUTSIDE
        first = top
        if row > self._span.first:
            self._sum[:, top - held : ramp - held] += self._tail
        elif row:
            self._head = self._sum[:, top - held : ramp - held].copy()
            first = ramp
        mapped = state[first - top :] == Coverage.MAPPED
        self._levels.append(_quantised(self._sum[:, first - held : bottom - held], mapped))
        self._coverage.append(state.copy())
        self._tail = self._sum[:, bottom - held : after - held].copy()
        self._sum[:] = 0

    def result(self, seconds: float) -> StripResult:
        """The strip, when all its rows have ended."""
        first = self._span.first
        return StripResult(
            self._grid.rows.settled(first - 1) if first else 0,
            self._head,
            np.concatenate(self._levels, axis=1),
            np.concatenate(self._coverage),
            self._tail,
            seconds,
        )
