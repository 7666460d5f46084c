"""The components, called as the functions they are: plan, map a shard, publish."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
from types import SimpleNamespace

import pytest
from kfp import dsl

from components.map_scenes.component import map_scenes
from components.plan_mapping.component import plan_mapping
from components.publish_results.component import publish_results
from hrgldd_core.errors import InputError, OutputExistsError
from hrgldd_core.mapping.plan import MappingPlan
from hrgldd_core.mapping.run import SceneMapper
from hrgldd_core.mapping.shards import read_plan, shard_names
from tests.support import (
    ROOT,
    box_item,
    data_asset,
    texture,
    tree,
    write_catalogue,
    write_raster,
)

SCENES = ("a", "b", "c")


@pytest.fixture
def catalogue(tmp_path):
    """Three small scenes, the last cut off."""
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
            "collections": "", "filter_text": "", "model": str(bright_model), "event": "e",
            "threshold": 0.0, "min_area": 100.0, "max_items": 0, "mosaic": "recent",
            "runtime": "auto", "precision": "float32", "tta": "none", "price_per_hour": 0.0,
            "scenes_per_shard": 2, **changes,
        }  # fmt: skip
        found = plan_mapping.python_func(**arguments, plan=artifact, **lineage(tmp_path))
        return artifact, found

    return make


def artifact(folder, name, **metadata):
    return SimpleNamespace(path=str(folder / name), metadata=metadata)


def lineage(folder):
    return {name: artifact(folder, name) for name in ("scenes", "mapper")}


def publish(tmp_path, planned):
    metrics, inventory = dsl.Metrics(), artifact(tmp_path, "inventory")
    out = publish_results.python_func(
        plan=planned, metrics=metrics, report=artifact(tmp_path, "report"), inventory=inventory,
        scenes=artifact(tmp_path, "scenes", scenes=3), mapper=artifact(tmp_path, "m", model="u"),
    )  # fmt: skip
    return out, metrics, inventory


def test_plan_map_publish(tmp_path, plan, capsys):
    planned, shards = plan()
    assert shards == ["0:2", "2:3"]
    assert not (tmp_path / "out").exists()
    for shard in shards:
        map_scenes.python_func(plan=planned, shard=shard)
    told = capsys.readouterr().err
    assert "MISSING c: " in told
    assert "download it again" in told.lower()
    assert not (tmp_path / "out/collection.json").exists()
    # A step that is tried again finds its scenes mapped.
    before = tree(tmp_path / "out")
    map_scenes.python_func(plan=planned, shard="0:2")
    assert tree(tmp_path / "out") == before
    out, metrics, inventory = publish(tmp_path, planned)
    assert (out.out, out.status) == (str(tmp_path / "out"), "incomplete")
    assert out.polygons == metrics.metadata["polygons"] > 0
    assert set(metrics.metadata) == {"polygons", "area_m2", "mapped_share", "mpx_per_s"}
    assert (tmp_path / "report").read_text() == (tmp_path / "out/report.html").read_text()
    assert {p.stem for p in (tmp_path / "out/items").iterdir()} == {"a", "b"}
    missing = json.loads((tmp_path / "out/manifest.json").read_text())["summary"]["missing"]
    assert list(missing) == ["c"]
    assert "download it again" in missing["c"].lower()
    assert inventory.metadata == {
        "scenes": 3, "model": "u", "inventory": str(tmp_path / "out/inventory.parquet"),
    }  # fmt: skip
    # All again: an incomplete result is gone on with, and only where something is left.
    assert plan()[1] == ["2:3"]


def test_scene_that_is_sound_the_second_time(tmp_path, plan, catalogue):
    path = tmp_path / "in/c.tif"
    planned, shards = plan()
    for shard in shards:
        map_scenes.python_func(plan=planned, shard=shard)
    path.unlink()
    write_raster(path, texture((64, 64)))
    map_scenes.python_func(plan=planned, shard="2:3")
    assert publish(tmp_path, planned)[0].status == "done"


def test_scene_that_ends_the_process_is_left_out(tmp_path, plan, monkeypatch):
    """As memory that runs out does: nobody is left to say which scene it was."""

    class Killed(BaseException):
        pass

    planned, shards = plan(scenes_per_shard=3)
    whole = SceneMapper.map

    def kill(mapper, item, *rest):
        if item.id == "a":
            raise Killed
        return whole(mapper, item, *rest)

    monkeypatch.setattr(SceneMapper, "map", kill)
    for _ in range(3):
        with pytest.raises(Killed):
            map_scenes.python_func(plan=planned, shard=shards[0])
    assert shard_names(read_plan(planned.path), 3) == shards
    map_scenes.python_func(plan=planned, shard=shards[0])
    assert publish(tmp_path, planned)[0].status == "incomplete"
    missing = json.loads((tmp_path / "out/manifest.json").read_text())["summary"]["missing"]
    assert set(missing) == {"a", "c"}
    assert "ended the process that tried, 3 times" in missing["a"]
    # The next run tries again.
    monkeypatch.undo()
    map_scenes.python_func(plan=planned, shard=shards[0])
    publish(tmp_path, planned)
    summary = json.loads((tmp_path / "out/manifest.json").read_text())["summary"]
    assert list(summary["missing"]) == ["c"]


def test_nothing_mapped_leaves_nothing(tmp_path, plan):
    for name in SCENES:
        path = tmp_path / f"in/{name}.tif"
        path.write_bytes(path.read_bytes()[:-9000])
    planned, shards = plan()
    for shard in shards:
        map_scenes.python_func(plan=planned, shard=shard)
    with pytest.raises(InputError, match=r"a\.tif") as refused:
        publish(tmp_path, planned)
    assert "b.tif" in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_lineage_names_what_was_read(tmp_path, plan, bright_model):
    plan(max_items=1)
    scenes = json.loads((tmp_path / "scenes").read_text())
    assert list(scenes) == [str(tmp_path / "in/a.tif")]
    assert set(scenes[str(tmp_path / "in/a.tif")]) == {"size", "xxh3_128"}
    assert [m["uri"] for m in json.loads((tmp_path / "mapper").read_text())] == [str(bright_model)]


def test_names_of_the_shards_of_2000_scenes_are_small(plan, tmp_path, bright_model):
    planned, _ = plan()
    document = read_plan(planned.path).model_dump()
    item = document["items"][0]
    document["items"] = [{**item, "id": f"scene-{i:04}"} for i in range(2000)]
    many = MappingPlan.model_validate(document)
    for asked in (4, 1):
        names = shard_names(many, asked)
        assert len(names) == 500
        assert len(json.dumps(names)) < 8000
    assert names[-1] == "1996:2000"
    assert len(shard_names(many, 50)) == 40


def test_finished_run_is_left_alone(tmp_path, plan):
    planned, shards = plan(max_items=2)
    map_scenes.python_func(plan=planned, shard=shards[0])
    out, *_ = publish(tmp_path, planned)
    assert out.status == "done"
    before = tree(tmp_path / "out")
    assert plan(max_items=2)[1] == []
    assert publish(tmp_path, planned)[0] == out
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
    with pytest.raises(InputError, match="mosaic 'best'"):
        plan(mosaic="best")
    with pytest.raises(InputError, match="precision 'int8'"):
        plan(precision="int8")
    with pytest.raises(InputError, match="no runtime 'onnx'"):
        plan(runtime="onnx")
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
    # Trying again would not help: the step says so for the one that publishes, and ends well.
    map_scenes.python_func(plan=planned, shard="0:2")
    with pytest.raises(InputError, match="changed since the run was planned"):
        publish(tmp_path, planned)
    assert not (tmp_path / "out").exists()


def all_components():
    found = []
    for path in sorted((ROOT / "components").glob("*/component.py")):
        module = importlib.import_module(f"components.{path.parent.name}.component")
        found.append(getattr(module, path.parent.name))
    return found


@pytest.mark.parametrize("component", all_components(), ids=lambda c: c.name)
def test_components_are_thin_and_described(component):
    module = inspect.getmodule(component.python_func)
    function = ast.parse(inspect.getsource(module)).body[-1]
    statements = [s for s in function.body if not isinstance(s, ast.Expr | ast.ImportFrom)]
    assert len(statements) <= 8
    assert len(component.description) > 20
    described = component.python_func.__doc__.split("Args:")[1]
    for name in inspect.signature(component.python_func).parameters:
        assert f"\n        {name}: " in described, name
