"""The operator's guide, walked: its commands, in their order, as they are copied.

Real are make, the hrgldd and kfp commands, the KFP API (over HTTP), sed, and kubectl as far as it
works without a cluster; `stand_in` says what becomes of the rest.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs import stand_in
from tests.k8s.conftest import TOOLS
from tests.servers.kfp import kfp_server
from tests.support import ROOT

GUIDE = "docs/operate.md"
STOOD_IN = ("kubectl", "docker", "gcloud", "git", "helm", "kind", "kustomize", "sudo")
SUMMARY = {"status": "done", "event": "e", "scenes": 2, "polygons": 7, "missing": {}}
# What a reader fills in.
FILLED = {
    "YOUR_STAC_API": "stac.example.org/v1",
    "YOUR_PROJECT": "a-project",
    "YOUR_USER": "me@example.org",
    "YOUR_RELEASE": "v1",
    "YOUR_COLLECTION": "analytic",
}


def commands(text):
    """The shell commands of a guide."""
    return re.findall(r"(?ms)^```bash\n(.*?)^```", text)


def walk(text):
    """The guide as one script: each section in a shell of its own, as after a night's sleep."""
    first, *later = (commands(part) for part in re.split(r"(?m)^## ", text))
    shells = ["\n".join(first)]
    shells += ["\n".join(["source out/operate.env", *blocks]) for blocks in later if blocks]
    return "\n".join(["set -euo pipefail", *(f"(\n{shell}\n)" for shell in shells)])


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """Every command that was stood in for, the runs that were started, and where all happened."""
    if not (TOOLS / "kubectl").exists():
        pytest.skip(f"no tools in {TOOLS}: make k8s-tools")
    folder = tmp_path_factory.mktemp("walk")
    checkout, programs, log = folder / "checkout", folder / "programs", folder / "log"
    left = shutil.ignore_patterns(".git", ".venv", ".cache", "out", ".*_cache", "__pycache__")
    shutil.copytree(ROOT, checkout, ignore=left)
    # Newer than all it depends on, so that nothing is installed.
    (checkout / ".venv").mkdir()
    for part in ("bin", "lib", "pyvenv.cfg"):
        (checkout / ".venv" / part).symlink_to(Path(sys.prefix) / part)
    (checkout / ".venv/ready").touch()
    programs.mkdir()
    for name in STOOD_IN:
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec {sys.executable} {stand_in.__file__} {name} "$@"\n')
        program.chmod(0o755)
    result = folder / "result"
    result.mkdir()
    (result / "manifest.json").write_text(json.dumps({"summary": SUMMARY}))
    (result / "collection.json").write_text("{}")
    script = walk((checkout / GUIDE).read_text())
    for what, filled in {**FILLED, "gs://YOUR_BUCKET/events/vilangad": str(result)}.items():
        assert what in script, f"{GUIDE} no longer has {what!r}"
        script = script.replace(what, filled)
    assert "…" not in script
    with kfp_server() as server:
        # The port-forward's other end.
        script = script.replace("http://localhost:8888", server.url)
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("HRGLDD_")},
            "PATH": f"{programs}:{os.environ['PATH']}",
            "WALK": str(log),
            "KUBECTL": str(TOOLS / "kubectl"),
            # KFP's command keeps its namespace there.
            "HOME": str(folder),
        }
        # The checkout's own programs come first in the guide; what is stood in for must not.
        script = script.replace("$PWD/.venv/bin:", f"{programs}:$PWD/.venv/bin:")
        done = subprocess.run(
            ["bash", "-c", script], cwd=checkout, env=environment, capture_output=True, text=True,
            check=False, timeout=500,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    calls = [json.loads(line) for line in log.read_text().splitlines()]
    return calls, list(server.runs.values()), checkout


def _at(calls, *words):
    """Place of the first call that begins so."""
    return next(i for i, call in enumerate(calls) if call[: len(words)] == list(words))


def test_what_comes_later_needs_what_came_before(walked):
    calls, _, _ = walked
    steps = [
        _at(calls, "gcloud", "container", "clusters", "create"),
        _at(calls, "gcloud", "compute", "firewall-rules", "create"),
        _at(calls, "gcloud", "container", "node-pools", "create", "gpu-spot"),
        _at(calls, "kustomize", "build"),
        _at(calls, "kubectl", "wait", "-n", "kubeflow", "--for=condition=Available"),
        _at(calls, "helm", "install", "monitoring"),
        _at(calls, "kubectl", "apply", "-f", "k8s/prerequisites/profile.yaml"),
        _at(calls, "gcloud", "iam", "service-accounts", "add-iam-policy-binding"),
        # The laptop's image first: what GKE's block sets comes after it.
        _at(calls, "kind", "load"),
        _at(calls, "docker", "push"),
        _at(calls, "kubectl", "apply", "-k", "k8s/overlays/gke"),
        _at(calls, "kubectl", "replace", "--force"),
        _at(calls, "kubectl", "wait", "-n", "hrgldd", "--for=jsonpath={.status.ready}=1"),
        _at(calls, "kubectl", "logs"),
        _at(calls, "kubectl", "port-forward"),
        _at(calls, "kubectl", "exec"),
        _at(calls, "kubectl", "delete", "-f", "k8s/prerequisites/profile.yaml"),
        _at(calls, "kubectl", "delete", "-k", "k8s/overlays/gke"),
        _at(calls, "kubectl", "delete", "pvc", "--all", "-n", "kubeflow"),
        _at(calls, "gcloud", "container", "clusters", "delete"),
        _at(calls, "gcloud", "compute", "firewall-rules", "delete"),
        _at(calls, "gcloud", "compute", "routers", "delete"),
        _at(calls, "gcloud", "iam", "service-accounts", "delete"),
    ]
    assert steps == sorted(steps)


def test_both_ways_to_start_a_run_start_one(walked):
    _, runs, _ = walked
    names = [run["pipeline_spec"]["pipeline_spec"]["pipelineInfo"]["name"] for run in runs]
    assert names == ["map-event", "map-event"]
    first, second = (run["runtime_config"]["parameters"] for run in runs)
    assert first == second
    assert first["bbox"] == "75.749,11.764,75.81,11.817"


def test_packages_name_the_image_by_digest(walked):
    _, _, checkout = walked
    packages = sorted((checkout / "out/packages").glob("*.yaml"))
    assert [p.stem for p in packages] == ["build_dataset", "map_event", "train_benchmark"]
    place = "europe-west4-docker.pkg.dev/a-project/hrgldd"
    cpu, gpu = (f"{place}/{name}@{stand_in.DIGEST}" for name in ("hrgldd", "hrgldd-gpu"))
    for package in packages:
        images = set(re.findall(r"(?m)^\s+image: (\S+)", package.read_text()))
        assert images == ({cpu} if package.stem == "build_dataset" else {cpu, gpu})


def test_settings_were_filled_in(walked):
    _, _, checkout = walked
    settings = (checkout / "k8s/overlays/gke/settings.env").read_text()
    assert "PROJECT=a-project" in settings
    assert "STAC_URL=https://stac.example.org/v1" in settings
    assert "me@example.org" in (checkout / "k8s/prerequisites/profile.yaml").read_text()


def test_istio_is_the_one_for_gke(walked):
    _, _, checkout = walked
    found = (checkout.parent / "kubeflow/example/kustomization.yaml").read_text()
    changed = stand_in.ISTIO.replace(
        "overlays/oauth2-proxy\n# - ../common/istio", "overlays/gke\n# - ../common/istio", 1
    )
    assert found == changed != stand_in.ISTIO


def test_jobs_are_waited_for_by_what_is_there_at_once(walked):
    """`kubectl wait pod -l` ends at once while there is no pod; a job is there when it is made."""
    calls, _, _ = walked
    waits = [call for call in calls if call[:2] == ["kubectl", "wait"]]
    assert [call for call in waits if "pod" in call] == []
    waited = {call[-1] for call in waits if any("status.ready" in word for word in call)}
    assert waited == {"job/hrgldd-doctor", "job/hrgldd-doctor-gpu", "job/hrgldd-shell"}


def test_scripts_for_gke_can_be_run_again(walked):
    calls, _, checkout = walked
    log = checkout.parent / "again"
    log.write_text("".join(f"{json.dumps(call)}\n" for call in calls if call[0] == "gcloud"))
    before = len(log.read_text().splitlines())
    for script in ("cluster", "bucket", "identity"):
        subprocess.run(
            [checkout / f"k8s/gke/{script}.sh"], check=True, capture_output=True,
            env={**os.environ, "PATH": f"{checkout.parent}/programs:{os.environ['PATH']}",
                 "WALK": str(log)},
        )  # fmt: skip
    again = [json.loads(line) for line in log.read_text().splitlines()[before:]]
    assert again
    assert [call for call in again if "create" in call] == []
