"""What the tests of sweeps share: a tiny data set, tiny grids, runs trained in this process."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from hrgldd_core.errors import HrglddError
from hrgldd_core.sweep.plan import Run, SweepPlan
from hrgldd_core.sweep.run import train_run

TINY = {"filters": 2, "epochs": 2, "batch_size": 4, "steps_per_epoch": 1}


def write_data(path: Path, *, bad_label: bool = False) -> Path:
    """Twelve patches of 32 x 32 of three sites, as .npz."""
    rng = np.random.default_rng(0)
    images = rng.integers(1, 200, (12, 32, 32, 3), np.uint8)
    labels = (images[..., 2] > 150).astype(np.uint8)
    if bad_label:
        labels[5, 0, 0] = 7
    np.savez(path, X=images, Y=labels, block=np.repeat([1, 2, 3], 4))
    return path


def write_grid(path: Path, **changes: Any) -> Path:
    """A grid of tiny runs of the paper's recipe."""
    document = {
        "name": "tiny",
        "recipe": "paper",
        "changes": TINY,
        "axes": {"seed": [0]},
        **changes,
    }
    path.write_text(yaml.safe_dump(document))
    return path


def in_process(plan: SweepPlan, run: Run, *, threads: int | None) -> dict[str, Any]:
    """As `run_isolated`, without the second that TensorFlow takes to start."""
    try:
        return train_run(plan, run)
    except HrglddError as error:
        return {"error": str(error)}


def pretend(plan, run, *, threads):
    """Training that takes no time."""
    return {"f1": 0.5, "process": os.getpid()}
