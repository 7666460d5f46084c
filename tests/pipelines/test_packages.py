"""Compiled pipelines: what Kubeflow is given."""

from __future__ import annotations

import inspect

import pytest
import yaml
from kfp import components

from hrgldd_core.errors import InputError
from pipelines import PIPELINES
from pipelines.arguments import parse_arguments
from pipelines.local import load_pipeline
from tests.support import assert_refused, hrgldd

REQUIRED = {"stac": "c.json", "bbox": "1,2,3,4", "datetime": "2024-11-10", "out": "o"}


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packages")
    for name in PIPELINES:
        done = hrgldd("pipeline", "compile", name, "--out", folder / "new" / f"{name}.yaml")
        assert done.code == 0, done.err
    return folder / "new"


@pytest.mark.parametrize("name", PIPELINES)
def test_package_loads(packages, name):
    loaded = components.load_component_from_file(str(packages / f"{name}.yaml"))
    function = load_pipeline(name)
    assert set(loaded.component_spec.inputs) == set(function.component_spec.inputs)


@pytest.mark.parametrize("name", PIPELINES)
def test_every_parameter_and_step_is_described(packages, name):
    spec = next(yaml.safe_load_all((packages / f"{name}.yaml").read_text()))
    assert spec["pipelineInfo"]["description"]
    parameters = spec["root"]["inputDefinitions"]["parameters"]
    assert all(len(p.get("description", "")) > 5 for p in parameters.values())
    for executor in spec["deploymentSpec"]["executors"].values():
        assert executor["container"]["image"]


def test_only_what_must_be_given_has_no_default(packages):
    spec = next(yaml.safe_load_all((packages / "map_event.yaml").read_text()))
    parameters = spec["root"]["inputDefinitions"]["parameters"]
    assert {k for k, p in parameters.items() if not p.get("isOptional")} == set(REQUIRED)
    assert parameters["min_area"]["defaultValue"] == 100
    assert parameters["model"]["defaultValue"] == "bundled"


def test_no_step_is_taken_from_the_cache(packages):
    # The cache knows names and parameters, not what lies behind a URI.
    text = (packages / "map_event.yaml").read_text()
    assert "enableCache: true" not in text


def test_image_is_the_operator_s(tmp_path, monkeypatch):
    import subprocess
    import sys

    image = "registry/hrgldd@sha256:" + "0" * 64
    code = "from components.map_scenes.component import map_scenes as m; print(m.component_spec"
    code += ".implementation.container.image)"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"HRGLDD_IMAGE": image}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert done.stdout.strip() == image


def test_arguments_take_the_types_of_the_parameters():
    words = [f"{k}={v}" for k, v in REQUIRED.items()]
    function = load_pipeline("map_event")
    given = parse_arguments(function, [*words, "threshold=1", "max_items=3", "event=a=b"])
    assert given == {**REQUIRED, "threshold": 1.0, "max_items": 3, "event": "a=b"}
    assert isinstance(given["threshold"], float)
    assert isinstance(given["max_items"], int)


@pytest.mark.parametrize(
    ("words", "pattern"),
    [
        (["colour=red"], r"'colour=red' is no parameter.*KEY=VALUE.*min_area"),
        (["stac"], "'stac' is no parameter"),
        ([], r"missing bbox, datetime, out, stac"),
        ([*(f"{k}={v}" for k, v in REQUIRED.items()), "max_items=many"], "max_items is a"),
        ([*(f"{k}={v}" for k, v in REQUIRED.items()), "max_items=1.5"], "max_items is a"),
    ],
)
def test_arguments_that_are_none(words, pattern):
    with pytest.raises(InputError, match=pattern):
        parse_arguments(load_pipeline("map_event"), words)


def test_unknown_pipeline():
    with pytest.raises(InputError, match=r"no pipeline 'x'.*map_event"):
        load_pipeline("x")
    assert hrgldd("pipeline", "compile", "x", "--out", "x.yaml").code == 2


@pytest.mark.parametrize("name", ["package.txt", "file/package.yaml"])
def test_package_that_cannot_be_written(tmp_path, name):
    (tmp_path / "file").write_text("precious")
    done = hrgldd("pipeline", "compile", "map_event", "--out", tmp_path / name)
    assert_refused(done, r"package\.yaml|ends in \.yaml|is a file")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("name", PIPELINES)
def test_a_pipeline_is_wiring_only(name):
    source = inspect.getsource(inspect.getmodule(load_pipeline(name).pipeline_func))
    assert "hrgldd_core" not in source
