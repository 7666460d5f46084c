"""The Dockerfile and what it is given; building it is .ci/images."""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.k8s.conftest import TOOLS
from tests.support import ROOT

FRAMEWORK = re.compile(r"tensorflow|nvidia-")


@pytest.fixture(scope="module")
def tools():
    if not (TOOLS / "hadolint").exists():
        pytest.skip(f"no tools in {TOOLS}: make k8s-tools")
    return TOOLS


def _locked(name):
    text = (ROOT / f"requirements/{name}.txt").read_text()
    return dict(re.findall(r"(?m)^([a-z0-9._-]+)==([^ ;\\]+)", text))


def test_the_gpu_image_differs_from_the_cpu_image_in_the_framework_only():
    cpu, gpu = _locked("cpu"), _locked("gpu")
    assert gpu["tensorflow"] == cpu["tensorflow-cpu"]
    assert any(name.startswith("nvidia-cudnn") for name in gpu)
    differing = {n for n in cpu.keys() | gpu.keys() if cpu.get(n) != gpu.get(n)}
    assert {n for n in differing if not FRAMEWORK.match(n)} == set()


def test_the_driver_is_found_where_gke_mounts_it():
    shipped = (ROOT / "images/Dockerfile").read_text().rpartition("\nFROM ")[2]
    (environment,) = re.findall(r"(?m)^ENV ((?:.*\\\n)*.*)$", shipped)
    assert "LD_LIBRARY_PATH=/usr/local/nvidia/lib64" in environment.split()


def test_the_dockerfile_is_in_style(tools):
    done = subprocess.run(
        [tools / "hadolint", ROOT / "images/Dockerfile"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_scripts_are_sound(tools):
    scripts = [ROOT / ".ci/run", ROOT / ".ci/images", *(ROOT / "k8s/gke").glob("*.sh")]
    done = subprocess.run(
        [tools / "shellcheck", "-x", *scripts],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
