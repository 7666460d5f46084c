"""``hrgldd sweep``: runs that are trained once, fail alone and go on after a kill."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

from components.plan_sweep.component import plan_sweep as plan_component
from components.rank_runs.component import rank_runs
from components.train_runs.component import train_runs as train_component
from hrgldd_core.errors import InputError
from hrgldd_core.models.store import open_model
from hrgldd_core.sweep import job
from hrgldd_core.sweep import run as run_module
from hrgldd_core.sweep.job import shard_names, train_runs
from hrgldd_core.sweep.plan import Run, plan_sweep, shard_of
from hrgldd_core.sweep.run import run_isolated, train_run
from tests.hrgldd_core.sweep.sample import TINY, pretend, write_data, write_grid
from tests.servers.dask import DaskCluster
from tests.support import CONSOLE, assert_refused, hrgldd, tree

GRID = """
name: tiny
recipe: paper
changes: {batch_size: 4, epochs: 2, steps_per_epoch: 1, filters: 2}
axes:
  learning_rate: [1.0e-3, 3.0e+38]
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = write_data(tmp_path_factory.mktemp("data") / "patches.npz")
    return str(path)


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    path = tmp_path_factory.mktemp("grid") / "tiny.yaml"
    path.write_text(GRID)
    return str(path)


@pytest.fixture(scope="module")
def swept(tmp_path_factory, data, grid):
    """A sweep of two runs by the command, of which one cannot but fail."""
    out = tmp_path_factory.mktemp("swept") / "out"
    words = ("sweep", "--grid", grid, "--data", data, "--workers", 2, "--out", out, "--json")
    return out, hrgldd(*words), words


@pytest.fixture
def fake(monkeypatch):
    """Training that takes no time: F1 depends on the learning rate, as the test says."""
    trained = []

    def train_model(recipe, *, data, out, progress, prune):
        trained.append(recipe)
        return {"f1": 0.5 + 100 * recipe.learning_rate, "parameters": 9, "seconds": 1.0}

    def here(plan, run, *, threads):
        try:
            return train_run(plan, run)
        except InputError as error:
            return {"error": str(error)}

    monkeypatch.setattr(run_module, "train_model", train_model)
    monkeypatch.setattr("hrgldd_core.sweep.job.run_isolated", here)
    return trained


def test_refusals(tmp_path, data, grid):
    words = ("sweep", "--grid", grid, "--data", data, "--out", tmp_path / "out")
    assert_refused(hrgldd(*words[:1], "--grid", "papper", *words[3:]), "no grid 'papper'")
    assert_refused(hrgldd(*words, "--shard", "3/2"), "'3/2' is no shard.*I/N")
    assert_refused(hrgldd(*words, "--cluster", "nonsense://1:2"), "no Dask scheduler answers")
    assert_refused(hrgldd(*words, "--data", "absent.npz"), "no such file")
    assert not (tmp_path / "out").exists()


def test_a_run_that_fails_fails_alone(swept):
    _, done, _ = swept
    assert done.code == 3, done.err
    summary = done.document
    assert (summary["runs"], summary["trained"], summary["status"]) == (2, 1, "incomplete")
    (reason,) = summary["missing"].values()
    assert "loss became" in reason
    assert "Lower --learning-rate" in reason
    assert open_model(summary["best"]["model"]).spec.filters == 2


def test_runs_of_before_are_told_from_those_of_now(fake, tmp_path, data, grid):
    words = ("sweep", "--grid", grid, "--data", data, "--out", tmp_path / "out")
    assert hrgldd(*words).out.splitlines()[0] == "2 of 2 runs trained"
    again = hrgldd(*words).out.splitlines()[0]
    assert again == "2 of 2 runs trained, all of them before: nothing was trained now"


def test_leaderboards_say_the_same(swept):
    out, *_ = swept
    rows = json.loads((out / "leaderboard.json").read_text())["runs"]
    best = json.loads((out / "best.json").read_text())
    assert [r["status"] for r in rows] == ["done", "failed"]
    assert rows[0]["run"] == best["run"]
    spec = open_model(best["model"]).spec
    assert rows[0]["f1"] == best["f1"] == spec.validation["f1"]
    assert {"seed", "seconds", "parameters", "learning_rate"} <= set(rows[0])
    read = list(csv.DictReader((out / "leaderboard.csv").read_text().splitlines()))
    assert [r["run"] for r in read] == [r["run"] for r in rows]
    markdown = (out / "leaderboard.md").read_text()
    assert markdown.index(rows[0]["run"]) < markdown.index(rows[1]["run"])
    assert rows[1]["reason"] in markdown


def test_finished_runs_are_not_trained_again(swept, fake, data, tmp_path):
    out, *_ = swept
    before = tree(out / "runs")
    wider = tmp_path / "wider.yaml"
    wider.write_text(GRID.replace("name: tiny", "name: wider").replace("3.0e+38", "2.0e-3"))
    done = hrgldd("sweep", "--grid", wider, "--data", data, "--out", out, "--json")
    assert done.code == 0, done.err
    assert [r.learning_rate for r in fake] == [2e-3]
    assert done.document["trained"] == 2
    assert before.items() <= tree(out / "runs").items()


def test_shards_hold_every_run_once(data, tmp_path, fake):
    path = tmp_path / "g.yaml"
    path.write_text("name: g\naxes: {seed: [0, 1, 2, 3, 4]}")
    plan = plan_sweep(grid=str(path), data=data, out=str(tmp_path / "o"))
    names = shard_names(plan, 2)
    assert names == ["1/2", "2/2"]
    assert sorted(r.id for n in names for r in shard_of(plan, n)) == sorted(r.id for r in plan.runs)
    assert shard_names(plan, 99)[-1] == "5/5"
    words = ("sweep", "--grid", path, "--data", data, "--out", tmp_path / "o", "--json")
    first = hrgldd(*words, "--shard", "1/2")
    assert (first.code, len(fake)) == (0, 3)
    assert set(first.document["missing"].values()) == {"not trained yet"}
    second = hrgldd(*words, "--shard", "2/2")
    assert (second.document["status"], len(fake)) == ("done", 5)


def test_runs_on_a_dask_cluster(data, grid, tmp_path, monkeypatch):
    # By its name a worker finds it: what is changed in this process is not changed in others.
    monkeypatch.setattr("hrgldd_core.sweep.job.run_isolated", pretend)
    plan = plan_sweep(grid=grid, data=data, out=str(tmp_path / "o"))
    with DaskCluster(threads=2) as cluster:
        results = train_runs(plan, plan.runs, cluster=cluster.address)
    assert {r["f1"] for r in results.values()} == {0.5}
    assert os.getpid() not in {r["process"] for r in results.values()}


def test_what_a_child_cannot_do_is_its_reason(data, grid, tmp_path):
    plan = plan_sweep(grid=grid, data=data, out=str(tmp_path / "o"))
    recipe = plan.runs[0].recipe.model_copy(update={"model": "nonsense"})
    result = run_isolated(plan, Run(id="x", recipe=recipe), threads=1)
    assert "no model 'nonsense'" in result["error"]


def test_components(data, tmp_path, fake):
    from kfp import dsl

    path = tmp_path / "g.yaml"
    path.write_text("name: g\naxes: {learning_rate: [1.0e-4, 3.0e-3]}")

    def artifact(name):
        return SimpleNamespace(path=str(tmp_path / name))

    plan, out = artifact("plan"), str(tmp_path / "out")
    shards = plan_component.python_func(
        grid=str(path), data=data, out=out, prune="none", shards=2, plan=plan
    )
    assert not (tmp_path / "out").exists()
    for shard in shards:
        train_component.python_func(plan=plan, shard=shard)
    metrics = dsl.Metrics()
    found = rank_runs.python_func(plan=plan, metrics=metrics, leaderboard=artifact("board"))
    assert (found.out, found.status) == (f"{out}/sweep", "done")
    assert metrics.metadata == {"runs": 2, "trained": 2, "f1": 0.5 + 0.3}
    assert (tmp_path / "board").read_text() == (tmp_path / "out/sweep/leaderboard.md").read_text()


def test_run_that_ends_the_container_is_left_out(data, tmp_path, fake, monkeypatch):
    class Killed(BaseException):
        pass

    path = tmp_path / "g.yaml"
    path.write_text("name: g\naxes: {seed: [0, 1]}")
    plan = plan_sweep(grid=str(path), data=data, out=str(tmp_path / "out"))
    (tmp_path / "plan").write_text(plan.model_dump_json())
    whole = job.run_isolated

    def kill(plan, run, **options):
        if run.id == plan.runs[0].id:
            raise Killed
        return whole(plan, run, **options)

    monkeypatch.setattr(job, "run_isolated", kill)
    monkeypatch.setattr(job, "_result", lambda future: dict(future.result()))
    for _ in range(5):
        with pytest.raises(Killed):
            job.train_shard(str(tmp_path / "plan"), "1/1")
    failed = job.train_shard(str(tmp_path / "plan"), "1/1")
    assert list(failed) == [plan.runs[0].id]
    summary = job.rank_shards(str(tmp_path / "plan"))
    assert (summary["status"], summary["trained"]) == ("incomplete", 1)
    assert "ended the process that tried, 5 times" in summary["missing"][plan.runs[0].id]
    assert shard_names(plan, 2) == ["1/2"]


def test_nothing_trained_is_refused_with_the_reasons(data, tmp_path, monkeypatch):
    path = tmp_path / "g.yaml"
    path.write_text("name: g\naxes: {seed: [0, 1]}")
    plan = plan_sweep(grid=str(path), data=data, out=str(tmp_path / "out"))
    (tmp_path / "plan").write_text(plan.model_dump_json())
    monkeypatch.setattr(job, "run_isolated", lambda *_, **__: {"error": "it diverged"})
    job.train_shard(str(tmp_path / "plan"), "1/1")
    with pytest.raises(InputError, match="it diverged") as refused:
        job.rank_shards(str(tmp_path / "plan"))
    assert all(run.id in str(refused.value) for run in plan.runs)


def test_a_run_that_the_system_kills(data, grid, tmp_path, monkeypatch):
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\nread plan\nkill -9 $$\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    plan = plan_sweep(grid=grid, data=data, out=str(tmp_path / "out"))
    assert "killed by signal 9" in run_isolated(plan, plan.runs[0], threads=1)["error"]
    script.write_text("#!/bin/sh\nread plan\nexit 5\n")
    assert run_isolated(plan, plan.runs[0], threads=1) == {"error": "ended with code 5"}


@pytest.mark.slow
def test_killed_and_repeated(data, tmp_path):
    """A killed sweep's processes end too; repeated, it gives an undisturbed one's weights."""
    grid = write_grid(tmp_path / "g.yaml", changes={**TINY, "epochs": 40})
    out = tmp_path / "out"
    words = [*CONSOLE, "sweep", "--grid", grid, "--data", data, "--out", out]
    killed = subprocess.Popen([str(w) for w in words], stderr=subprocess.DEVNULL)
    while not list(out.glob("runs/*/checkpoint.npz")):
        assert killed.poll() is None
    children = words_of(["ps", "-o", "pid=", "--ppid", str(killed.pid)])
    assert children
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    (folder,) = out.glob("runs/*")
    assert "model.json" not in tree(folder)
    while any(
        "hrgldd_core.sweep.run" in words_of(["ps", "-o", "args=", "-p", pid]) for pid in children
    ):
        pass
    plan = plan_sweep(grid=str(grid), data=data, out=str(out))
    train_run(plan, plan.runs[0])
    whole = plan.model_copy(update={"out": str(tmp_path / "whole")})
    train_run(whole, whole.runs[0])
    ours, expected = (
        p / "model.weights.h5" for p in (folder, tmp_path / "whole/runs" / folder.name)
    )
    assert ours.read_bytes() == expected.read_bytes()


def words_of(command):
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
