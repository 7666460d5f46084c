"""The ranking: validation F1 decides, and nothing else but the size of equals."""

from __future__ import annotations

import csv
import json

import pytest

from hrgldd_core.sweep.leaderboard import ranking, write_leaderboard
from hrgldd_core.sweep.plan import Run, SweepPlan
from hrgldd_core.training.recipe import read_recipe


def result(f1, *, parameters=100, **more):
    return {
        "f1": f1, "precision": 0.9, "recall": 0.1, "iou": 0.2, "threshold": 0.4, "epochs": 9,
        "best_epoch": 5, "parameters": parameters, "seconds": 1.5, "test_f1": 1 - f1, **more,
    }  # fmt: skip


@pytest.fixture
def plan(tmp_path):
    rates = (1e-1, 2e-2, 3e-3, 4e-4, 5e-5, 6e-6)
    runs = tuple(
        Run(id=name, recipe=read_recipe("paper", learning_rate=rate))
        for name, rate in zip("abcdef", rates, strict=True)
    )
    axes = ("learning_rate", "augmentation.zoom")
    return SweepPlan(name="s", data="d", out=str(tmp_path), axes=axes, runs=runs)


RESULTS = {
    "a": {"error": "the loss became nan"}, "b": result(0.5), "c": result(0.7, parameters=300),
    "d": result(0.7, parameters=200), "e": result(0.6, pruned=True),
}  # fmt: skip


def test_order_and_status(plan):
    rows = ranking(plan, RESULTS)
    found = [(r["rank"], r["run"], r["status"]) for r in rows]
    assert found == [
        (1, "d", "done"), (2, "c", "done"), (3, "e", "pruned"), (4, "b", "done"),
        (5, "a", "failed"), (6, "f", "missing"),
    ]  # fmt: skip
    assert rows[0]["learning_rate"] == 4e-4
    assert rows[0]["augmentation.zoom"] == 0
    assert not any("test" in name for name in rows[0])


def test_files_say_the_same(plan, tmp_path):
    summary = write_leaderboard(plan, RESULTS)
    assert (summary["runs"], summary["trained"], summary["status"]) == (6, 4, "incomplete")
    assert summary["missing"] == {"a": "the loss became nan", "f": "not trained yet"}
    rows = json.loads((tmp_path / "leaderboard.json").read_text())["runs"]
    table = list(csv.DictReader((tmp_path / "leaderboard.csv").read_text().splitlines()))
    assert [r["run"] for r in table] == [r["run"] for r in rows] == list("dcebaf")
    assert [float(r["f1"]) for r in table[:4]] == [0.7, 0.7, 0.6, 0.5]
    text = (tmp_path / "leaderboard.md").read_text()
    assert text.index("| d |") < text.index("| c |") < text.index("| a |")
    assert "- a: the loss became nan" in text
    best = json.loads((tmp_path / "best.json").read_text())
    assert (best["run"], best["f1"]) == ("d", 0.7)
    assert best["model"] == str(tmp_path / "runs/d")
    assert best["recipe"]["learning_rate"] == 4e-4
    assert "validation" in best["chosen_by"]


def test_no_best_of_an_earlier_sweep_is_left(plan, tmp_path):
    write_leaderboard(plan, RESULTS)
    summary = write_leaderboard(plan, {"a": RESULTS["a"]})
    assert summary["best"] is None
    assert not (tmp_path / "best.json").exists()
