"""Where water goes: depression filling, steepest descent and drainage area on a grid.

A flow tree is an array of flat indices, each cell's receiver; the outlet receives itself. Every
sum or recurrence along the tree is solved by pointer doubling (each pass doubles the distance a
cell has looked downstream), so nothing loops over cells.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import sparse

__all__ = ["IntArray", "accumulate", "descend", "fill", "relax"]

IntArray = npt.NDArray[np.int64]
Heights = npt.NDArray[np.float64]

_HALF = ((0, 1), (1, 0), (1, 1), (1, -1))
_NEIGHBOURS = _HALF + tuple((-dy, -dx) for dy, dx in _HALF)


def _pair(
    size: tuple[int, int], dy: int, dx: int
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Windows of every cell that has the neighbour (dy, dx), and of that neighbour."""

    def window(sign: int) -> tuple[slice, slice]:
        starts = [max(0, -sign * d) for d in (dy, dx)]
        stops = [n - max(0, sign * d) for n, d in zip(size, (dy, dx), strict=True)]
        return slice(starts[0], stops[0]), slice(starts[1], stops[1])

    return window(1), window(-1)


def fill(height: Heights, outlet: int, *, drop: float = 0.01) -> Heights:
    """Raise depressions until every cell has a way down to ``outlet``.

    The lowest way out of a cell runs along the minimum spanning tree of the grid whose edges weigh
    as much as their higher end.

    Args:
        height: (y, x) elevation, m.
        outlet: flat index of the cell that drains the grid.
        drop: fall from each filled cell to the next, m.
    """
    shape = (height.shape[0], height.shape[1])
    index = np.arange(height.size).reshape(shape)
    rows, columns, weights = [], [], []
    for dy, dx in _HALF:
        here, there = _pair(shape, dy, dx)
        rows.append(index[here].ravel())
        columns.append(index[there].ravel())
        weights.append(np.maximum(height[here], height[there]).ravel())
    weight = np.concatenate(weights)
    # A sparse matrix drops zeros: shift every weight above zero.
    graph = sparse.coo_matrix(
        (weight - weight.min() + 1.0, (np.concatenate(rows), np.concatenate(columns))),
        shape=(height.size, height.size),
    )
    tree = sparse.csgraph.minimum_spanning_tree(graph.tocsr())
    _, parent = sparse.csgraph.breadth_first_order(tree, outlet, directed=False)
    pointer = parent.astype(np.int64)
    pointer[outlet] = outlet
    level, rise = height.ravel().copy(), np.full(height.size, drop)
    rise[outlet] = 0.0
    while True:
        level = np.maximum(level, level[pointer] + rise)
        rise = rise + rise[pointer]
        further = pointer[pointer]
        if np.array_equal(further, pointer):
            filled: Heights = level.reshape(shape)
            return filled
        pointer = further


def descend(height: Heights, outlet: int) -> IntArray:
    """Receiver of each cell: its neighbour of steepest descent.

    Args:
        height: (y, x) elevation without depressions (see `fill`).
        outlet: flat index of the cell that receives itself.

    Returns:
        (y * x,) flat indices.
    """
    shape = (height.shape[0], height.shape[1])
    index = np.arange(height.size).reshape(shape)
    receiver, steepest = index.copy(), np.zeros(shape)
    for dy, dx in _NEIGHBOURS:
        here, there = _pair(shape, dy, dx)
        fall = (height[here] - height[there]) / np.hypot(dy, dx)
        better = fall > steepest[here]
        steepest[here][better] = fall[better]
        receiver[here][better] = index[there][better]
    flat: IntArray = receiver.ravel()
    flat[outlet] = outlet
    return flat


def accumulate(receiver: IntArray) -> Heights:
    """Number of cells that drain through each cell, itself included: (y * x,)."""
    sink = len(receiver)
    # Roots drain into a cell outside the grid: a path that has left is not counted again.
    pointer = np.append(np.where(receiver == np.arange(sink), sink, receiver), sink)
    total = np.ones(sink + 1)
    while (pointer < sink).any():
        total = total + np.bincount(pointer, total, minlength=sink + 1)
        pointer = pointer[pointer]
    return total[:sink]


def relax(receiver: IntArray, offset: Heights, weight: Heights) -> Heights:
    """Solve z = offset + weight * z[receiver] along the tree; ``weight`` is 0 at the roots."""
    pointer = receiver.copy()
    z, w = offset.copy(), weight.copy()
    while w.any():
        z = z + w * z[pointer]
        w = w * w[pointer]
        pointer = pointer[pointer]
    return z
