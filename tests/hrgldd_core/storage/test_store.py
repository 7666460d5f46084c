"""gs:// as the real store keeps it: preconditions, checksums, faults; files and s3:// alike."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import rasterio

from hrgldd_core import storage
from hrgldd_core.errors import OutputError
from hrgldd_core.storage import failures
from tests.servers.gcs import gcs_bucket
from tests.servers.s3 import s3_bucket
from tests.servers.store import faulty_store
from tests.support import texture, write_raster


@pytest.fixture
def quick(monkeypatch):
    """Pauses between tries that do not keep a test waiting; gcsfs' own as well."""
    import asyncio

    # Before gcsfs is imported.
    monkeypatch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
    sleep = asyncio.sleep
    monkeypatch.setattr("gcsfs.retry.asyncio.sleep", lambda _: sleep(0.001))
    monkeypatch.setattr(failures, "_FIRST_PAUSE_S", 0.001)


@pytest.fixture(params=["file", "gs", "emulator", "s3"])
def prefix(request, tmp_path, monkeypatch, quick):
    """Somewhere below each kind of storage."""
    if request.param == "file":
        yield str(tmp_path / "store")
    elif request.param == "gs":
        with faulty_store(monkeypatch) as store:
            yield f"{store.uri}/run"
    elif request.param == "emulator":
        with gcs_bucket(monkeypatch) as bucket:
            yield f"{bucket.uri}/run"
    else:
        with s3_bucket(monkeypatch) as bucket:
            yield f"{bucket}/run"


def test_all_storage_behaves_alike(prefix, tmp_path):
    storage.check_writable(prefix)
    assert storage.list_names(prefix) == []
    uri = storage.join(prefix, "a", "b.bin")
    assert not storage.exists(uri)
    storage.write_bytes(uri, b"one")
    storage.write_bytes(uri, b"two!")
    assert storage.read_bytes(uri) == b"two!"
    assert storage.exists(uri)
    assert storage.identity(uri)["size"] == 4
    large = np.random.default_rng(0).bytes(6 << 20)
    (tmp_path / "draft").write_bytes(large)
    storage.put_file(tmp_path / "draft", storage.join(prefix, "a", "large"))
    assert not (tmp_path / "draft").exists()
    assert storage.read_bytes(storage.join(prefix, "a", "large")) == large
    assert storage.list_names(storage.join(prefix, "a")) == ["b.bin", "large"]
    assert storage.list_names(prefix) == ["a"]
    storage.remove(uri)
    storage.remove(uri)
    assert storage.list_names(storage.join(prefix, "a")) == ["large"]
    storage.remove_tree(prefix)
    assert storage.list_names(prefix) == []


def test_of_many_creators_one_wins(prefix):
    if "emulator" in os.environ["PYTEST_CURRENT_TEST"]:
        pytest.skip("the emulator knows no preconditions")
    uri = storage.join(prefix, "claim.json")
    with ThreadPoolExecutor(12) as pool:
        won = list(pool.map(lambda i: storage.create_bytes(uri, b"%d" % i), range(12)))
    assert sum(won) == 1
    assert storage.read_bytes(uri) == b"%d" % won.index(True)


def test_gdal_reads_what_was_put(prefix, tmp_path):
    if "emulator" in os.environ["PYTEST_CURRENT_TEST"]:
        pytest.skip("its address for GDAL is not set")
    image = texture((300, 200), 1)
    uri = storage.join(prefix, "image.tif")
    storage.put_file(write_raster(tmp_path / "image.tif", image), uri)
    with rasterio.open(storage.gdal_path(uri)) as dataset:
        np.testing.assert_array_equal(dataset.read(), image)


@pytest.mark.parametrize("fault", ["503", "cut before", "cut after"])
@pytest.mark.parametrize("times", [1, 3])
def test_a_failure_that_passes_is_survived(monkeypatch, quick, tmp_path, fault, times):
    with faulty_store(monkeypatch) as store:
        for size in (10, 6 << 20):
            content = np.random.default_rng(size).bytes(size)
            (tmp_path / "draft").write_bytes(content)
            store.next_fault = [fault] * times
            storage.put_file(tmp_path / "draft", f"{store.uri}/x")
            assert store.next_fault == []
            assert store.objects["x"].content == content
        store.next_fault = [fault] * times
        assert storage.read_bytes(f"{store.uri}/x") == content
        store.next_fault = [fault] * times
        assert storage.create_bytes(f"{store.uri}/claim", b"mine")
        store.next_fault = [fault] * times
        assert not storage.create_bytes(f"{store.uri}/claim", b"mine")
        store.next_fault = [fault] * times
        assert storage.list_names(store.uri) == ["claim", "x"]


def test_a_lost_answer_to_a_creation_is_no_loss(monkeypatch, quick):
    with faulty_store(monkeypatch) as store:
        # Done, and then cut: the next try meets its own object.
        store.next_fault = ["cut after"]
        assert storage.create_bytes(f"{store.uri}/claim", b"mine")
        assert store.faults == {"cut after gcsfs": 1}


def test_what_arrived_damaged_is_sent_again(monkeypatch, quick, tmp_path):
    with faulty_store(monkeypatch) as store:
        for name, size in (("small", 100), ("large", 6 << 20)):
            store.damage = {name}
            content = np.random.default_rng(size).bytes(size)
            (tmp_path / "draft").write_bytes(content)
            storage.put_file(tmp_path / "draft", f"{store.uri}/{name}")
            assert store.damage == set()
            assert store.objects[name].content == content


def test_a_store_that_stays_away_is_named(monkeypatch, quick, tmp_path):
    with (
        faulty_store(monkeypatch, rate=1.0) as store,
        pytest.raises(OutputError, match=rf"{store.uri}/x: cannot be written"),
    ):
        storage.write_bytes(f"{store.uri}/x", b"")
