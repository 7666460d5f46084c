"""Killed at any moment, a run leaves nothing that looks complete, and a rerun finishes it.

The moments are counted, not timed: the process kills itself (SIGKILL) at the n-th event, an event
being a window predicted, or a file opened or renamed in the output.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
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
from tests.hrgldd_core.mapping.test_killed import plan, watching
from hrgldd_core.mapping.job import map_event

scene, model, out, moment = sys.argv[1:]
seen = []

def kill(event):
    seen.append(event)
    if len(seen) == int(moment):
        os.kill(os.getpid(), signal.SIGKILL)

decided = plan(Path(scene), model, out)
with watching(out, kill) as window:
    map_event(decided, window)
"""


def plan(scene: Path, model: str, out: str):
    """A run in 16 windows, in four strips."""
    decided = make_plan(
        [item_from_raster(str(scene), bands=BGR)],
        open_model(model),
        out=out,
        event="killed",
        parameters=MappingParameters(threshold=0.5, window=320),
    )
    return decided.model_copy(update={"strip_pixels": 1})


@contextmanager
def watching(out, tell):
    """Call ``tell`` with a description of each event; gives what progress is told to."""
    active = [True]

    def audit(name, arguments):
        if active and name in {"os.rename", "open", "os.mkdir"} and out in str(arguments):
            tell(f"{name} {arguments}")

    sys.addaudithook(audit)
    yield lambda name, done, _: tell(f"{name}: window {done}")
    # A hook cannot be taken away.
    active.clear()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, bright_model):
    """Scene, finished output and events of a run that nobody kills."""
    folder = tmp_path_factory.mktemp("undisturbed")
    image = texture((700, 700)) // 80 + 300
    image[:, 200:330, 150:420] = np.uint16(2500)
    scene = write_raster(folder / "scene.tif", image, tiled=True)
    out, events = folder / "out", []
    with watching(str(out), events.append) as window:
        map_event(plan(scene, str(bright_model), str(out)), window)
    assert set(tree(out)) == FINAL
    return scene, out, events


def assert_a_kill_does_no_harm(undisturbed, model, out, moment):
    """Kill a run at a moment (from 1), finish it; what was there in between."""
    scene, expected, _ = undisturbed
    killed = subprocess.run(
        [sys.executable, "-c", CHILD, *map(str, (scene, model, out, moment))],
        cwd=ROOT, env={**os.environ, "TMPDIR": str(out.parent)},  # what is killed does not tidy up
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    left = tree(out) if out.exists() else {}
    if "collection.json" in left:
        assert set(left) >= FINAL
    told = []
    summary = map_event(plan(scene, str(model), str(out)), lambda *word: told.append(word))
    assert summary["status"] == "done"
    # Windows of strips that were kept are not computed again.
    kept = len([name for name in left if name.endswith(".npz.zst")])
    computed = [done for name, done, total in told if done and total == 16]
    assert computed in ([], list(range(4 * kept + 1, 17)))
    assert set(tree(out)) >= FINAL
    for name in REPEATABLE:
        assert (out / name).read_bytes() == (expected / name).read_bytes(), name
    # What the killed process left behind is hidden, at most one file.
    extra = [Path(name).name for name in set(tree(out)) - FINAL]
    assert len(extra) <= 1
    assert all(name.startswith(".") for name in extra)
    return left


def test_killed_while_predicting(undisturbed, bright_model, tmp_path):
    windows = [i for i, event in enumerate(undisturbed[2], 1) if event.startswith("scene: window")]
    assert len(windows) > 16  # 16 windows, after word that it begins
    out = tmp_path / "out"
    left = assert_a_kill_does_no_harm(undisturbed, bright_model, out, windows[13])
    assert {name for name in left if not name.startswith(".work/")} == {"run.json"}
    assert any(name.endswith("/scene/0-1.npz.zst") for name in left)


def test_killed_while_publishing(undisturbed, bright_model, tmp_path):
    events = undisturbed[2]
    report = next(i for i, e in enumerate(events, 1) if "rename" in e and "report.html" in e)
    out = tmp_path / "out"
    left = assert_a_kill_does_no_harm(undisturbed, bright_model, out, report)
    assert {"items/scene.json", "inventory.parquet"} <= set(left)
    assert not {"report.html", "manifest.json", "collection.json"} & set(left)
    # The scene itself is not mapped again.
    assert tree(out)["probability/scene.tif"] == left["probability/scene.tif"]


@pytest.mark.slow
@pytest.mark.parametrize("share", np.random.default_rng(7).uniform(0, 1, 20).round(3))
def test_killed_at_any_moment(undisturbed, bright_model, tmp_path, share):
    moment = 1 + int(share * len(undisturbed[2]))
    assert_a_kill_does_no_harm(undisturbed, bright_model, tmp_path / "out", moment)
