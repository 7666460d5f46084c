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
# Chunks of labels that are written at a time, with the images that go with them.
_CHUNKS = 4


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
        self._arrays: tuple[Any, Any] | None = None
        self._waiting: tuple[npt.NDArray[Any], npt.NDArray[Any]]
        self._filled = 0

    def append(self, images: npt.NDArray[Any], labels: npt.NDArray[np.uint8]) -> None:
        """Add patches: (n, y, x, band) and (n, y, x)."""
        if not len(images):
            return
        if self._arrays is None:
            self._begin(images)
        at = 0
        while at < len(images):
            # Whole chunks, wherever the first row falls.
            together = len(self._waiting[0])
            room = together - self.count % together - self._filled
            taken = min(room, len(images) - at)
            for waiting, values in zip(self._waiting, (images, labels), strict=True):
                waiting[self._filled : self._filled + taken] = values[at : at + taken]
            at += taken
            self._filled += taken
            if taken == room:
                self._write()

    def finish(self) -> int:
        """Write what is left; the number of patches in all."""
        if self._arrays is not None:
            self._write()
            self._resize(self.count)
        return self.count

    def rollback(self) -> None:
        """Take away what was added."""
        if self._start:
            if self._arrays is not None:
                self._resize(self._start)
        else:
            storage.remove_tree(self._uri)

    def _begin(self, images: npt.NDArray[Any]) -> None:
        """Open the arrays, and make room for some chunks of patches."""
        arrays = self._arrays = self._open(images)
        rows = _CHUNKS * arrays[1].chunks[0]
        self._waiting = (
            np.empty((rows, *images.shape[1:]), images.dtype),
            np.empty((rows, *images.shape[1:3]), np.uint8),
        )

    def _open(self, images: npt.NDArray[Any]) -> tuple[Any, Any]:
        import zarr
        from zarr.codecs import BloscCodec

        store = storage.zarr_store(self._uri, write=True)
        if self._start:
            group = zarr.open_group(store, mode="r+", zarr_format=3)
            return group["images"], group["labels"]
        group = zarr.open_group(store, mode="w", zarr_format=3)
        arrays = []
        for name, like in (("images", images), ("labels", images[..., 0].astype(np.uint8))):
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
                    chunks=(_patches_a_chunk(like[0].nbytes), *inner),
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

    def _resize(self, rows: int) -> None:
        assert self._arrays is not None  # noqa: S101 - only called with arrays
        for array in self._arrays:
            array.resize((rows, *array.shape[1:]))

    def _write(self) -> None:
        if not self._filled:
            return
        assert self._arrays is not None  # noqa: S101 - only called with arrays
        end = self.count + self._filled
        for array, values in zip(self._arrays, self._waiting, strict=True):
            if array.shape[0] < end:
                array.resize((end, *array.shape[1:]))
            array[self.count : end] = values[: self._filled]
        self.count, self._filled = end, 0


def _patches_a_chunk(size: int) -> int:
    """A power of two: whole chunks of labels hold whole chunks of images.

    Args:
        size: of a patch, bytes.
    """
    return 1 << (int(np.clip(_CHUNK_BYTES // size, 1, _MOST_PATCHES)).bit_length() - 1)
