"""The train_benchmark pipeline with KFP's own local runner: train, judge, register or refuse."""

from __future__ import annotations

import json

import numpy as np
import pytest

from hrgldd_core.models.store import open_model
from tests.pipelines.running import artifacts, run
from tests.support import tree

GRID = """
name: tiny
recipe: paper
changes: {batch_size: 4, epochs: 1, steps_per_epoch: 4, filters: 2}
axes: {learning_rate: [1.0e-3, 3.0e+38]}
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Two runs, of which one diverges: the other is the first champion."""
    folder = tmp_path_factory.mktemp("train")
    rng = np.random.default_rng(0)
    (folder / "data").mkdir()
    for split, count in (("train", 8), ("val", 4), ("test", 4)):
        images = rng.integers(1, 200, (count, 32, 32, 3), np.uint8)
        np.save(folder / f"data/{split}X.npy", images)
        np.save(folder / f"data/{split}Y.npy", (images[..., 2] > 150).astype(np.uint8))
    (folder / "grid.yaml").write_text(GRID)
    given = {k: folder / v for k, v in {"grid": "grid.yaml", "data": "data", "out": "out"}.items()}
    given |= {"registry": folder / "models", "shards": 2}
    return folder, given, run("train_benchmark", folder, **given)


def test_one_diverged_run_is_named_and_the_other_is_registered(trained):
    folder, _, done = trained
    assert done.returncode == 3, done.stderr
    for step in ("plan-sweep", "train-runs", "rank-runs", "evaluate-models", "register-model"):
        assert f"step {step}: done" in done.stderr
    outcome = json.loads(done.stdout)
    rows = json.loads((folder / "out/sweep/leaderboard.json").read_text())["runs"]
    assert [r["status"] for r in rows] == ["done", "failed"]
    assert outcome["status"] == "incomplete"
    assert list(outcome["missing"]) == [rows[1]["run"]]
    assert "loss became" in outcome["missing"][rows[1]["run"]]
    assert outcome["figures"]["registered"] == "yes"
    champion = json.loads((folder / "models/champion.json").read_text())
    assert champion == json.loads((folder / "models/champions/000001.json").read_text())
    model = open_model(champion["model"])
    assert model.digest == open_model(str(folder / "out/sweep/runs" / rows[0]["run"])).digest
    assert champion["sha256"] == model.digest
    item = json.loads((folder / champion["model"] / "item.json").read_text())
    assert any("mlm" in url for url in item["stac_extensions"])


def test_what_the_ui_shows(trained):
    folder, _, _ = trained
    evaluated, shown = artifacts(folder, "evaluate-models")
    # Of the test patches, not of all.
    metrics = json.loads((evaluated / "judged").read_text())["shown"]
    assert (metrics["name"], metrics["n_patches"]) == ("Mixed test set", 4)
    assert shown["metrics"]["f1"] == metrics["f1"]
    matrix = [row["row"] for row in shown["classification"]["confusionMatrix"]["rows"]]
    pixels = metrics["confusion"]
    assert matrix == [[pixels["tn"], pixels["fp"]], [pixels["fn"], pixels["tp"]]]
    assert sum(map(sum, matrix)) == 4 * 32 * 32
    roc = shown["classification"]["confidenceMetrics"]
    assert 2 <= len(roc) <= 50
    rates = [point["falsePositiveRate"] for point in roc]
    assert rates == sorted(rates)
    assert (evaluated / "report").read_text().lstrip().startswith("<!")
    registered, shown = artifacts(folder, "register-model")
    assert (registered / "decision").read_text().startswith("# Registered: ")
    assert shown["decision"]["registered"] is True
    finished, shown = artifacts(folder, "finish-run")
    assert (finished / "summary").read_text().startswith("# train_benchmark: incomplete\n")
    assert shown["outcome"]["status"] == "incomplete"


def test_again_trains_only_what_failed_and_registers_nothing(trained):
    folder, given, _ = trained
    before = tree(folder / "models") | tree(folder / "out/evaluation")
    (run_of_best,) = (folder / "out/sweep/runs").glob("*/model.json")
    trained_at = run_of_best.stat().st_mtime_ns
    done = run("train_benchmark", folder, **given)
    assert done.returncode == 3, done.stderr
    assert done.stderr.count("step train-runs: done") == 1
    assert run_of_best.stat().st_mtime_ns == trained_at
    figures = json.loads(done.stdout)["figures"]
    assert (figures["registered"], figures["reason"]) == ("no", "it is the champion already")
    kept = tree(folder / "models")
    assert {k: v for k, v in before.items() if k in kept} == kept
