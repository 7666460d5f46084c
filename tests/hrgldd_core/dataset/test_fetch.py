"""Fetching: resumed, retried, verified; from servers as they are."""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
from dataclasses import replace

import numpy as np
import pytest

from hrgldd_core.dataset import download, web
from hrgldd_core.dataset.fetch import CHECKSUMS
from hrgldd_core.dataset.record import NAMES
from tests.servers.files import FileServer
from tests.support import assert_refused, hrgldd, tree

COUNTS = {"train": 3, "val": 2, "test": 1}


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def published(seed=0):
    """The six files as they are published, but small."""
    rng = np.random.default_rng(seed)
    files = {}
    for split, count in COUNTS.items():
        files[f"{split}X.npy"] = npy(rng.random((count, 32, 32, 4)))
        files[f"{split}Y.npy"] = npy(rng.integers(0, 2, (count, 32, 32, 1)).astype(float))
    return files


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """No waiting between tries, small blocks, and no proxy on the way to this machine."""
    monkeypatch.setattr(web, "_BACKOFF", 0.0)
    monkeypatch.setattr(download, "_CHUNK", 1000)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def server():
    with FileServer() as running:
        yield running


def fetch(out, url, *words):
    return hrgldd("dataset", "fetch", "hr-gldd", "--out", out, "--record-url", url, *words)


def assert_stopped(done, *patterns):
    """Refused in one line, after those of the files that came before."""
    last = done.err.splitlines()[-1]
    assert all(": done (" in line for line in done.err.splitlines()[:-1])
    return assert_refused(replace(done, err=last), *patterns)


def files_in(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name != CHECKSUMS}


def requests_for(server, name):
    return [wanted for path, wanted in server.asked if path == f"/files/{name}"]


def how(done):
    return {f["name"]: f["how"] for f in done.document["files"]}


def test_everything_is_fetched_verified_and_opened(server, tmp_path):
    url = server.publish({**published(), "readme.txt": b"hello"})
    done = fetch(tmp_path, url, "--json")
    assert done.code == 0, done.err
    assert files_in(tmp_path) == published()
    assert set(how(done).values()) == {"fetched"}
    assert done.document["splits"]["train"] == {
        "patches": 3,
        "shape": [3, 32, 32, 4],
        "dtype": "float64",
    }
    kept = json.loads((tmp_path / CHECKSUMS).read_text())
    for name, content in published().items():
        assert kept[name]["sha256"] == hashlib.sha256(content).hexdigest()
    assert ("/files/readme.txt", None) not in server.asked


def test_the_end_of_a_file_is_told_once(server, tmp_path):
    done = fetch(tmp_path, server.publish(published()))
    assert [done.err.count(f"{name}, MB: done") for name in NAMES] == [1] * len(NAMES)


def test_what_is_there_is_verified_and_not_fetched_again(server, tmp_path):
    url = server.publish(published())
    fetch(tmp_path, url)
    server.asked.clear()
    again = fetch(tmp_path, url, "--json")
    assert set(how(again).values()) == {"was there"}
    assert [path for path, _ in server.asked] == ["/api/records/1"]


def test_files_placed_by_hand_are_taken(server, tmp_path):
    for name, content in published().items():
        (tmp_path / name).write_bytes(content)
    done = fetch(tmp_path, server.publish(published()), "--json")
    assert set(how(done).values()) == {"was there"}


def test_the_record_may_be_named_by_the_environment(server, tmp_path, monkeypatch):
    monkeypatch.setenv("HRGLDD_RECORD_URL", server.publish(published()))
    assert hrgldd("dataset", "fetch", "hr-gldd", "--out", tmp_path).code == 0


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_server_in_trouble_is_asked_again(server, tmp_path, status):
    url = server.publish(published())
    server.faults["/files/valX.npy"] = [status, status]
    server.faults["/api/records/1"] = [status]
    assert fetch(tmp_path, url).code == 0
    assert len(requests_for(server, "valX.npy")) == 3
    assert files_in(tmp_path) == published()


@pytest.mark.parametrize("etags", ["strong", "weak", ""])
def test_a_broken_transfer_goes_on_where_it_broke(server, tmp_path, etags):
    server.etags = etags
    url = server.publish(published())
    server.faults["/files/trainX.npy"] = ["cut 5000", "cut 7000"]
    assert fetch(tmp_path, url).code == 0
    assert requests_for(server, "trainX.npy") == [None, "bytes=5000-", "bytes=12000-"]
    assert files_in(tmp_path) == published()


def interrupted(server, tmp_path, url):
    """A fetch that ends at 5000 bytes of the third file."""
    server.faults["/files/valX.npy"] = ["cut 5000", *["cut 0"] * web.ATTEMPTS]
    line = assert_stopped(fetch(tmp_path, url), "broke off at 5000 of", "go on from there")
    assert (tmp_path / "valX.npy.part").stat().st_size == 5000
    assert not (tmp_path / "valX.npy").exists()
    server.asked.clear()
    return line


def test_the_next_call_goes_on_where_the_last_ended(server, tmp_path):
    url = server.publish(published())
    assert "valX.npy" in interrupted(server, tmp_path, url)
    done = fetch(tmp_path, url, "--json")
    assert how(done)["trainX.npy"] == "was there"
    assert how(done)["valX.npy"] == "resumed"
    assert requests_for(server, "trainX.npy") == []
    assert requests_for(server, "valX.npy") == ["bytes=5000-"]
    assert files_in(tmp_path) == published()


def test_a_server_without_ranges_starts_over(server, tmp_path):
    url = server.publish(published())
    interrupted(server, tmp_path, url)
    server.ranges = False
    assert fetch(tmp_path, url).code == 0
    assert requests_for(server, "valX.npy") == ["bytes=5000-"]
    assert files_in(tmp_path) == published()


@pytest.mark.parametrize("etags", ["strong", ""])
@pytest.mark.parametrize("checksums", [True, False])
def test_a_part_of_other_content_is_not_gone_on_with(server, tmp_path, etags, checksums):
    server.etags = etags
    url = server.publish(published(), checksums=checksums)
    interrupted(server, tmp_path, url)
    new = {**published(), "valX.npy": published(seed=1)["valX.npy"]}
    server.publish(new, checksums=checksums)
    done = fetch(tmp_path, url)
    if checksums or etags:
        assert done.code == 0, done.err
        assert files_in(tmp_path) == new
    else:
        # Nothing tells the two apart: neither a tag nor a checksum.
        assert requests_for(server, "valX.npy") == ["bytes=5000-"]


def test_a_part_that_was_spoilt_is_fetched_anew(server, tmp_path):
    url = server.publish(published())
    interrupted(server, tmp_path, url)
    part = tmp_path / "valX.npy.part"
    part.write_bytes(part.read_bytes()[:4000] + bytes(1000))
    assert fetch(tmp_path, url).code == 0
    assert requests_for(server, "valX.npy") == ["bytes=5000-", None]
    assert files_in(tmp_path) == published()


def test_two_at_once_do_not_write_the_same_file(server, tmp_path):
    url = server.publish(published())
    interrupted(server, tmp_path, url)
    with (tmp_path / "valX.npy.part").open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert_stopped(fetch(tmp_path, url), "another process is fetching", "Wait")
    assert fetch(tmp_path, url).code == 0


def test_wrong_content_is_never_put_in_place(server, tmp_path):
    url = server.publish(published())
    server.files["/files/valX.npy"] = published(seed=1)["valX.npy"]
    assert_stopped(fetch(tmp_path, url), r"/files/valX\.npy", "md5 .* instead of", "mirror")
    assert sorted(files_in(tmp_path)) == ["trainX.npy", "trainY.npy"]


def test_a_web_page_instead_of_data(server, tmp_path):
    url = server.publish(published())
    size = len(server.files["/files/trainX.npy"])
    server.files["/files/trainX.npy"] = b"<html>log in</html>".ljust(size)
    for kind in ("text/html; charset=utf-8", "application/octet-stream"):
        server.types["/files/trainX.npy"] = kind
        assert_stopped(fetch(tmp_path, url), "not the data: a web page", "browser")
        assert files_in(tmp_path) == {}


@pytest.mark.parametrize("change", [-1, 1])
def test_another_size_than_the_record_says(server, tmp_path, change):
    url = server.publish(published(), size=len(published()["trainX.npy"]) + change)
    assert_stopped(fetch(tmp_path, url), r"has \d+ bytes, the record says \d+")
    assert files_in(tmp_path) == {}


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_file_is_gone(server, tmp_path, status):
    url = server.publish(published())
    server.faults["/files/trainX.npy"] = [status]
    assert_stopped(fetch(tmp_path, url), f"answers {status}", "mirror")
    assert len(requests_for(server, "trainX.npy")) == 1


def test_a_server_that_stays_in_trouble(server, tmp_path):
    url = server.publish(published())
    server.faults["/files/trainX.npy"] = [503] * 100
    assert_stopped(fetch(tmp_path, url), "answers 503")


def test_more_than_fits(server, tmp_path):
    assert_stopped(fetch(tmp_path, server.publish(published(), size=10**18)), "GB are free")
    assert [path for path, _ in server.asked] == ["/api/records/1"]


def test_names_cannot_lead_out_of_the_folder(server, tmp_path):
    files = {f"../{name}": content for name, content in published().items()}
    out = tmp_path / "deep" / "out"
    assert_stopped(fetch(out, server.publish(files)), "lists no trainX.npy", "record of HR-GLDD")
    assert_stopped(fetch(out, server.publish({**files, "/etc/a": b"a"})), "lists no")
    assert tree(tmp_path) == {}


BAD_RECORDS = {
    "no JSON": (b"<html>", "not the record of a data set"),
    "no files": (b"{}", "files: Field required"),
    "a list": (b"[]", "not the record"),
    "files are text": (b'{"files": "all"}', "files"),
    "no links": (json.dumps({"files": [{"key": "a", "size": 1}]}).encode(), "links"),
    "too large": (b" " * (6 << 20), "too large"),
}


@pytest.mark.parametrize("name", BAD_RECORDS)
def test_a_record_that_is_none(server, tmp_path, name):
    server.files["/api"], pattern = BAD_RECORDS[name]
    assert_stopped(fetch(tmp_path / "out", f"{server.url}/api"), pattern)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("field", "value", "pattern"),
    [
        ("checksum", "crc:1", "nobody here can verify"),
        ("checksum", "md5", "nobody here can verify"),
        ("checksum", "shake_128:00", "nobody here can verify"),
        ("links", {"self": "file:///etc/passwd"}, "Only https"),
        ("links", {"self": "ftp://host/a"}, "Only https"),
        ("size", 0, "size"),
        ("size", -5, "size"),
    ],
)
def test_a_record_that_asks_for_mischief(server, tmp_path, field, value, pattern):
    url = server.publish(published(), **{field: value})
    assert_stopped(fetch(tmp_path / "out", url), pattern)
    assert not (tmp_path / "out").exists()


def test_offline(server, tmp_path):
    url = server.publish(published())
    server.stop()
    out = tmp_path / "out"
    line = assert_stopped(fetch(out, url), "cannot be reached", "online", "by hand", *NAMES)
    assert "Connection refused" in line
    assert not out.exists()
    with FileServer() as other:
        assert fetch(out, other.publish(published())).code == 0
    # All is there and was verified before: no network is needed.
    assert fetch(out, url).code == 0
    (out / "valY.npy").unlink()
    assert_stopped(fetch(out, url), "cannot be reached")


@pytest.mark.parametrize("checksums", [True, False])
def test_a_file_that_changed_on_this_disk(server, tmp_path, checksums):
    url = server.publish(published(), checksums=checksums)
    assert fetch(tmp_path, url).code == 0
    spoilt = bytearray(published()["testX.npy"])
    spoilt[-1] ^= 1
    (tmp_path / "testX.npy").write_bytes(spoilt)
    pattern = "md5" if checksums else "when first fetched it was"
    assert_stopped(fetch(tmp_path, url), r"testX\.npy", pattern, "Move it away")
    assert (tmp_path / "testX.npy").read_bytes() == spoilt


def test_a_record_that_changed_its_mind(server, tmp_path):
    url = server.publish(published())
    assert fetch(tmp_path, url).code == 0
    before = tree(tmp_path)
    server.publish(published(seed=1))
    assert_stopped(
        fetch(tmp_path, url), "now gives trainX.npy another published", "Fetch to another"
    )
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"trainX.npy": 3}',
        '{"trainX.npy": {"size": 3, "sha256": "0", "published": "crc:1"}}',
        '{"trainX.npy": {"size": 3, "sha256": "0", "published": 5}}',
    ],
)
def test_checksums_are_corrupt(server, tmp_path, text):
    (tmp_path / CHECKSUMS).write_text(text)
    assert_stopped(fetch(tmp_path, server.publish(published())), r"checksums\.json")


def test_sound_files_of_wrong_arrays(server, tmp_path):
    files = {**published(), "valY.npy": npy(np.zeros((5, 32, 32)))}
    assert_stopped(fetch(tmp_path, server.publish(files)), r"valY\.npy: Y has shape \(5, 32, 32\)")


@pytest.mark.parametrize("out", ["gs://bucket/a", "s3://bucket/a"])
def test_only_to_a_local_folder(out):
    assert_stopped(fetch(out, "http://127.0.0.1:9/"), "local folder")


def test_only_from_the_web(tmp_path):
    assert_stopped(fetch(tmp_path, f"file://{tmp_path}/record"), "not a web address")
