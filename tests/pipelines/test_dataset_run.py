"""The build_dataset pipeline with KFP's own local runner: build, add, describe."""

from __future__ import annotations

import json

import pytest

from tests.hrgldd_core.dataset.building import SIZE, Place, masks
from tests.pipelines.running import artifacts, run


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dataset")
    return folder, [
        Place(folder, "first", masks(6, 6)),
        Place(folder, "second", masks(6, 6, seed=1), east=463000, seed=1),
    ]


def test_pipeline_builds_adds_and_describes(places):
    folder, (first, second) = places
    given = {"out": folder / "data", "size": SIZE, "block": 2}
    done = run("build_dataset", folder, event=first.file, **given)
    assert done.returncode == 0, done.stderr
    begun = json.loads(done.stdout)
    assert begun["status"] == "done"
    done = run("build_dataset", folder, event=f"{first.file},{second.file}", **given)
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert outcome["figures"]["patches"] > begun["figures"]["patches"] > 10
    _, shown = artifacts(folder, "build-dataset")
    assert shown["metrics"]["new_scenes"] == 1
    described, shown = artifacts(folder, "describe-dataset")
    assert shown["metrics"]["tiles"] == outcome["figures"]["patches"]
    table = (described / "statistics").read_text()
    assert table == (folder / "data/statistics/statistics.md").read_text()
    assert "| first |" in table
    assert "| second |" in table
    assert "data:image/png;base64," in (described / "figure").read_text()
    finished, _ = artifacts(folder, "finish-run")
    assert (finished / "summary").read_text().startswith("# build_dataset: done\n")


def test_refusal_is_the_command_s(places):
    folder, (first, _) = places
    done = run("build_dataset", folder, event=first.file, out=folder / "odd", size=20)
    assert done.returncode == 2, done.stderr
    assert "size must be divisible by 16" in done.stderr.splitlines()[-1]
    assert not (folder / "odd").exists()
    finished, shown = artifacts(folder, "finish-run")
    assert (finished / "summary").read_text().startswith("# build_dataset: failed\n")
    assert shown["outcome"]["status"] == "failed"
