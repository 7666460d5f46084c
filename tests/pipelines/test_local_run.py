"""The map_event pipeline with KFP's own local runner: the real components in their processes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.support import CONSOLE, tree


def run(tmp_path, **arguments):
    words = [f"{k}={v}" for k, v in arguments.items()]
    return subprocess.run(
        [*CONSOLE, "pipeline", "run", "map_event", *words, "--work", str(tmp_path / "kfp")],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture
def arguments(event, bright_model, tmp_path):
    return {
        "stac": event.catalogue, "bbox": event.bbox, "datetime": event.interval,
        "event": event.name, "model": bright_model, "out": tmp_path / "result",
    }  # fmt: skip


def test_pipeline_gives_what_the_command_gives(arguments, mapped, tmp_path):
    done = run(tmp_path, **arguments)
    assert done.returncode == 0, done.stderr
    for step in ("plan-mapping", "map-scenes", "publish-results"):
        assert f"step {step}: done" in done.stderr
    out = tmp_path / "result"
    assert set(tree(out)) == set(tree(mapped.out))
    for name in tree(out):
        if name.endswith((".tif", ".parquet")):
            assert (out / name).read_bytes() == (mapped.out / name).read_bytes(), name
    ours, theirs = (json.loads((p / "manifest.json").read_text()) for p in (out, mapped.out))
    assert ours["run_id"] == theirs["run_id"]
    assert ours["summary"]["polygons"] == theirs["summary"]["polygons"]
    reports = [p for p in Path(tmp_path / "kfp").rglob("report") if p.is_file()]
    assert [r.read_text() for r in reports] == [(out / "report.html").read_text()]


def test_refusal_of_a_component_is_the_command_s(arguments, tmp_path):
    done = run(tmp_path, **{**arguments, "bbox": "10,45,11,46"})
    assert done.returncode == 2, done.stderr
    line = done.stderr.splitlines()[-1]
    assert line.startswith("hrgldd: ")
    assert "no scene found for bbox 10,45,11,46" in line
    assert "Widen --bbox" in line
    assert "Traceback" not in done.stderr
    assert "Traceback" not in done.stdout
    assert "Traceback" in (tmp_path / "kfp/kfp.log").read_text()
    assert not (tmp_path / "result").exists()
