"""Manifests as kubectl renders them, and the tools that judge them (``make k8s-tools``)."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.support import ROOT

TOOLS = Path(os.environ.get("HRGLDD_K8S_TOOLS", ROOT / ".cache/k8s-tools")) / "bin"
TARGETS = sorted(
    str(file.parent.relative_to(ROOT))
    for file in (ROOT / "k8s").rglob("kustomization.yaml")
    if "kind: Component" not in file.read_text()
)
PLAIN = sorted(str(p.relative_to(ROOT)) for p in (ROOT / "k8s/prerequisites").glob("*.yaml"))


@pytest.fixture(scope="session")
def tools() -> Path:
    """The folder of programs."""
    if not (TOOLS / "kubectl").exists():
        pytest.skip(f"no tools in {TOOLS}: make k8s-tools")
    return TOOLS


@pytest.fixture(scope="session")
def rendered(tools):
    """Documents by target: Kustomize folders and plain files."""
    found = {}
    for target in TARGETS:
        done = subprocess.run(
            [tools / "kubectl", "kustomize", ROOT / target],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (target, done.stderr)
        found[target] = [d for d in yaml.safe_load_all(done.stdout) if d]
    for file in PLAIN:
        found[file] = [d for d in yaml.safe_load_all((ROOT / file).read_text()) if d]
    return found


@pytest.fixture(scope="session")
def judged(tools):
    """A function: manifests to ``[kind, name, problem]`` of each that is wrong."""

    def judge(documents):
        done = subprocess.run(
            [tools / "python", ROOT / "tests/k8s/judge.py"],
            input=yaml.safe_dump_all(documents), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return judge
