"""Killed at any moment, a run leaves nothing that looks complete, and a rerun finishes it.

The moments are counted, not timed: the process kills itself (SIGKILL) at the n-th event, an event
being a window predicted, a file opened in the output or a rename. Chance, seeded, chooses them.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hrgldd_core.mapping.job import map_event
from hrgldd_core.mapping.plan import MappingParameters, make_plan
from hrgldd_core.models.store import open_model
from hrgldd_core.stac.ingest import item_from_raster
from tests.support import BGR, ROOT, texture, tree, write_raster

FINAL = {
    "collection.json", "run.json", "items/scene.json", "probability/scene.tif",
    "coverage/scene.tif", "inventory.parquet", "inventory.gpkg", "inventory.fgb",
    "inventory.shp.zip", "report.html", "manifest.json",
}  # fmt: skip
REPEATABLE = [f for f in FINAL if f.startswith(("probability", "coverage", "inventory.parquet"))]

CHILD = """
import os, signal, sys
from pathlib import Path
from tests.hrgldd_core.mapping.test_killed import plan
from hrgldd_core.mapping.job import map_event

scene, model, out, moment, tally = sys.argv[1:]
decided, events = plan(Path(scene), model, out), 0

def event(*_):
    global events
    events += 1
    if events == int(moment):
        os.kill(os.getpid(), signal.SIGKILL)

def audit(name, arguments):
    if name == "os.rename" or (name in ("open", "os.mkdir") and out in str(arguments[0])):
        event()

sys.addaudithook(audit)
map_event(decided, event)
Path(tally).write_text(str(events))
"""


def plan(scene: Path, model: str, out: str):
    """A run in 16 windows."""
    return make_plan(
        [item_from_raster(str(scene), bands=BGR)],
        open_model(model),
        out=out,
        event="killed",
        parameters=MappingParameters(threshold=0.5, window=320),
    )


def child(scene, model, out, moment, tally):
    return subprocess.run(
        [sys.executable, "-c", CHILD, *map(str, (scene, model, out, moment, tally))],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, bright_model):
    """Scene, finished output and the number of events of a run that nobody kills."""
    folder = tmp_path_factory.mktemp("undisturbed")
    image = texture((700, 700)) // 80 + 300
    image[:, 200:330, 150:420] = np.uint16(2500)
    scene = write_raster(folder / "scene.tif", image, tiled=True)
    done = child(scene, bright_model, folder / "out", 0, folder / "tally")
    assert done.returncode == 0, done.stderr
    assert set(tree(folder / "out")) == FINAL
    return scene, folder / "out", int((folder / "tally").read_text())


# As shares of all events of a run: while predicting, and while publishing.
MOMENTS = [
    *(pytest.param(share, id=f"{share:.2f}") for share in (0.2, 0.97)),
    *(
        pytest.param(share, id=f"{share:.2f}", marks=pytest.mark.slow)
        for share in sorted(random.Random(7).uniform(0, 1) for _ in range(8))
    ),
]


@pytest.mark.parametrize("share", MOMENTS)
def test_killed_run_is_finished_by_the_next(undisturbed, bright_model, tmp_path, share):
    scene, expected, events = undisturbed
    assert events > 30
    out = tmp_path / "out"
    killed = child(scene, bright_model, out, 1 + int(share * events), tmp_path / "tally")
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    left = set(tree(out)) if out.exists() else set()
    if "collection.json" in left:
        assert left >= FINAL
    summary = map_event(plan(scene, str(bright_model), str(out)))
    assert summary["status"] == "done"
    assert set(tree(out)) >= FINAL
    for name in REPEATABLE:
        assert (out / name).read_bytes() == (expected / name).read_bytes(), name
    # What the killed process left behind is hidden, at most one file.
    extra = [Path(name).name for name in set(tree(out)) - FINAL]
    assert len(extra) <= 1
    assert all(name.startswith(".") for name in extra)
