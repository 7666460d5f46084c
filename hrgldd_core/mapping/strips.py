"""A scene cut into strips of a few rows of windows, each computed without the others.

Two strips share the rows over which their windows are blended. Each leaves its share of the sum
there; the sum of exactly two numbers does not depend on their order, so a scene is the same to the
last bit however it was cut, and no window is computed twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hrgldd_core.mapping.probability import NODATA, Levels, quantise
from hrgldd_core.mapping.windows import WindowGrid
from hrgldd_core.scenes import Coverage

__all__ = ["Outside", "RowBlender", "Span", "Strip", "StripResult", "cut", "join"]

Outside = Callable[[slice, slice], npt.NDArray[np.bool_]]
"""(rows, columns) of the part to map -> (y, x) whether each pixel lies beyond the AOI."""


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
        shared = result.head.shape[1]
        if above is not None:
            coverage = result.coverage[:shared]
            yield _strip(result.top, _quantised(above + result.head, coverage), coverage)
        above = result.tail
        yield _strip(result.top + shared, result.levels, result.coverage[shared:])


def _strip(top: int, levels: Levels, coverage: npt.NDArray[np.uint8]) -> Strip:
    return Strip(top, levels[0], coverage, levels[1] if len(levels) > 1 else None)


def _quantised(
    values: npt.NDArray[np.float32],
    coverage: npt.NDArray[np.uint8],
    out: npt.NDArray[np.uint8] | None = None,
) -> npt.NDArray[np.uint8]:
    """(layer, y, x) values as they are stored."""
    levels = np.empty(values.shape, np.uint8) if out is None else out
    for layer, stored in zip(values, levels, strict=True):
        quantise(layer, coverage == Coverage.MAPPED, out=stored)
    return levels


class RowBlender:
    """Sums the windows of a strip as they come: from left to right, row after row.

    Columns that no later window of the row reaches are stored at once, so that only what neighbours
    share is held in float32.
    """

    def __init__(
        self, grid: WindowGrid, span: Span, *, layers: int = 1, outside: Outside | None = None
    ) -> None:
        """Hold a strip, nothing added yet.

        Args:
            grid: of windows.
            span: rows of windows of the strip.
            layers: of the windows' values.
            outside: which pixels lie beyond the AOI; None without one.
        """
        self._grid, self._span, self._outside = grid, span, outside
        axis, width = grid.rows, grid.columns.length
        self._top = axis.settled(span.first - 1) if span.first else 0
        self._height = axis.settled(span.stop - 1) - self._top
        shared = min(axis.blend, self._height) if span.first else 0
        self._head = np.zeros((layers, shared, width), np.float32)
        self._levels = np.full((layers, self._height - shared, width), NODATA, np.uint8)
        self._coverage = np.empty((self._height, width), np.uint8)
        self._above = self._tail = np.zeros((layers, 0, width), np.float32)
        self._left = np.zeros((layers, axis.size, 0), np.float32)

    def begin_row(self, row: int) -> None:
        """Windows of this row follow."""
        axis = self._grid.rows
        bottom = axis.settled(row)
        below = min(axis.blend, axis.length - bottom) if row + 1 < axis.count else 0
        layers, _, width = self._head.shape
        self._above, self._tail = self._tail, np.zeros((layers, below, width), np.float32)

    def add(
        self,
        row: int,
        column: int,
        coverage: npt.NDArray[np.uint8],
        values: npt.NDArray[np.float32] | None,
    ) -> None:
        """Add the next window of the row that was begun.

        Args:
            row: of windows.
            column: of windows.
            coverage: (y, x) of the window.
            values: (layer, y, x) of the window; None has no pixel to map.
        """
        columns, rows = self._grid.columns, self._grid.rows
        start, held = columns.start(column), rows.start(row)
        first, last = columns.settled(column - 1) if column else 0, columns.settled(column)
        top, bottom = rows.settled(row - 1) if row else 0, rows.settled(row)
        state = coverage[top - held : bottom - held, first - start : last - start]
        if self._outside is not None:
            beyond = self._outside(slice(top, bottom), slice(first, last))
            state = np.where(beyond, np.uint8(Coverage.OUTSIDE), state)
        self._coverage[top - self._top : bottom - self._top, first:last] = state
        left, self._left = self._left, self._left[..., :0]
        if values is None:
            # Nothing of its columns is mapped, whatever the window before leaves there.
            return
        weighed = values * self._grid.weight(row, column)
        weighed[..., first - start : first - start + left.shape[-1]] += left
        reach = min(columns.blend, columns.length - last) if column + 1 < columns.count else 0
        self._left = weighed[..., last - start : last - start + reach].copy()
        self._store(row, slice(first, last), weighed[..., first - start : last - start], state)

    def _store(
        self,
        row: int,
        columns: slice,
        values: npt.NDArray[np.float32],
        state: npt.NDArray[np.uint8],
    ) -> None:
        """Put the finished columns of a row of windows where they belong."""
        axis = self._grid.rows
        top, bottom = axis.settled(row - 1) if row else 0, axis.settled(row)
        held, first = axis.start(row), top
        if row > self._span.first:
            values[:, top - held : top - held + self._above.shape[1]] += self._above[..., columns]
        elif row:
            first = top + self._head.shape[1]
            self._head[..., columns] = values[:, top - held : first - held]
        self._tail[..., columns] = values[:, bottom - held : bottom - held + self._tail.shape[1]]
        begins = self._top + self._head.shape[1]
        stored = self._levels[:, first - begins : bottom - begins, columns]
        _quantised(values[:, first - held : bottom - held], state[first - top :], out=stored)

    def result(self, seconds: float) -> StripResult:
        """The strip, when all its windows were added."""
        return StripResult(self._top, self._head, self._levels, self._coverage, self._tail, seconds)
