"""``--cluster``: the bytes of one machine, whatever is lost on the way."""

from __future__ import annotations

import pytest

from hrgldd_core.errors import InputError
from hrgldd_core.mapping.cluster import map_on_cluster
from hrgldd_core.mapping.job import map_event
from hrgldd_core.mapping.plan import MappingParameters, make_plan
from hrgldd_core.models.store import open_model
from hrgldd_core.stac.ingest import item_from_raster
from tests.servers.dask import DaskCluster
from tests.support import BGR, assert_refused, hrgldd, texture, write_raster

SCENES = ("a", "b")
ROWS = 5
FILES = [f"{kind}/{scene}.tif" for scene in SCENES for kind in ("probability", "coverage")]


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scenes")
    for seed, name in enumerate(SCENES):
        write_raster(folder / f"{name}.tif", texture((440, 400), seed=seed))
    return folder


@pytest.fixture(scope="module")
def plan(scenes, random_model):
    """A run of two scenes in five strips each, by its output."""

    def make(out):
        decided = make_plan(
            [item_from_raster(str(scenes / f"{name}.tif"), bands=BGR) for name in SCENES],
            open_model(random_model),
            out=str(out),
            event="e",
            parameters=MappingParameters(threshold=0.5, window=256),
        )
        return decided.model_copy(update={"strip_pixels": 1})

    return make


@pytest.fixture(scope="module")
def expected(plan, tmp_path_factory):
    """The files of a run in this process."""
    out = tmp_path_factory.mktemp("here") / "out"
    summary = map_event(plan(out))
    assert summary["status"] == "done"
    assert not (out / ".work").exists()
    content = {name: (out / name).read_bytes() for name in FILES}
    assert content[FILES[0]] != content[FILES[2]]
    return content


def content_of(out):
    return {name: (out / name).read_bytes() for name in FILES}


def at(done_strips, act):
    """Progress that acts once when so many strips are done."""
    told = []

    def progress(name, done, total):
        told.append(done)
        if done == done_strips:
            act()

    return progress, told


def test_a_worker_is_killed(plan, expected, tmp_path):
    out = tmp_path / "out"
    with DaskCluster(workers=2) as cluster:
        progress, told = at(2, cluster.kill_worker)
        summary = map_event(plan(out), progress, cluster=cluster.address)
        assert cluster.count() == 1
        # A scene that cannot be read costs that scene only, here as elsewhere.
        lost = plan(tmp_path / "lost")
        lost.items[0]["assets"] = {}
        missing = map_on_cluster(lost, cluster.address)
    assert summary["status"] == "done"
    assert told[-1] >= len(SCENES) * ROWS
    assert content_of(out) == expected
    assert not (out / ".work").exists()
    assert list(missing) == ["a"]
    assert "band" in missing["a"]
    assert (tmp_path / "lost/items/b.json").exists()


def test_the_scheduler_is_killed(plan, expected, tmp_path):
    out = tmp_path / "out"
    with DaskCluster() as cluster:
        progress, _ = at(3, cluster.kill_scheduler)
        with pytest.raises(InputError, match=r"scheduler is gone.*repeat the command"):
            map_event(plan(out), progress, cluster=cluster.address)
    kept = list(out.rglob("*.npz.zst"))
    assert len(kept) >= 3
    assert not (out / "collection.json").exists()
    windows = []
    summary = map_event(plan(out), lambda name, done, total: windows.append((done, total)))
    assert summary["status"] == "done"
    # Windows of strips that were kept are not computed again.
    computed = len([done for done, total in windows if done and total > 1])
    assert 0 < computed <= (len(SCENES) * ROWS - 3) * windows[-1][1] // ROWS
    assert content_of(out) == expected


def test_nobody_answers(scenes, random_model, tmp_path):
    done = hrgldd(
        "map", "--scene", scenes / "a.tif", "--bands", "blue,green,red", "--model", random_model,
        "--out", tmp_path / "out", "--cluster", "nonsense://1:2",
    )  # fmt: skip
    assert_refused(done, "no Dask scheduler answers")
    assert not (tmp_path / "out").exists()
