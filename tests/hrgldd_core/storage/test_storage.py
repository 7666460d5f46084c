"""Reading and writing: whole or not at all, with one clear message when it fails."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from xxhash import xxh3_128

from hrgldd_core import storage
from hrgldd_core.errors import InputError
from tests.support import ROOT

WRITER = """
import sys
from hrgldd_core.storage import write_json
target, number = sys.argv[1], 0
while True:
    number += 1
    write_json(target, {"number": number, "values": [number] * 400_000})
    print(number, flush=True)
"""


@pytest.mark.parametrize("wait", [0.0, 0.03, 0.1, 0.21])
def test_a_killed_writer_leaves_the_target_whole_or_absent(tmp_path, wait):
    target = tmp_path / "large.json"
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(target)], cwd=ROOT, stdout=subprocess.PIPE
    ) as writer:
        if wait:
            assert writer.stdout.readline() == b"1\n"
            time.sleep(wait)
        writer.send_signal(signal.SIGKILL)
        writer.stdout.read()
        assert writer.wait() == -signal.SIGKILL
    if wait:
        document = json.loads(target.read_text())
        assert document["values"] == [document["number"]] * 400_000
    else:
        assert not target.exists() or json.loads(target.read_text())
    assert all(p == target or p.name.startswith(".large.json.") for p in tmp_path.iterdir())


def test_a_failed_write_leaves_the_old_content(tmp_path, monkeypatch):
    target = tmp_path / "a.bin"
    storage.write_bytes(str(target), b"old")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"No space left on device.*free space"):
        storage.write_bytes(str(target), b"new")
    assert target.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


def test_bytes_and_json_round_trip(tmp_path):
    for uri in (f"{tmp_path}/deep/er/a.json", f"file://{tmp_path}/b%20c.json"):
        storage.write_json(uri, {"ä": [1, 2.5, None]})
        assert storage.exists(uri)
        assert storage.read_json(uri) == {"ä": [1, 2.5, None]}
    assert (tmp_path / "b c.json").is_file()
    # Files for others to read, whatever the mode of temporary files is.
    assert stat.S_IMODE((tmp_path / "deep/er/a.json").stat().st_mode) == 0o644


def test_writing_where_a_file_is_in_the_way(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match=r"cannot be written .*Check --out"):
        storage.write_bytes(f"{tmp_path}/file/a", b"")


@pytest.mark.parametrize("name", ["absent", "."])
def test_reading_what_is_not_there(tmp_path, name):
    with pytest.raises(InputError, match=r"cannot be read .*Check the name"):
        storage.read_bytes(str(tmp_path / name))
    with pytest.raises(InputError, match="cannot be read"):
        storage.identity(str(tmp_path / name))


def _other_device(folder: Path) -> Path | None:
    for place in (Path("/dev/shm"), Path("/run/shm"), Path.home(), Path("/var/tmp")):  # noqa: S108
        if place.is_dir() and place.stat().st_dev != folder.stat().st_dev:
            return place
    return None


def test_put_file_moves(tmp_path):
    source = tmp_path / "draft"
    source.write_bytes(b"content")
    storage.put_file(source, f"{tmp_path}/deep/final")
    assert (tmp_path / "deep/final").read_bytes() == b"content"
    assert not source.exists()


def test_put_file_across_devices(tmp_path):
    place = _other_device(tmp_path)
    if place is None:
        pytest.skip("this machine has one file system only")
    source = place / f"hrgldd-test-{os.getpid()}"
    source.write_bytes(b"content")
    try:
        storage.put_file(source, str(tmp_path / "final"))
        assert not source.exists()
    finally:
        source.unlink(missing_ok=True)
    assert (tmp_path / "final").read_bytes() == b"content"
    assert [p.name for p in tmp_path.iterdir()] == ["final"]


@pytest.mark.parametrize(
    ("identity", "name", "digest"),
    [
        (storage.identity, "sha256", hashlib.sha256),
        (storage.quick_identity, "xxh3_128", xxh3_128),
    ],
)
def test_identity_is_that_of_the_content(tmp_path, identity, name, digest):
    content = os.urandom(5_000_000)
    (tmp_path / "a").write_bytes(content)
    expected = {"size": len(content), name: digest(content).hexdigest()}
    assert identity(str(tmp_path / "a")) == expected
    (tmp_path / "a").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert identity(f"file://{tmp_path}/a") != expected


@pytest.mark.parametrize(
    ("prefix", "parts", "whole"),
    [
        ("out", ("a", "b.tif"), "out/a/b.tif"),
        ("out/", ("a",), "out/a"),
        ("/", ("a",), "/a"),
        ("gs://bucket/run/", ("items", "x.json"), "gs://bucket/run/items/x.json"),
        ("gs://bucket", ("x",), "gs://bucket/x"),
        ("file:///data", ("x",), "file:///data/x"),
    ],
)
def test_join(prefix, parts, whole):
    assert storage.join(prefix, *parts) == whole


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("a/b.tif", "a/b.tif"),
        ("/a/b.tif", "/a/b.tif"),
        ("file:///a/b%20c.tif", "/a/b c.tif"),
        ("gs://bucket/a.tif", "/vsigs/bucket/a.tif"),
        ("s3://bucket/a.tif", "/vsis3/bucket/a.tif"),
        ("https://host/a.tif", "/vsicurl/https://host/a.tif"),
        ("http://host:8/a.tif?x=1", "/vsicurl/http://host:8/a.tif?x=1"),
    ],
)
def test_gdal_path(uri, path):
    assert storage.gdal_path(uri) == path


@pytest.mark.parametrize("uri", ["ftp://host/a.tif", "az://x/y", "gopher://x"])
def test_schemes_that_are_not_supported(uri):
    for function in (storage.gdal_path, storage.exists, storage.read_bytes, storage.identity):
        with pytest.raises(InputError, match=r"not supported.*gs://"):
            function(uri)


def test_check_writable_leaves_nothing(tmp_path):
    storage.check_writable(str(tmp_path))
    storage.check_writable(str(tmp_path / "new" / "er"))
    assert list(tmp_path.iterdir()) == []


def test_list_names_and_remove(tmp_path):
    assert storage.list_names(str(tmp_path / "absent")) == []
    for name in "ba":
        storage.write_bytes(str(tmp_path / name), b"")
    assert storage.list_names(str(tmp_path)) == ["a", "b"]
    storage.remove(str(tmp_path / "a"))
    storage.remove(str(tmp_path / "a"))
    assert storage.list_names(str(tmp_path)) == ["b"]


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("https://a.example/x.tif?sig=secret&se=1#f", "https://a.example/x.tif"),
        ("https://me:pass@a.example/x.tif", "https://a.example/x.tif"),
        ("gs://bucket/x.tif", "gs://bucket/x.tif"),
        ("/data/a?b.tif", "/data/a?b.tif"),
    ],
)
def test_public_uri_has_no_credentials(uri, shown):
    assert storage.public(uri) == shown


def test_a_file_moves_to_another_mount_of_the_same_disk(tmp_path, monkeypatch):
    source = tmp_path / "draft"
    source.write_bytes(b"content")
    replace = Path.replace

    def refuse(self, target):
        if self == source:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refuse)
    storage.put_file(source, str(tmp_path / "final"))
    assert (tmp_path / "final").read_bytes() == b"content"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["final"]


def test_one_creator_wins_where_there_are_no_links(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    assert storage.create_bytes(str(tmp_path / "it"), b"one")
    assert not storage.create_bytes(str(tmp_path / "it"), b"two")
    assert (tmp_path / "it").read_bytes() == b"one"


def test_a_store_without_credentials_is_one_message(monkeypatch):
    pytest.importorskip("s3fs")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    for read in (storage.exists, storage.list_names, storage.read_bytes):
        with pytest.raises(InputError, match=r"s3://nowhere/a: cannot be read .*[Cc]redentials"):
            read("s3://nowhere/a")
