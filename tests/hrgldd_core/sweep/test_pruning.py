"""Ending hopeless runs early: what Optuna's rules make of curves that other runs left."""

from __future__ import annotations

import json

import numpy as np
import pytest

from hrgldd_core.sweep.job import rank_plan
from hrgldd_core.sweep.plan import plan_sweep
from hrgldd_core.sweep.pruning import PruningRule
from hrgldd_core.sweep.run import train_run
from tests.hrgldd_core.sweep.sample import TINY, write_data, write_grid
from tests.support import assert_refused, hrgldd

pytest.importorskip("optuna", reason="early ends need Optuna")
EPOCHS = 10


def rows_of(curve):
    return [{"epoch": i, "val_best_f1": v} for i, v in enumerate(curve, 1)]


def rising(to):
    return np.linspace(0.1, to, EPOCHS).tolist()


@pytest.fixture
def decide(tmp_path):
    data = write_data(tmp_path / "data.npz")

    def plan(prune, epochs=EPOCHS):
        grid = write_grid(tmp_path / "g.yaml", changes={**TINY, "epochs": epochs})
        out = str(tmp_path / "out")
        return plan_sweep(grid=str(grid), data=str(data), out=out, prune=prune)

    return plan


def leave_curves(folder, curves):
    (folder / "curves").mkdir(parents=True)
    for number, curve in enumerate(curves):
        (folder / "curves" / f"run{number}.json").write_text(json.dumps(curve))


def first_pruned(plan, curve):
    rule = PruningRule(plan, plan.runs[0])
    said = [rule(rows_of(curve[:n])) for n in range(1, len(curve) + 1)]
    return said.index(True) + 1 if True in said else None


def test_a_run_behind_the_median_ends_after_the_first_epochs(decide, tmp_path):
    leave_curves(tmp_path / "out", [rising(0.5 + k / 20) for k in range(6)])
    plan = decide("median")
    assert first_pruned(plan, rising(0.2)) == 5
    assert first_pruned(plan, rising(0.9)) is None


def test_nothing_is_judged_by_too_few_runs(decide, tmp_path):
    leave_curves(tmp_path / "out", [rising(0.8)] * 4)
    assert first_pruned(decide("median"), rising(0.2)) is None


def test_halving(decide, tmp_path):
    leave_curves(tmp_path / "out", [rising(0.5 + k / 20) for k in range(8)])
    plan = decide("halving")
    assert first_pruned(plan, rising(0.99)) is None
    assert first_pruned(plan, rising(0.2)) == 5


def test_a_pruned_run_is_a_model_marked_as_pruned(decide, tmp_path):
    leave_curves(tmp_path / "out", [[1.0] * 9] * 6)
    plan = decide("median", epochs=9)
    figures = train_run(plan, plan.runs[0])
    assert (figures["epochs"], figures["pruned"]) == (5, True)
    assert train_run(plan, plan.runs[0])["f1"] == figures["f1"]
    summary = rank_plan(plan, {})
    assert (summary["trained"], summary["status"]) == (1, "done")
    board = json.loads((tmp_path / "out/leaderboard.json").read_text())
    assert (board["prune"], board["runs"][0]["status"]) == ("median", "pruned")
    # The others see its curve.
    assert len(json.loads((tmp_path / f"out/curves/{plan.runs[0].id}.json").read_text())) == 5


def test_without_optuna(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    words = ("--grid", "paper", "--data", write_data(tmp_path / "d.npz"), "--prune")
    done = hrgldd("sweep", *words, "--out", tmp_path / "out")
    assert_refused(done, r"--prune needs Optuna.*hrgldd\[sweep\]")
