"""Killed at any moment, a run leaves nothing that looks complete, and a rerun finishes it.

The moments are counted, not timed: the process kills itself (SIGKILL) at the n-th event, an event
being a window predicted, or a file opened or renamed in the output.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import contextmanager
from itertools import count
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
from tests.hrgldd_core.mapping.test_killed import counting, plan
from hrgldd_core.mapping.job import map_event

scene, model, out, moment = sys.argv[1:]

def kill(events):
    if events == int(moment):
        os.kill(os.getpid(), signal.SIGKILL)

decided = plan(Path(scene), model, out)
with counting(out, kill) as event:
    map_event(decided, event)
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


@contextmanager
def counting(out, tell):
    """Call ``tell`` with the number of each event; gives what progress is told to."""
    numbers = count(1)
    active = [True]

    def event(*_):
        tell(next(numbers))

    def audit(name, arguments):
        if active and name in {"os.rename", "open", "os.mkdir"} and out in str(arguments):
            event()

    sys.addaudithook(audit)
    yield event
    # A hook cannot be taken away.
    active.clear()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, bright_model):
    """Scene, finished output and the number of events of a run that nobody kills."""
    folder = tmp_path_factory.mktemp("undisturbed")
    image = texture((700, 700)) // 80 + 300
    image[:, 200:330, 150:420] = np.uint16(2500)
    scene = write_raster(folder / "scene.tif", image, tiled=True)
    out, events = folder / "out", []
    with counting(str(out), events.append) as event:
        map_event(plan(scene, str(bright_model), str(out)), event)
    assert set(tree(out)) == FINAL
    return scene, out, len(events)


# As shares of all events of a run: while predicting, and while publishing.
MOMENTS = [
    *(pytest.param(share, id=f"{share:.2f}") for share in (0.2, 0.97)),
    *(
        pytest.param(share, id=f"{share:.2f}", marks=pytest.mark.slow)
        for share in np.random.default_rng(7).uniform(0, 1, 8)
    ),
]


@pytest.mark.parametrize("share", MOMENTS)
def test_killed_run_is_finished_by_the_next(undisturbed, bright_model, tmp_path, share):
    scene, expected, events = undisturbed
    assert events > 30
    out = tmp_path / "out"
    moment = 1 + int(share * events)
    killed = subprocess.run(
        [sys.executable, "-c", CHILD, *map(str, (scene, bright_model, out, moment))],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
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
