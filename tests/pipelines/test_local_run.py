"""The map_event pipeline with KFP's own local runner: the real components in their processes."""

from __future__ import annotations

import json

import pytest

from tests.pipelines.running import artifacts, run
from tests.support import tree


@pytest.fixture
def arguments(event, bright_model, tmp_path):
    return {
        "stac": event.catalogue, "bbox": event.bbox, "datetime": event.interval,
        "event": event.name, "model": bright_model, "out": tmp_path / "result",
    }  # fmt: skip


def test_pipeline_gives_what_the_command_gives(arguments, mapped, tmp_path):
    done = run("map_event", tmp_path, **arguments)
    assert done.returncode == 0, done.stderr
    for step in ("plan-mapping", "map-scenes", "publish-results", "finish-run"):
        assert f"step {step}: done" in done.stderr
    assert "Warning" not in done.stderr
    out = tmp_path / "result"
    assert set(tree(out)) == set(tree(mapped.out))
    for name in tree(out):
        if name.endswith((".tif", ".parquet")):
            assert (out / name).read_bytes() == (mapped.out / name).read_bytes(), name
    ours, theirs = (json.loads((p / "manifest.json").read_text()) for p in (out, mapped.out))
    assert ours["run_id"] == theirs["run_id"]
    assert ours["summary"]["polygons"] == theirs["summary"]["polygons"]
    outcome = json.loads(done.stdout)
    assert (outcome["status"], outcome["out"]) == ("done", str(out))
    assert outcome["figures"]["polygons"] == ours["summary"]["polygons"]
    published, shown = artifacts(tmp_path, "publish-results")
    assert (published / "report").read_text() == (out / "report.html").read_text()
    assert (published / "inventory").read_bytes() == (out / "inventory.parquet").read_bytes()
    made_of = shown["inventory"]
    assert made_of["model_sha256"] == ours["model"]["sha256"]
    assert made_of["scenes"] == 1
    finished, _ = artifacts(tmp_path, "finish-run")
    assert (finished / "summary").read_text().startswith("# map_event: done\n")
    # A finished run needs no node to map on, and is left alone.
    before = tree(out)
    again = run("map_event", tmp_path, **arguments)
    assert again.returncode == 0, again.stderr
    assert "step publish-results: done" in again.stderr
    assert "map-scenes" not in again.stderr
    assert tree(out) == before


def test_bad_scene_is_named_and_the_rest_is_mapped(arguments, event, tmp_path):
    catalogue = json.loads(event.catalogue.read_text())
    good = next(f for f in catalogue["features"] if "truth" in f["assets"])
    bad = json.loads(json.dumps(good)) | {"id": "bad"}
    bad["assets"] = {k: v for k, v in bad["assets"].items() if "data" in v.get("roles", [])}
    (asset,) = [a for a in bad["assets"].values() if a["href"].endswith(".tif")]
    whole = event.folder / asset["href"]
    (tmp_path / "bad.tif").write_bytes(whole.read_bytes()[:-9000])
    asset["href"] = str(tmp_path / "bad.tif")
    for kept in good["assets"].values():
        kept["href"] = str(event.folder / kept["href"])
    (tmp_path / "both.json").write_text(json.dumps({**catalogue, "features": [good, bad]}))
    arguments |= {"stac": tmp_path / "both.json", "scenes_per_shard": 1}
    done = run("map_event", tmp_path, **arguments)
    assert done.returncode == 3, done.stderr
    # By their folders: of steps at the same time KFP may log the end of one only.
    assert len(list((tmp_path / "kfp").glob("*/for-loop-*-iteration-*"))) == 2
    outcome = json.loads(done.stdout)
    assert outcome["status"] == "incomplete"
    assert list(outcome["missing"]) == ["bad"]
    assert "is cut off" in outcome["missing"]["bad"]
    assert "MISSING    bad: " in done.stderr
    finished, _ = artifacts(tmp_path, "finish-run")
    summary = (finished / "summary").read_text()
    assert summary.startswith("# map_event: incomplete\n")
    assert "- bad: " in summary
    assert json.loads((finished / "outcome").read_text())["missing"] == outcome["missing"]


def test_refusal_of_a_component_is_the_command_s(arguments, tmp_path):
    done = run("map_event", tmp_path, **{**arguments, "bbox": "10,45,11,46"})
    assert done.returncode == 2, done.stderr
    line = done.stderr.splitlines()[-1]
    assert line.startswith("hrgldd: ")
    assert "no scene found for bbox 10,45,11,46" in line
    assert "Widen --bbox" in line
    assert "Traceback" not in done.stderr
    assert "Traceback" not in done.stdout
    assert "Traceback" in (tmp_path / "kfp/kfp.log").read_text()
    assert not (tmp_path / "result").exists()
    # The step that always runs says how it ended.
    assert "step finish-run: done" in done.stderr
    finished, shown = artifacts(tmp_path, "finish-run")
    assert (finished / "summary").read_text().startswith("# map_event: failed\n")
    assert shown["outcome"]["status"] == "failed"
