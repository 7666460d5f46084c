"""Adding patches to the arrays of a dataset."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hrgldd_core import storage
from hrgldd_core.dataset.store import ARRAYS

__all__ = ["PatchWriter"]

# A chunk is one object and what is read for one patch. Each costs Zarr a millisecond of its own;
# shards of smaller ones took half as long again to write and two requests a patch to read.
_CHUNK_BYTES, _MOST_PATCHES = 2 << 20, 64
# Rows that an array grows by, at least: a bucket takes a change of the same object once a second.
_ROOM = 1024


class PatchWriter:
    """Adds patches behind those that a version has; whatever lay there before is overwritten."""

    def __init__(self, uri: str, *, start: int) -> None:
        """Nothing is written before the first patches come.

        Args:
            uri: of the dataset.
            start: number of patches that are kept.
        """
        self._uri = storage.join(uri, ARRAYS)
        self._start = self.count = start
        self._columns: tuple[_Column, _Column] | None = None

    def append(self, images: npt.NDArray[Any], labels: npt.NDArray[np.uint8]) -> None:
        """Add patches: (n, y, x, band) and (n, y, x)."""
        if not len(images):
            return
        if self._columns is None:
            one, other = _open(self._uri, images, new=not self._start)
            self._columns = _Column(one, self._start), _Column(other, self._start)
        for column, values in zip(self._columns, (images, labels), strict=True):
            column.append(values)
        self.count += len(images)

    def finish(self) -> int:
        """Write what is left; the number of patches in all."""
        for column in self._columns or ():
            column.finish()
        return self.count

    def rollback(self) -> None:
        """Take away what was added."""
        if not self._start:
            storage.remove_tree(self._uri)
            return
        for column in self._columns or ():
            column.resize(self._start)


class _Column:
    """An array that grows by whole chunks; what does not fill one waits."""

    def __init__(self, array: Any, start: int) -> None:
        self._array, self._end = array, start
        self._waiting: list[npt.NDArray[Any]] = []

    def append(self, values: npt.NDArray[Any]) -> None:
        chunk = self._array.chunks[0]
        waiting = sum(map(len, self._waiting))
        # Of the chunk that was begun, here or in an earlier version.
        head = -(self._end + waiting) % chunk
        whole = head + (len(values) - head) // chunk * chunk
        if len(values) < head:
            self._wait(values)
            return
        self._waiting.append(values[:head])
        self._write_waiting()
        self._write(values[head:whole])
        self._wait(values[whole:])

    def finish(self) -> None:
        """Write what waits, and give up the room that is left."""
        self._write_waiting()
        self.resize(self._end)

    def resize(self, rows: int) -> None:
        self._array.resize((rows, *self._array.shape[1:]))

    def _write_waiting(self) -> None:
        if self._waiting:
            self._write(np.concatenate(self._waiting))
            self._waiting.clear()

    def _wait(self, values: npt.NDArray[Any]) -> None:
        # A copy: a view would keep all that came with it.
        self._waiting.append(values.copy())

    def _write(self, values: npt.NDArray[Any]) -> None:
        if len(values):
            start, self._end = self._end, self._end + len(values)
            if self._end > self._array.shape[0]:
                self.resize(self._end + max(_ROOM, self._end // 4))
            self._array[start : self._end] = values


def _open(uri: str, images: npt.NDArray[Any], *, new: bool) -> tuple[Any, Any]:
    """The arrays of images and of labels."""
    import zarr
    from zarr.codecs import BloscCodec

    store = storage.zarr_store(uri, write=True)
    if not new:
        group = zarr.open_group(store, mode="r+", zarr_format=3)
        return group["images"], group["labels"]
    group = zarr.open_group(store, mode="w", zarr_format=3)
    arrays = []
    for name, like in (("images", images), ("labels", np.zeros(images.shape[:3], np.uint8))):
        inner = like.shape[1:]
        size = like.dtype.itemsize
        codec = BloscCodec(
            typesize=size,
            cname="lz4",
            clevel=5,
            # By bits: smaller and faster than by bytes for the 12 bits that sensors fill.
            shuffle="bitshuffle" if size > 1 else "noshuffle",
        )
        arrays.append(
            group.create_array(
                name,
                shape=(0, *inner),
                chunks=(int(np.clip(_CHUNK_BYTES // like[0].nbytes, 1, _MOST_PATCHES)), *inner),
                dtype=like.dtype,
                compressors=codec,
                # All chunks in one folder: four nested ones for each cost more than its bytes.
                chunk_key_encoding={"name": "default", "separator": "."},
                fill_value=0,
                dimension_names=("patch", "y", "x", "band")[: like.ndim],
                # Asking of each chunk whether it is empty costs more than storing it.
                config={"write_empty_chunks": True},
            )
        )
    return arrays[0], arrays[1]
