"""Arrays that are read when they are indexed: only the rows that are asked for, each time anew."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from numpy.lib.mixins import NDArrayOperatorsMixin

__all__ = ["Array", "Bands", "Joined", "LazyArray", "Rows", "row_numbers"]

Rowed = npt.NDArray[np.int64]
_CHUNK = 64


class LazyArray(NDArrayOperatorsMixin, ABC):
    """What reads like an array (n, ...) but holds no pixels.

    ``array[i]``, ``array[a:b]`` and ``array[index]`` (integers or booleans, one a row) read those
    rows; further indices apply to what was read. Anything else (arithmetic, comparison,
    ``np.asarray``) reads all of it.

    Attributes:
        shape: as of a NumPy array.
        dtype: as of a NumPy array.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @abstractmethod
    def read(self, rows: Rowed) -> npt.NDArray[Any]:
        """The rows of these numbers (none negative, none too large), in this order."""

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[npt.NDArray[Any]]:
        for start in range(0, len(self), _CHUNK):
            yield from self[start : start + _CHUNK]

    def __getitem__(self, key: Any) -> Any:
        first, rest = (key[0], key[1:]) if isinstance(key, tuple) and key else (key, ())
        if first is None or first is Ellipsis or np.ndim(first) > 1:
            return np.asarray(self)[key]
        rows = row_numbers(first, len(self))
        if rows.ndim == 0:
            row = self.read(rows[None])[0]
            return row[rest] if rest else row
        found = self.read(rows)
        return found[(slice(None), *rest)] if rest else found

    def __array__(
        self, dtype: npt.DTypeLike | None = None, copy: bool | None = None
    ) -> npt.NDArray[Any]:
        if copy is False:
            raise ValueError("these pixels are read on demand: there is no array without a copy")
        out = np.empty(self.shape, dtype or self.dtype)
        for start in range(0, len(self), _CHUNK):
            out[start : start + _CHUNK] = self[start : start + _CHUNK]
        return out

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        read = [np.asarray(x) if isinstance(x, LazyArray) else x for x in inputs]
        return getattr(ufunc, method)(*read, **kwargs)


Array: TypeAlias = npt.NDArray[Any] | LazyArray
"""Rows of pixels: in memory, memory-mapped or read on demand."""


def row_numbers(key: Any, count: int) -> Rowed:
    """The rows that an index means: an integer, a slice, integers or one boolean a row.

    Raises:
        IndexError: when it means rows that are not there.
    """
    if isinstance(key, slice):
        return np.arange(*key.indices(count), dtype=np.int64)
    index = np.asarray(key)
    if index.dtype == bool:
        if index.shape != (count,):
            raise IndexError(f"{index.shape} booleans for {count} rows")
        return np.flatnonzero(index).astype(np.int64)
    if index.size and index.dtype.kind not in "iu":
        raise IndexError(f"rows are numbered, not {index.dtype}")
    index = index.astype(np.int64)
    if ((index < -count) | (index >= count)).any():
        raise IndexError(f"row out of range: there are {count}")
    return np.where(index < 0, index + count, index)


class Rows(LazyArray):
    """Some rows of an array, in any order."""

    def __init__(self, base: Array, rows: Rowed) -> None:
        self._base: Array = base
        self._rows = rows
        if isinstance(base, Rows):
            # A choice of a choice is one choice.
            self._base, self._rows = base._base, base._rows[rows]
        self.shape = (len(rows), *base.shape[1:])
        self.dtype = base.dtype

    def read(self, rows: Rowed) -> npt.NDArray[Any]:
        """The rows of these numbers."""
        return np.asarray(self._base[self._rows[rows]])


class Joined(LazyArray):
    """Arrays of equal rows, one after the other."""

    def __init__(self, parts: Sequence[Array]) -> None:
        self._parts = tuple(parts)
        self._starts = np.cumsum([0, *(len(part) for part in parts)])
        self.shape = (int(self._starts[-1]), *parts[0].shape[1:])
        self.dtype = np.result_type(*(part.dtype for part in parts))

    def read(self, rows: Rowed) -> npt.NDArray[Any]:
        """The rows of these numbers."""
        out = np.empty((len(rows), *self.shape[1:]), self.dtype)
        which = np.searchsorted(self._starts, rows, side="right") - 1
        for number in np.unique(which):
            here = which == number
            out[here] = self._parts[number][rows[here] - self._starts[number]]
        return out


class Bands(LazyArray):
    """Some bands (the last axis) of an array, in any order."""

    def __init__(self, base: Array, bands: Sequence[int]) -> None:
        self._base, self._bands = base, list(bands)
        self.shape = (*base.shape[:-1], len(self._bands))
        self.dtype = base.dtype

    def read(self, rows: Rowed) -> npt.NDArray[Any]:
        """The rows of these numbers."""
        return np.asarray(self._base[rows])[..., self._bands]
