"""A mapping run into a store that fails now and then gives what it gives on a quiet disk."""

from __future__ import annotations

import asyncio
import json

import pytest
import rasterio

from hrgldd_core import storage
from hrgldd_core.storage import failures
from tests.servers.s3 import s3_bucket
from tests.servers.store import faulty_store
from tests.support import NORTH_UP, hrgldd, texture, write_raster


def scene(folder, name, column):
    """A dark scene with a bright scar that crosses into the scene beside it."""
    image = texture((128, 128), seed=len(name)) // 80 + 300
    image[:, 40:70, max(0, 60 - column) : max(0, 150 - column)] = 2500
    transform = NORTH_UP @ type(NORTH_UP).translation(column, 0)
    return write_raster(folder / f"{name}.tif", image, transform=transform)


@pytest.fixture
def run(tmp_path, bright_model):
    scenes = scene(tmp_path, "left", 0), scene(tmp_path, "right", 100)

    def start(out, scenes=scenes):
        named = [w for s in scenes for w in ("--scene", s)]
        options = ("--bands", "blue,green,red", "--model", bright_model, "--out", out, "--json")
        done = hrgldd("map", *named, *options)
        assert done.code == 0, done.err
        return done.document

    start.scenes = scenes
    return start


def test_the_same_bytes_through_a_faulty_store(tmp_path, run, monkeypatch):
    monkeypatch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
    monkeypatch.setenv("GDAL_HTTP_RETRY_DELAY", "0.01")
    monkeypatch.setattr(failures, "_FIRST_PAUSE_S", 0.001)
    sleep = asyncio.sleep
    monkeypatch.setattr("gcsfs.retry.asyncio.sleep", lambda _: sleep(0.001))
    local = tmp_path / "local"
    expected = run(local)
    with faulty_store(monkeypatch, rate=0.05, gdal_rate=0.35) as store:
        for path in run.scenes:
            store.store(path.name, path.read_bytes(), create=True, metadata={})
        scenes = [f"{store.uri}/{path.name}" for path in run.scenes]
        out = f"{store.uri}/run"
        found = run(out, scenes)
        for client in ("gdal", "gcsfs"):
            assert sum(n for kind, n in store.faults.items() if client in kind) >= 2, store.faults
        names = sorted(str(p.relative_to(local)) for p in local.rglob("*") if p.is_file())
        there = {*store.objects} - {path.name for path in run.scenes}
        assert sorted(there) == [f"run/{name}" for name in names]
        for name in names:
            if name.endswith((".tif", ".parquet", ".shp.zip")):
                content = (local / name).read_bytes()
                assert store.objects[f"run/{name}"].content == content, name
        assert found["polygons"] == expected["polygons"] == 1
        assert found["coverage_km2"] == expected["coverage_km2"]
        # What lies there, not what the store answers: it goes on failing now and then.
        with rasterio.MemoryFile(store.objects["run/mosaic/source.tif"].content).open() as dataset:
            assert set(dataset.read(1).ravel()) == {1, 2}
        manifest = json.loads(store.objects["run/manifest.json"].content)
        assert [s["scene"] for s in manifest["mosaic"]["sources"]] == ["left", "right"]
        # Again: found finished, nothing is written.
        before = {name: it.generation for name, it in store.objects.items()}
        assert run(out, scenes)["reused"]
        assert {name: it.generation for name, it in store.objects.items()} == before


def test_the_same_bytes_through_s3(tmp_path, run, monkeypatch):
    expected = run(tmp_path / "local")
    with s3_bucket(monkeypatch) as bucket:
        for path in run.scenes:
            storage.write_bytes(f"{bucket}/{path.name}", path.read_bytes())
        scenes = [f"{bucket}/{path.name}" for path in run.scenes]
        found = run(f"{bucket}/run", scenes)
        for kind in ("probability", "coverage"):
            for path in run.scenes:
                there = storage.read_bytes(f"{bucket}/run/{kind}/{path.name}")
                assert there == (tmp_path / "local" / kind / path.name).read_bytes()
        assert found["polygons"] == expected["polygons"] == 1
        assert storage.exists(f"{bucket}/run/collection.json")
        assert not storage.list_names(f"{bucket}/run/.work")
        assert run(f"{bucket}/run", scenes)["reused"]
