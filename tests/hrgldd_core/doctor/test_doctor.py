"""``hrgldd doctor``: what is well, what is not, and what to do about it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import namedtuple

import pytest
from urllib3.util import Retry

from hrgldd_core import memory
from hrgldd_core.doctor import Finding, machine, reach
from hrgldd_core.doctor.finding import checked
from hrgldd_core.errors import InputError
from hrgldd_core.stac import web
from tests.hrgldd_core.storage.test_store import s3_bucket
from tests.servers.files import FileServer
from tests.servers.store import faulty_store
from tests.support import CONSOLE, ROOT, hrgldd

API = {
    "type": "Catalog",
    "stac_version": "1.1.0",
    "conformsTo": [
        "https://api.stacspec.org/v1.0.0/core",
        "https://api.stacspec.org/v1.0.0/item-search",
        "https://api.stacspec.org/v1.0.0/item-search#sort",
    ],
}
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def server():
    with FileServer() as it:
        it.files["/"] = json.dumps(API).encode()
        yield it


def test_a_sound_installation(tmp_path):
    done = hrgldd("doctor", "--work", tmp_path, "--json")
    assert done.code == 0, done.err
    document = done.document
    assert document["ok"]
    assert document["problems"] == []
    found = {f["name"]: f for f in document["findings"]}
    assert list(found) == ["versions", "devices", "formats", "model", "memory", "space", "work"]
    assert "rasterio" in found["versions"]["found"]
    assert f"{len(os.sched_getaffinity(0))} CPU cores" in found["devices"]["found"]
    assert "ms" in found["model"]["found"]
    assert list(tmp_path.iterdir()) == []


def test_every_problem_is_named_with_a_remedy(tmp_path, server):
    server.files["/"] = b"<html>"
    (tmp_path / "file").write_text("")
    done = hrgldd(
        "doctor", "--gpu", "--model", tmp_path, "--work", tmp_path / "file/below",
        "--bucket", "ftp://bucket", "--stac", f"{server.url}/", "--json",
    )  # fmt: skip
    assert done.code == 2
    assert done.document["problems"] == ["devices", "model", "work", "bucket", "stac"]
    assert all(f["remedy"] for f in done.document["findings"] if f["status"] == "failed")
    assert "Traceback" not in done.err


def test_the_command_exits_with_2_in_a_process_of_its_own(tmp_path):
    done = subprocess.run(
        [*CONSOLE, "doctor", "--model", str(tmp_path), "--work", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert done.stdout == "not able to work: model\n"
    assert "is not a model folder" in done.stderr


def test_missing_packages(monkeypatch):
    monkeypatch.setattr(machine, "_FRAMEWORKS", ("no-such-framework",))
    assert "a backend of Keras" in machine.versions().found
    monkeypatch.setattr(machine, "_PACKAGES", ("keras", "no-such-package"))
    finding = machine.versions()
    assert finding.status == "failed"
    assert "missing: no-such-package" in finding.found


def test_missing_formats(monkeypatch):
    import pyogrio

    monkeypatch.setattr(pyogrio, "list_drivers", lambda **_: {"GPKG": "rw"})
    finding = machine.formats()
    assert finding.status == "failed"
    assert "lacks ESRI Shapefile, FlatGeobuf" in finding.found


def test_a_model_that_predicts_nonsense(monkeypatch):
    import numpy as np

    from hrgldd_core.mapping import runtime

    nonsense = np.full((1, 128, 128), np.nan, np.float32)
    monkeypatch.setattr(runtime, "open_runtime", lambda *_, **__: lambda _: nonsense)
    assert machine.model("bundled").status == "failed"


@pytest.mark.parametrize(("used", "status"), [(1, "ok"), (6, "warning"), (7.5, "failed")])
def test_memory_of_the_container_counts(tmp_path, monkeypatch, used, status):
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    (tmp_path / "memory.max").write_text(f"{int(7.9 * 2**30)}\n")
    (tmp_path / "memory.current").write_text(f"{int(used * 2**30)}\n")
    finding = machine.memory()
    assert finding.status == status
    assert bool(finding.remedy) == (status != "ok")


def test_no_space_left(monkeypatch):
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: Usage(2**40, 2**40, 2**20))
    finding = machine.space()
    assert finding.status == "failed"
    assert "TMPDIR" in finding.remedy


def test_a_bucket_that_works_is_left_as_it_was(monkeypatch):
    with faulty_store(monkeypatch) as store:
        finding = reach.bucket(f"{store.uri}/events")
        assert finding == Finding("bucket", "ok", f"{store.uri}/events: create, read, list, delete")
        assert store.objects == {}


def test_a_bucket_without_preconditions(monkeypatch):
    with faulty_store(monkeypatch) as store:
        keep = store.store
        monkeypatch.setattr(
            store, "store", lambda *a, create, metadata: keep(*a, create=False, metadata=metadata)
        )
        finding = reach.bucket(store.uri)
        assert finding.status == "failed"
        assert "does not keep preconditions" in finding.found
        assert store.objects == {}


def test_a_bucket_that_cannot_be_reached(monkeypatch):
    from hrgldd_core.storage import failures

    monkeypatch.setattr(failures, "_TRIES", 1)
    with faulty_store(monkeypatch) as store:
        finding = reach.bucket("gs://another")
        assert finding.status == "failed"
        assert "workload identity" in finding.remedy
        assert store.objects == {}


def test_a_local_folder_serves_as_a_bucket(tmp_path):
    assert reach.bucket(str(tmp_path)).status == "ok"
    assert list(tmp_path.iterdir()) == []


def test_a_stac_api(server):
    finding = reach.stac(f"{server.url}/")
    assert finding.status == "ok"
    assert finding.found.endswith("API (STAC 1.1.0), with sort")
    server.files["/"] = json.dumps(API | {"conformsTo": API["conformsTo"][:1]}).encode()
    assert reach.stac(f"{server.url}/").status == "failed"


def test_a_catalogue_and_a_file_of_items(server, tmp_path):
    server.files["/"] = json.dumps({"type": "Catalog", "stac_version": "1.0.0"}).encode()
    assert "without an API (STAC 1.0.0)" in reach.stac(f"{server.url}/").found
    file = tmp_path / "items.json"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": [{}, {}]}))
    assert reach.stac(str(file)).found.endswith("file of 2 items")


@pytest.mark.parametrize("content", [b"<html>", b"[]", b'{"type": "Feature"}'])
def test_what_is_no_catalogue(server, content):
    server.files["/"] = content
    with pytest.raises(InputError):
        reach.stac(f"{server.url}/")


def test_a_stac_api_that_is_not_there(monkeypatch):
    monkeypatch.setattr(web, "retries", lambda: Retry(0))
    with FileServer() as server:
        url = server.url
    finding = checked("stac", lambda: reach.stac(url))
    assert finding.status == "failed"
    assert "does not answer" in finding.found


def test_an_s3_bucket(monkeypatch):
    with s3_bucket(monkeypatch) as uri:
        assert reach.bucket(f"{uri}/events").status == "ok"
        assert reach.bucket("s3://another").status == "failed"


def test_a_library_that_breaks_is_a_finding():
    def broken():
        raise OSError("libcuda.so.1: cannot open")

    finding = checked("devices", broken)
    assert finding.status == "failed"
    assert finding.found == "OSError: libcuda.so.1: cannot open"
    assert finding.remedy
    assert finding.text().count("\n") == 1


def test_help_does_not_import_the_checks():
    code = "import sys; from hrgldd_core.commands.doctor import doctor; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert not {"keras", "rasterio", "fsspec"} & set(done.stdout.split())
