"""Compiled pipelines: what Kubeflow is given."""

from __future__ import annotations

import inspect
import re

import pytest
import yaml
from kfp import components

from hrgldd_core.commands.dataset_build import build as build_command
from hrgldd_core.commands.map import map_command
from hrgldd_core.commands.sweep import sweep as sweep_command
from hrgldd_core.errors import InputError
from pipelines import PIPELINES
from pipelines.arguments import parse_arguments
from pipelines.local import load_pipeline
from pipelines.profiles import read_profiles, seconds
from tests.support import ROOT, assert_refused, hrgldd

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
def test_every_parameter_is_described(packages, name):
    spec = next(yaml.safe_load_all((packages / f"{name}.yaml").read_text()))
    assert len(spec["pipelineInfo"]["description"]) > 20
    parameters = spec["root"]["inputDefinitions"]["parameters"]
    assert all(len(p.get("description", "")) > 5 for p in parameters.values())


def tasks_of(spec):
    """Every task that runs a container: its executor and what the pipeline says of it."""
    graphs = [spec["root"]["dag"], *(c["dag"] for c in spec["components"].values() if "dag" in c)]
    for graph in graphs:
        for name, task in graph["tasks"].items():
            component = spec["components"][task["componentRef"]["name"]]
            if "executorLabel" in component:
                yield name.replace("-", "_"), component["executorLabel"], task, component


@pytest.mark.parametrize("name", PIPELINES)
def test_every_task_is_placed(packages, name):
    """Image, resources, nodes, labels, scratch, time limit, retries: all as the profiles say."""
    spec, platform = yaml.safe_load_all((packages / f"{name}.yaml").read_text())
    executors = spec["deploymentSpec"]["executors"]
    placements = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    profiles = read_profiles(str(ROOT / "pipelines/profiles.yaml"))
    seen = set()
    for step, label, task, component in tasks_of(spec):
        seen.add(label)
        assert step in profiles.steps, step
        asked = profiles.steps[step]
        profile = profiles.profiles[asked.profile]
        container, pod = executors[label]["container"], placements[label]
        digest = re.fullmatch(r"\S+@sha256:[0-9a-f]{64}", container["image"])
        assert digest or container["image"] == "hrgldd:latest", step
        resources = container["resources"]
        for kind, given in (("Cpu", profile.cpu), ("Memory", profile.memory)):
            for bound in ("Request", "Limit"):
                assert resources[f"resource{kind}{bound}"] == getattr(given, bound.lower()), step
        count = resources.get("accelerator", {}).get("resourceCount")
        assert count == (str(profile.gpu.count) if profile.gpu else None), step
        assert pod.get("nodeSelector", {}).get("labels", {}) == profiles.selector(profile), step
        taints = [(t["key"], t["value"], t["effect"]) for t in pod.get("tolerations", [])]
        wanted = [(t.key, t.value, t.effect) for t in profiles.tolerations(profile)]
        assert taints == wanted, step
        assert pod["podMetadata"]["labels"] == {
            "kueue.x-k8s.io/queue-name": profile.queue,
            "kueue.x-k8s.io/priority-class": profile.priority,
        }, step
        (scratch,) = pod["emptyDirMounts"]
        assert scratch["mountPath"] == "/tmp", step  # noqa: S108
        assert scratch["sizeLimit"] == profile.scratch, step
        assert pod["securityContext"] == {"runAsNonRoot": True}, step
        assert int(pod["activeDeadlineSeconds"]) == seconds(asked.time_limit) > 0, step
        # Stated, and off: the cache knows names and parameters, not what lies behind a URI.
        assert task["cachingOptions"].get("enableCache", False) is False, step
        if asked.retry:
            policy = task["retryPolicy"]
            assert policy["maxRetryCount"] == asked.retry.times, step
            assert policy["backoffDuration"] == f"{seconds(asked.retry.wait)}s", step
            assert policy["backoffMaxDuration"] == f"{seconds(asked.retry.within)}s", step
        else:
            assert "retryPolicy" not in task, step
            assert len(asked.no_retry) > 10, step
        inputs = component.get("inputDefinitions", {})
        for kind in ("parameters", "artifacts"):
            for key, given in inputs.get(kind, {}).items():
                assert given.get("description"), f"{step}: {key}"
    assert seen == set(executors)


@pytest.mark.parametrize("name", PIPELINES)
def test_only_names_and_numbers_travel_as_parameters(packages, name):
    """Lists of scenes, grids and figures are artifacts."""
    spec = next(yaml.safe_load_all((packages / f"{name}.yaml").read_text()))
    for step, _, _, component in tasks_of(spec):
        given = component.get("inputDefinitions", {}).get("parameters", {})
        kinds = {p["parameterType"] for p in given.values()}
        assert kinds <= {"STRING", "NUMBER_DOUBLE", "NUMBER_INTEGER", "BOOLEAN",
                         "TASK_FINAL_STATUS"}, step  # fmt: skip


@pytest.mark.parametrize(
    ("name", "command", "own"),
    [
        ("map_event", map_command, {"scenes_per_shard"}),
        ("build_dataset", build_command, set()),
        (
            "train_benchmark", sweep_command,
            {"shards", "unseen", "collections", "pixel_size", "min_object", "registry", "min_gain"},
        ),
    ],
)  # fmt: skip
def test_parameters_have_the_names_of_the_command(name, command, own):
    options = {o.removeprefix("--").replace("-", "_") for p in command.params for o in p.opts}
    assert set(load_pipeline(name).component_spec.inputs) - own <= options


def test_the_last_step_always_runs(packages):
    for name in PIPELINES:
        spec = next(yaml.safe_load_all((packages / f"{name}.yaml").read_text()))
        last = spec["root"]["dag"]["tasks"]["finish-run"]
        assert last["triggerPolicy"]["strategy"] == "ALL_UPSTREAM_TASKS_COMPLETED"
        assert last["inputs"]["parameters"]["pipeline"]["runtimeValue"]["constant"] == name


def test_only_what_must_be_given_has_no_default(packages):
    spec = next(yaml.safe_load_all((packages / "map_event.yaml").read_text()))
    parameters = spec["root"]["inputDefinitions"]["parameters"]
    assert {k for k, p in parameters.items() if not p.get("isOptional")} == set(REQUIRED)
    assert parameters["min_area"]["defaultValue"] == 100
    assert parameters["model"]["defaultValue"] == "bundled"


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


def test_truth_is_told_in_words():
    words = ["event=e.yaml", "out=o"]
    function = load_pipeline("build_dataset")
    assert parse_arguments(function, [*words, "all_touched=True"])["all_touched"] is True
    assert parse_arguments(function, [*words, "all_touched=false"])["all_touched"] is False
    with pytest.raises(InputError, match="all_touched is a boolean, not 'maybe'"):
        parse_arguments(function, [*words, "all_touched=maybe"])


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
