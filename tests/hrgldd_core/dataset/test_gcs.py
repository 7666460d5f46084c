"""A dataset in a bucket is the one on disk: built, added to, and read a chunk at a time."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest

from hrgldd_core import storage
from hrgldd_core.dataset.claim import CLAIM
from hrgldd_core.dataset.index import read_index
from hrgldd_core.dataset.patches import open_patches
from hrgldd_core.dataset.store import current_document, index_uri, open_store
from tests.hrgldd_core.dataset.building import Place, build, masks
from tests.servers.gcs import gcs_bucket


@pytest.fixture
def bucket(monkeypatch):
    with gcs_bucket(monkeypatch) as found:
        yield found


def same(uri, folder, version):
    """Documents, index and pixels of a version are those of a build on disk."""
    there, here = (current_document(str(place), version=version) for place in (uri, folder))
    differing = {key for key in here if here[key] != there[key]}
    assert differing <= {"created"}
    index = read_index(index_uri(uri, version))
    assert index.equals(gpd.read_parquet(folder / f"index/v{version:04d}.parquet"))
    ours, expected = (open_store(str(place), version=version) for place in (uri, folder))
    assert (np.asarray(ours.images) == np.asarray(expected.images)).all()
    assert (np.asarray(ours.labels) == np.asarray(expected.labels)).all()
    assert ours.statistics == expected.statistics
    return ours


def test_built_opened_lazily_and_added_to(tmp_path, bucket):
    places = [
        Place(tmp_path, name, masks(9, 9, seed=number), east=363000 + 9000 * number, seed=number)
        for number, name in enumerate(("alpha", "beta"))
    ]
    uri, folder = f"{bucket.uri}/sets/one", tmp_path / "out"
    for version in (1, 2):
        for out in (uri, folder):
            done = build(out, *places[:version])
            assert done.code == 0, done.err
            assert done.document["version"] == version
        same(uri, folder, version)
    assert len(same(uri, folder, 1)) == 81
    assert storage.list_names(uri) == ["dataset.json", "index", "patches.zarr", "versions"]
    assert CLAIM not in storage.list_names(uri)

    for opened, local in (
        (open_patches(uri), open_patches(str(folder))),
        (open_store(uri), open_store(str(folder))),
    ):
        bucket.read.clear()
        image = opened.images[100]
        assert (image == local.images[100]).all()
        assert len(bucket.read) == 1
    # One object of 64 patches, of the three that there are, and no label.
    assert bucket.read == ["sets/one/patches.zarr/images/c.1.0.0.0"]
    bucket.read.clear()
    assert len(open_patches(uri)) <= 162
    assert not [name for name in bucket.read if "/c." in name]

    again = build(uri, *places)
    assert (again.document["new_scenes"], again.document["new_patches"]) == (0, 0)
