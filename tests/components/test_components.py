"""The components, called as the functions they are: plan, map a shard, publish."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from kfp import dsl

from components.map_scenes.component import map_scenes
from components.plan_mapping.component import plan_mapping
from components.publish_results.component import publish_results
from hrgldd_core.errors import InputError, OutputExistsError
from tests.support import box_item, data_asset, tree, write_catalogue, write_raster

SCENES = ("a", "b", "c")


@pytest.fixture
def catalogue(tmp_path):
    """Three small scenes, the last cut off."""
    from tests.support import texture

    items = []
    for name in SCENES:
        path = write_raster(tmp_path / "in" / f"{name}.tif", texture((64, 64)))
        items.append(box_item(name, assets={"analytic": data_asset(path)}))
    path.write_bytes(path.read_bytes()[:-9000])
    return write_catalogue(tmp_path / "in/items.json", *items)


@pytest.fixture
def plan(tmp_path, catalogue, bright_model):
    """The plan component: its artifact and the shards that it names."""

    def make(**changes):
        artifact = SimpleNamespace(path=str(tmp_path / "plan.json"))
        arguments = {
            "stac": str(catalogue), "bbox": "", "interval": "", "out": str(tmp_path / "out"),
            "collections": "", "model": str(bright_model), "event": "e", "threshold": 0.0,
            "min_area": 100.0, "max_items": 0, "scenes_per_shard": 2, **changes,
        }  # fmt: skip
        return artifact, plan_mapping.python_func(**arguments, plan=artifact)

    return make


def artifact(folder, name):
    return SimpleNamespace(path=str(folder / name))


def publish(tmp_path, planned, failures):
    metrics, report = dsl.Metrics(), artifact(tmp_path, "report")
    out = publish_results.python_func(
        plan=planned, failures=failures, metrics=metrics, report=report
    )
    return out, metrics, report


def test_plan_map_publish(tmp_path, plan):
    planned, shards = plan()
    assert shards == ["0:2", "2:3"]
    assert not (tmp_path / "out").exists()
    failures = [artifact(tmp_path, f"failures-{i}") for i in range(2)]
    for shard, failed in zip(shards, failures, strict=True):
        map_scenes.python_func(plan=planned, shard=shard, failures=failed)
    assert json.loads((tmp_path / "failures-0").read_text()) == {}
    assert "download it again" in (tmp_path / "failures-1").read_text().lower()
    assert not (tmp_path / "out/collection.json").exists()
    # A step that is tried again finds its scenes mapped.
    before = tree(tmp_path / "out")
    map_scenes.python_func(plan=planned, shard="0:2", failures=failures[0])
    assert tree(tmp_path / "out") == before
    out, metrics, _ = publish(tmp_path, planned, failures)
    assert (out.out, out.status) == (str(tmp_path / "out"), "incomplete")
    assert out.polygons == metrics.metadata["polygons"] > 0
    assert set(metrics.metadata) == {"polygons", "area_m2", "mapped_share", "mpx_per_s"}
    assert (tmp_path / "report").read_text() == (tmp_path / "out/report.html").read_text()
    assert {p.stem for p in (tmp_path / "out/items").iterdir()} == {"a", "b"}
    # All again: an incomplete result is gone on with.
    assert plan()[1] == ["0:2", "2:3"]


def test_finished_run_is_left_alone(tmp_path, plan):
    planned, shards = plan(max_items=2)
    failures = [artifact(tmp_path, "failures")]
    map_scenes.python_func(plan=planned, shard=shards[0], failures=failures[0])
    out, *_ = publish(tmp_path, planned, failures)
    assert out.status == "done"
    before = tree(tmp_path / "out")
    _, shards = plan(max_items=2)
    assert shards == ["0:0"]
    map_scenes.python_func(plan=planned, shard="0:0", failures=failures[0])
    assert publish(tmp_path, planned, failures)[0] == out
    assert tree(tmp_path / "out") == before


def test_shards_hold_every_scene_once(plan):
    for size, shards in ((1, ["0:1", "1:2", "2:3"]), (3, ["0:3"]), (9, ["0:3"]), (0, 3)):
        found = plan(scenes_per_shard=size)[1]
        assert found == shards if isinstance(shards, list) else len(found) == shards


def test_plan_refuses(plan, tmp_path):
    with pytest.raises(InputError, match="no scene found"):
        plan(bbox="0,0,1,1")
    with pytest.raises(InputError, match="not an interval"):
        plan(interval="soon")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/notes.txt").write_text("precious")
    with pytest.raises(OutputExistsError, match="not empty"):
        plan()


def test_model_that_changed_since_is_refused(plan, tmp_path, bright_model):
    import shutil

    model = shutil.copytree(bright_model, tmp_path / "model")
    planned, _ = plan(model=str(model))
    spec = json.loads((model / "model.json").read_text())
    (model / "model.json").write_text(json.dumps({**spec, "threshold": 0.9}))
    with pytest.raises(InputError, match="changed since the run was planned"):
        map_scenes.python_func(plan=planned, shard="0:2", failures=artifact(tmp_path, "f"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("component", [plan_mapping, map_scenes, publish_results])
def test_components_are_thin(component):
    import ast
    import inspect

    function = ast.parse(inspect.getsource(inspect.getmodule(component.python_func))).body[-1]
    statements = [s for s in function.body if not isinstance(s, ast.Expr | ast.ImportFrom)]
    assert len(statements) <= 6
    assert component.description
