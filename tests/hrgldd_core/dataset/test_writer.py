"""Patches written as chunks: the very objects that Zarr itself would store."""

from __future__ import annotations

import numpy as np
import pytest
import zarr

from hrgldd_core.dataset.writer import PatchWriter


def contents(folder):
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_the_objects_are_those_that_zarr_stores(tmp_path, dtype):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 250, (150, 16, 16, 3)).astype(dtype)
    labels = rng.integers(0, 2, images.shape[:3]).astype(np.uint8)
    # Begins within a chunk, ends within one, and crosses what is written at a time.
    first = PatchWriter(str(tmp_path), start=0)
    first.append(images[:5], labels[:5])
    assert first.finish() == 5
    second = PatchWriter(str(tmp_path), start=5)
    for at in range(5, 150, 29):
        second.append(images[at : at + 29], labels[at : at + 29])
    assert second.finish() == 150
    group = zarr.open_group(tmp_path / "patches.zarr", mode="r+")
    np.testing.assert_array_equal(group["images"][:], images)
    np.testing.assert_array_equal(group["labels"][:], labels)
    written = contents(tmp_path)
    group["images"][:], group["labels"][:] = images, labels
    assert contents(tmp_path) == written
