"""The sweep pipeline with KFP's own local runner: the real components in their processes."""

from __future__ import annotations

import json
import subprocess

import numpy as np

from tests.support import CONSOLE

GRID = """
name: tiny
recipe: paper
changes: {batch_size: 4, epochs: 1, steps_per_epoch: 4, filters: 2}
axes: {learning_rate: [1.0e-3, 3.0e+38]}
"""


def test_pipeline_trains_and_ranks(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.integers(1, 200, (8, 32, 32, 3), np.uint8)
    np.savez(tmp_path / "patches.npz", X=images, Y=(images[..., 2] > 150).astype(np.uint8))
    (tmp_path / "grid.yaml").write_text(GRID)
    given = {"grid": "grid.yaml", "data": "patches.npz", "out": "result"}
    words = [f"{k}={tmp_path / v}" for k, v in given.items()]
    done = subprocess.run(
        [*CONSOLE, "pipeline", "run", "sweep", *words, "shards=2", "--work", str(tmp_path / "kfp")],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    # One run diverges: the result is incomplete, and complete in everything else.
    assert done.returncode == 3, done.stderr
    for step in ("plan-sweep", "train-runs", "rank-runs"):
        assert f"step {step}: done" in done.stderr
    rows = json.loads((tmp_path / "result/leaderboard.json").read_text())["runs"]
    assert [r["status"] for r in rows] == ["done", "failed"]
    assert "loss became" in rows[1]["reason"]
    (model,) = (tmp_path / "result/runs").glob("*/model.json")
    assert model.parent.name == rows[0]["run"]
