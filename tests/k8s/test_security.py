"""Checkov over all that is rendered and the Dockerfile; what it is told to leave out is used."""

from __future__ import annotations

import json
import shutil
import subprocess
from itertools import pairwise

import pytest
import yaml

from tests.support import ROOT

CONFIG = ROOT / ".ci/checkov.yaml"


@pytest.fixture
def failing(tools, tmp_path):
    """A function: documents to the checks that fail, the Dockerfile's among them."""

    def run(documents):
        folder = tmp_path / "judged"
        folder.mkdir()
        (folder / "all.yaml").write_text(yaml.safe_dump_all(documents))
        shutil.copy(ROOT / "images/Dockerfile", folder)
        done = subprocess.run(
            [
                tools / "checkov", "-d", folder, "--framework", "kubernetes", "dockerfile",
                "--skip-download", "--compact", "--quiet", "-o", "json",
            ],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        reports = {r["check_type"]: r for r in json.loads(done.stdout)}
        assert set(reports) == {"kubernetes", "dockerfile"}
        assert not any(r["summary"]["parsing_errors"] for r in reports.values())
        return {
            c["check_id"] for r in reports.values() for c in r["results"]["failed_checks"]
        }  # fmt: skip

    return run


def test_only_what_is_explained_fails(rendered, failing):
    explained = set(yaml.safe_load(CONFIG.read_text())["skip-check"])
    built_in = [d for name in rendered if name.startswith("k8s/") for d in rendered[name]]
    assert failing(built_in) == explained


def test_each_suppression_has_a_reason():
    lines = CONFIG.read_text().splitlines()
    for before, line in pairwise(lines):
        if line.strip().startswith("- "):
            assert before.strip().startswith("# "), line


def test_a_pod_with_too_many_rights_is_found(rendered, failing):
    (job,) = (d for d in rendered["k8s/doctor"] if d["kind"] == "Job")
    container = job["spec"]["template"]["spec"]["containers"][0]
    changed = container | {"securityContext": {"privileged": True}}
    pod = job["spec"]["template"]["spec"] | {"containers": [changed], "hostNetwork": True}
    job = job | {"spec": {"template": {"spec": pod}}}
    assert failing([job]) >= {"CKV_K8S_16", "CKV_K8S_19", "CKV_K8S_22"}
