"""Adding to a dataset: only what is new, nothing moved, nothing lost when killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import geopandas as gpd
import numpy as np
import pytest

from hrgldd_core import storage
from hrgldd_core.dataset.claim import CLAIM, claim
from hrgldd_core.dataset.patches import open_patches
from hrgldd_core.dataset.store import open_store
from hrgldd_core.errors import InputError, OutputError
from tests.hrgldd_core.dataset.building import Place, build, masks
from tests.support import CONSOLE, assert_refused, tree


@pytest.fixture
def places(tmp_path):
    return [
        Place(tmp_path, name, masks(9, 9, seed=number), east=363000 + 9000 * number, seed=number)
        for number, name in enumerate(("alpha", "beta"))
    ]


def index_of(out, version):
    return gpd.read_parquet(out / f"index/v{version:04d}.parquet")


def test_the_same_events_add_nothing(tmp_path, places):
    out = tmp_path / "out"
    assert build(out, places[0]).code == 0
    before = tree(out)
    again = build(out, places[0])
    assert again.code == 0
    assert (again.document["new_scenes"], again.document["new_patches"]) == (0, 0)
    assert "nothing new" in again.err
    assert tree(out) == before


def test_new_events_add_a_version_and_move_nothing(tmp_path, places):
    out = tmp_path / "out"
    assert build(out, places[0]).code == 0
    first, pixels = index_of(out, 1), np.asarray(open_store(str(out)).images)
    done = build(out, *places)
    assert done.code == 0, done.err
    assert done.document["version"] == 2
    assert done.document["new_scenes"] == 1
    second, patches = index_of(out, 2), open_store(str(out))
    assert second.iloc[: len(first)].equals(first)
    assert patches.sites == ("alpha", "beta")
    assert (np.asarray(patches.images)[: len(first)] == pixels).all()
    assert (np.asarray(patches.images)[len(first) :].reshape(9, 9, 16, 16, 3)[0, 1, :, :, 0]
            == places[1].image[0, :16, 16:32]).all()  # fmt: skip
    # The first version is still there.
    old = open_store(str(out), version=1)
    assert (np.asarray(old.images) == pixels).all()
    assert old.splits.tolist() == first["split"].tolist()
    with pytest.raises(InputError, match=r"no version 3.*v0001, v0002"):
        open_store(str(out), version=3)


def test_in_two_steps_as_in_one(tmp_path, places):
    assert build(tmp_path / "once", *places).code == 0
    assert build(tmp_path / "twice", places[0]).code == 0
    assert build(tmp_path / "twice", *places).code == 0
    once, twice = open_store(str(tmp_path / "once")), open_store(str(tmp_path / "twice"))
    assert index_of(tmp_path / "once", 1).equals(index_of(tmp_path / "twice", 2))
    assert (np.asarray(once.images) == np.asarray(twice.images)).all()
    assert (np.asarray(once.labels) == np.asarray(twice.labels)).all()


def test_a_second_scene_of_a_site_respects_the_first(tmp_path):
    # The second scene overlaps half of the first: its patches may not touch another split.
    first = Place(tmp_path, "first", masks(10, 10, seed=1), site="one", seed=1)
    second = Place(
        tmp_path, "second", masks(10, 10, seed=2), site="one", seed=2, east=363000 + 5 * 48 + 10
    )
    out = tmp_path / "out"
    assert build(out, first).code == 0
    before = index_of(out, 1)["split"].tolist()
    done = build(out, first, second)
    assert done.code == 0, done.err
    after = index_of(out, 2)["split"].tolist()
    assert after[: len(before)] == before
    assert "guard" in after[len(before) :]
    everything = open_store(str(out))
    aside = np.array(after) == "guard"
    offered, guard = open_patches(str(out)), open_patches(str(out), split="guard")
    assert everything.splits.tolist() == after
    assert offered.splits.tolist() == [name for name in after if name != "guard"]
    assert (np.asarray(offered.images) == np.asarray(everything.images)[~aside]).all()
    assert (np.asarray(guard.images) == np.asarray(everything.images)[aside]).all()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seed": 1}, "seed 0, not 1"),
        ({"size": 32, "stride": 32}, "size 16, not 32; stride 16, not 32"),
        ({"negatives": 1}, r"negatives 0.0, not 1.0"),
        ({"split": "sites"}, "split blocks, not sites"),
        ({"bands": "red,green"}, "bands"),
    ],
)
def test_other_parameters_are_refused(tmp_path, places, changes, words):
    out = tmp_path / "out"
    assert build(out, places[0]).code == 0
    before = tree(out)
    assert_refused(build(out, *places, **changes), f"was built with .*{words}", "another --out")
    assert tree(out) == before


def test_changed_inputs_are_refused(tmp_path, places):
    out = tmp_path / "out"
    assert build(out, places[0]).code == 0
    before = tree(out)
    Place(tmp_path, "alpha", masks(9, 9, seed=5))
    done = build(out, *places)
    assert_refused(done, "event alpha: scene alpha is already in the dataset, from other files")
    assert tree(out) == before


def test_another_kind_of_numbers_is_refused(tmp_path, places):
    out = tmp_path / "out"
    assert build(out, places[0]).code == 0
    other = Place(
        tmp_path, "bytes", masks(9, 9), image=np.full((3, 144, 144), 7, np.uint8), east=400000
    )
    assert_refused(build(out, other), "holds uint8, the other scenes uint16")


def test_a_folder_of_something_else_is_refused(tmp_path, places):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/thesis.txt").write_text("years of work")
    assert_refused(build(tmp_path / "out", places[0]), r"not empty and no dataset \(thesis.txt\)")


def test_one_build_at_a_time(tmp_path, places):
    out = tmp_path / "out"
    with claim(str(out)):
        assert_refused(build(out, places[0]), rf"another build is at work \(process {os.getpid()}")
    assert not (out / CLAIM).exists()
    assert build(out, places[0]).code == 0


def test_a_note_of_a_dead_build_is_taken_over(tmp_path, places):
    out = tmp_path / "out"
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        dead.wait()
    import socket

    for note in (
        {"host": socket.gethostname(), "process": dead.pid, "at": time.time()},
        {"host": "elsewhere", "process": 1, "at": time.time() - 600},
    ):
        storage.write_json(str(out / CLAIM), note)
        done = build(out, places[0])
        assert done.code == 0, done.err
    storage.write_json(str(out / CLAIM), {"host": "elsewhere", "process": 1, "at": time.time()})
    assert_refused(build(out, *places), "another build is at work .*on elsewhere")


def test_a_build_killed_before_its_last_write_is_finished_by_the_next(tmp_path, places):
    out = tmp_path / "out"
    assert build(out, places[0]).code == 0
    first = (out / "dataset.json").read_text()
    assert build(out, *places).code == 0
    second = json.loads((out / "dataset.json").read_text())
    (out / "dataset.json").write_text(first)
    done = build(out, *places)
    assert done.code == 0
    assert json.loads((out / "dataset.json").read_text()) == second


def test_a_version_that_could_not_be_made_current_keeps_its_patches(tmp_path, places, monkeypatch):
    out = tmp_path / "out"
    written = storage.write_bytes

    def full(uri, data):
        if uri.endswith("dataset.json"):
            raise OutputError("cannot be written (No space left on device)", where=uri)
        written(uri, data)

    with monkeypatch.context() as patch:
        patch.setattr(storage, "write_bytes", full)
        full_disk = build(out, places[0])
    assert full_disk.code == 2
    assert "No space left" in full_disk.err
    done = build(out, places[0])
    assert done.code == 0, done.err
    found = open_store(str(out))
    assert len(found.images) == len(index_of(out, 1)) > 0
    assert np.asarray(found.images).any()


def test_parameters_of_a_version_that_is_not_yet_current_count(tmp_path, places):
    out = tmp_path / "out"
    assert build(out, places[0]).code == 0
    (out / "dataset.json").unlink()
    refused = build(out, *places, seed=5)
    assert refused.code == 2
    assert "was built with seed 0, not 5" in refused.err


KILLED = """
import os, signal, sys
from hrgldd_core.dataset import build, index, writer
at = sys.argv.pop(1)
def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)
if at == "pixels":
    writer.PatchWriter.finish = die
elif at == "index":
    index.write_index = die
else:
    build.publish = die
from hrgldd_core.cli import main
main(prog_name="hrgldd")
"""


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("at", ["pixels", "index", "document"])
def test_killed(tmp_path, places, at, begun):
    out = tmp_path / "out"
    if begun:
        assert build(out, places[0]).code == 0
        kept = (out / "dataset.json").read_bytes()
        pixels = np.asarray(open_store(str(out)).images)
    words = ["dataset", "build", "--size", "16", "--block", "2", "--out", str(out)]
    for place in places:
        words += ["--event", str(place.file)]
    done = subprocess.run(
        [sys.executable, "-c", KILLED, at, *words], check=False, capture_output=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    if begun:
        assert (out / "dataset.json").read_bytes() == kept
        assert (np.asarray(open_store(str(out)).images) == pixels).all()
    else:
        assert not (out / "dataset.json").exists()
    again = build(out, *places)
    assert again.code == 0, again.err
    clean = tmp_path / "clean"
    if begun:
        assert build(clean, places[0]).code == 0
    assert build(clean, *places).code == 0
    ours, expected = open_store(str(out)), open_store(str(clean))
    assert (np.asarray(ours.images) == np.asarray(expected.images)).all()
    assert (np.asarray(ours.labels) == np.asarray(expected.labels)).all()
    assert ours.splits.tolist() == expected.splits.tolist()
    assert not (out / CLAIM).exists()


def test_killed_at_any_moment(tmp_path, places):
    words = ["dataset", "build", "--size", "16", "--block", "2", "--out", str(tmp_path / "out")]
    for place in places:
        words += ["--event", str(place.file)]
    with subprocess.Popen([*CONSOLE, *words], stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and not (tmp_path / "out").exists():
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
    done = build(tmp_path / "out", *places)
    assert done.code == 0, done.err
    assert len(open_store(str(tmp_path / "out"))) == 162
