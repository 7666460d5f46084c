"""The profile file: what an operator may write, and what happens to mistakes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from hrgldd_core.errors import InputError
from pipelines.profiles import amount, read_profiles, seconds
from tests.support import CONSOLE, ROOT

OWN = ROOT / "pipelines/profiles.yaml"
NAMES = {
    "cpu-small", "cpu-map", "cpu-publish", "cpu-train", "cpu-large", "gpu-map", "gpu-train",
}  # fmt: skip


def changed(folder: Path, *path: str, value: object = None, of: Path = OWN) -> Path:
    """The package's file with one entry set, or taken away."""
    document = yaml.safe_load(of.read_text())
    *groups, last = path
    target = document
    for group in groups:
        target = target[group]
    if value is None:
        del target[last]
    else:
        target[last] = value
    file = folder / "profiles.yaml"
    file.write_text(yaml.safe_dump(document))
    return file


def test_the_package_s_own_file():
    profiles = read_profiles(str(OWN))
    assert set(profiles.profiles) == NAMES
    components = {p.parent.name for p in (ROOT / "components").glob("*/component.py")}
    assert set(profiles.steps) == components
    gpu = profiles.profiles["gpu-map"]
    assert profiles.selector(gpu) == {"cloud.google.com/gke-accelerator": "nvidia-l4"}
    taints = [(t.key, t.value, t.effect) for t in profiles.tolerations(gpu)]
    assert taints == [
        ("nvidia.com/gpu", "present", "NoSchedule"),
        ("cloud.google.com/gke-spot", "true", "NoSchedule"),
    ]
    small = profiles.profiles["cpu-small"]
    assert (profiles.selector(small), profiles.tolerations(small)) == ({}, ())
    # Only what goes on where it stopped may be put on nodes that are taken away.
    for name, step in profiles.steps.items():
        assert step.retry or not profiles.profiles[step.profile].spot, name


def test_what_an_event_may_end_is_tried_again():
    """Kueue deletes the pod of a step of lower priority; a run must not fail by that."""
    profiles = read_profiles(str(OWN))
    for name, step in profiles.steps.items():
        assert step.retry or profiles.profiles[step.profile].priority == "hrgldd-event", name
    for name in ("gpu-train", "cpu-train"):
        assert profiles.profiles[name].priority == "hrgldd-batch"


def test_mapping_and_training_without_gpus_use_spot_nodes_publishing_does_not():
    profiles = read_profiles(str(OWN))
    assert profiles.profiles["cpu-map"].spot
    assert profiles.profiles["cpu-train"].spot
    published = profiles.profiles[profiles.steps["publish_results"].profile]
    assert not published.spot


def test_laptop_s_file(tmp_path):
    file = OWN.with_name("profiles-kind.yaml")
    profiles = read_profiles(str(file))
    assert set(profiles.steps) == set(read_profiles(str(OWN)).steps)
    for name in profiles.steps:
        profile = profiles.profiles[profiles.steps[name].profile]
        assert (profile.gpu, profile.spot, profile.queue) == (None, False, None)
    for name in ("build_dataset", "map_event", "train_benchmark"):
        assert compile_with(tmp_path, file, name).returncode == 0
        assert "nvidia" not in (tmp_path / "package.yaml").read_text()


def test_quantities():
    assert [amount(q) for q in ("500m", "2", "1.5", "1Ki", "3Gi")] == [0.5, 2, 1.5, 1024, 3 << 30]
    assert [seconds(d) for d in ("90s", "15m", "6h")] == [90, 900, 21600]


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("profiles", "gpu-map", "gpus"), 2, r"profiles\.gpu-map\.gpus: unknown field"),
        (("profiles", "cpu-map", "memory"), None, r"profiles\.cpu-map\.memory: is missing"),
        (("profiles", "cpu-map", "memory", "limit"), "12GB", r"'12GB' is no such thing"),
        (("profiles", "cpu-map", "cpu", "request"), "9", r"request 9 is more than limit 4"),
        (("profiles", "gpu-map", "gpu", "count"), 0, r"gpu\.count: .*greater than or equal to 1"),
        (("profiles", "cpu-map", "queue"), "-x", r"queue: '-x' is no such thing"),
        (("steps", "map_scenes", "profile"), "gpu-big", r"steps\.map_scenes: no profile 'gpu-big'"),
        (("steps", "map_scenes", "time_limit"), "1d", r"time_limit: '1d' is no such thing"),
        (("steps", "map_scenes", "retry"), None, r"give either retry, or no_retry with the reason"),
        (("steps", "map_scenes", "no_retry"), "why", r"give either retry, or no_retry"),
        (("steps", "map_scenes", "retry", "within"), "1h", r"leaves no time after one try \(6h\)"),
        (
            ("steps", "map_scenes", "retry", "times"),
            99,
            r"retry\.times: .*less than or equal to 20",
        ),
        (("gpu",), None, r"gpu: is missing"),
    ],
)
def test_mistakes_are_named(tmp_path, path, value, words):
    file = changed(tmp_path, *path, value=value)
    with pytest.raises(InputError, match=words) as refused:
        read_profiles(str(file))
    assert str(refused.value).startswith(f"{file}: ")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [("profiles: [", "is not YAML"), ("- 1", "is not a mapping"), ("1: 2", "is not YAML|unknown")],
)
def test_files_that_are_none(tmp_path, text, words):
    (tmp_path / "p.yaml").write_text(text)
    with pytest.raises(InputError, match=words):
        read_profiles(str(tmp_path / "p.yaml"))
    with pytest.raises(InputError, match="cannot be read"):
        read_profiles(str(tmp_path / "absent.yaml"))


def compile_with(folder, profiles, name="map_event"):
    return subprocess.run(
        [*CONSOLE, "pipeline", "compile", name, "--out", str(folder / "package.yaml")],
        env={"PATH": "", "PYTHONPATH": str(ROOT), "HRGLDD_PROFILES": str(profiles)},
        capture_output=True, text=True, check=False, cwd=folder,
    )  # fmt: skip


def test_operator_s_file_decides(tmp_path):
    file = changed(tmp_path, "steps", "map_scenes", "profile", value="cpu-map")
    changed(tmp_path, "spot", "node_selector", value={"pool": "spot"}, of=file)
    changed(tmp_path, "profiles", "cpu-map", "spot", value=True, of=file)
    changed(tmp_path, "steps", "map_scenes", "parallel", value=3, of=file)
    done = compile_with(tmp_path, file)
    assert done.returncode == 0, done.stderr
    spec, platform = yaml.safe_load_all((tmp_path / "package.yaml").read_text())
    resources = spec["deploymentSpec"]["executors"]["exec-map-scenes"]["container"]["resources"]
    assert "accelerator" not in resources
    assert resources["resourceMemoryLimit"] == "12Gi"
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert executors["exec-map-scenes"]["nodeSelector"] == {"labels": {"pool": "spot"}}
    loop = spec["components"]["comp-exit-handler-1"]["dag"]["tasks"]["for-loop-2"]
    assert loop["iteratorPolicy"] == {"parallelismLimit": 3}


def test_mistake_in_the_operator_s_file_is_one_line(tmp_path):
    file = changed(tmp_path, "profiles", "gpu-map", "gpus", value=2)
    done = compile_with(tmp_path, file)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith(f"hrgldd: {file}: profiles.gpu-map.gpus: unknown field. ")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "package.yaml").exists()
    file = changed(tmp_path, "steps", "map_scenes")
    done = compile_with(tmp_path, file)
    assert "no step 'map_scenes' in the profiles" in done.stderr


def test_plain_kfp_compiles_the_same_package(tmp_path):
    kfp = shutil.which("kfp", path=str(Path(sys.executable).parent))
    environment = {"PYTHONPATH": str(ROOT), "PATH": "", "PYTHONHASHSEED": "1"}
    for name in ("build_dataset", "map_event", "train_benchmark"):
        plain = tmp_path / f"{name}-kfp.yaml"
        subprocess.run(
            [kfp, "dsl", "compile", "--py", str(ROOT / f"pipelines/{name}.py"), "--output",
             str(plain)],
            env=environment, check=True, capture_output=True, cwd=tmp_path,
        )  # fmt: skip
        done = compile_with(tmp_path, OWN, name)
        assert done.returncode == 0, done.stderr
        assert plain.read_bytes() == (tmp_path / "package.yaml").read_bytes(), name


def test_gpu_steps_without_their_image_are_named(tmp_path):
    assert "map_scenes: asks for a GPU" in compile_with(tmp_path, OWN).stderr
    file = changed(tmp_path, "steps", "map_scenes", "profile", value="cpu-map")
    assert "asks for a GPU" not in compile_with(tmp_path, file).stderr
