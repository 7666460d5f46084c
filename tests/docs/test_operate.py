"""The operator's guide: what it names is there, and what it applies renders."""

from __future__ import annotations

import json
import re

import pytest

from hrgldd_core.cli import main
from tests.k8s.conftest import TARGETS
from tests.support import ROOT

GUIDES = ("docs/operate.md", "docs/scale.md", "k8s/README.md", "images/README.md")
FOLDERS = "k8s|images|pipelines|components|requirements|benchmarks|docs|tests|hrgldd_core|\\.ci"


def _text(guide):
    return (ROOT / guide).read_text()


@pytest.mark.parametrize("guide", GUIDES)
def test_files_that_are_named_are_there(guide):
    named = set(re.findall(rf"(?<![\w/.-])((?:{FOLDERS})/[\w./-]*\w)", _text(guide)))
    assert named
    places = (ROOT, (ROOT / guide).parent)
    assert sorted(n for n in named if not any((p / n).exists() for p in places)) == []


@pytest.mark.parametrize("guide", GUIDES)
def test_links_lead_somewhere(guide):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", _text(guide))
    assert [link for link in links if not (ROOT / guide).parent.joinpath(link).exists()] == []


def test_what_is_applied_is_rendered_by_the_tests():
    applied = set()
    for guide in ("docs/operate.md", "k8s/README.md"):
        applied |= set(re.findall(r"kubectl (?:apply|delete) -k (\S+)", _text(guide)))
        applied |= set(re.findall(r"kubectl kustomize (\S+)", _text(guide)))
    assert {"k8s/overlays/gke", "k8s/overlays/kind"} <= applied
    assert {"k8s/doctor", "k8s/doctor-gpu", "k8s/dask-cluster", "k8s/shell"} <= applied
    assert applied <= set(TARGETS)


def test_quotas_are_those_of_the_pools():
    """Cores, disks and GPUs of `cluster.sh`: of the cluster itself, and with all pools full."""
    script = (ROOT / "k8s/gke/cluster.sh").read_text()
    shapes = re.findall(
        r"(?m)^(cpu|gpu)=\(--machine-type (\S+)-standard-(\d+) --disk-size (\d+)(.*(?:\n  .*)*)",
        script,
    )
    shape = {name: (family, int(cores), int(disk)) for name, family, cores, disk, _ in shapes}
    first = re.search(
        r"--num-nodes (\d+) --machine-type e2-standard-(\d+) --disk-size (\d+)", script
    )
    nodes, cores, disk = map(int, first.groups())
    nodes *= 3  # zones of a region
    begin = {"CPUS_ALL_REGIONS": nodes * cores, "CPUS": nodes * cores, "SSD_TOTAL_GB": nodes * disk}
    two, full = dict(begin), dict(begin)
    pools = re.findall(r'(?m)^pool (\S+) "\$\{(\w+)\[@\]\}" --total-max-nodes (\d+)', script)
    assert len(pools) == 4
    for name, kind, most in pools:
        family, cores, disk = shape[kind]
        add = {"CPUS_ALL_REGIONS": cores, "SSD_TOTAL_GB": disk}
        add["N2D_CPUS" if family == "n2d" else "CPUS"] = cores
        if kind == "gpu":
            spot = "PREEMPTIBLE_" if name.endswith("spot") else ""
            add |= {"GPUS_ALL_REGIONS": 1, f"{spot}NVIDIA_L4_GPUS": 1}
        for quota, each in add.items():
            full[quota] = full.get(quota, 0) + each * int(most)
            if kind == "cpu":
                two[quota] = two.get(quota, 0) + each
    rows = re.findall(r"(?m)^\| `([A-Z0-9_]+)`[^|]*((?:\| \d+ ){3})\|$", _text("docs/operate.md"))
    assert {quota: tuple(map(int, re.findall(r"\d+", row))) for quota, row in rows} == {
        quota: (begin.get(quota, 0), two.get(quota, 0), most) for quota, most in full.items()
    }


def test_settings_that_are_replaced_are_there():
    settings = (ROOT / "k8s/overlays/gke/settings.env").read_text()
    assert "my-project" in settings
    assert re.search(r"(?m)^STAC_URL=", settings)
    assert "user@example.com" in (ROOT / "k8s/prerequisites/profile.yaml").read_text()
    # The two overlays give what the doctor's job reads.
    for overlay in ("gke", "kind"):
        given = (ROOT / f"k8s/overlays/{overlay}/settings.env").read_text()
        assert {"BUCKET_URI", "STAC_URL"} <= set(re.findall(r"(?m)^([A-Z_]+)=", given))


def test_commands_and_options_of_the_doctor_are_there():
    command = main.get_command(None, "doctor")
    options = {o for p in command.params for o in p.opts}
    used = set()
    for guide in GUIDES:
        for line in re.findall(r"hrgldd doctor([^`\n#]*)", _text(guide)):
            used |= set(re.findall(r"--[a-z-]+", line))
    job = (ROOT / "k8s/doctor/job.yaml").read_text()
    used |= set(re.findall(r"--[a-z-]+", job))
    assert used <= options


def test_the_lifecycle_is_json():
    assert json.loads((ROOT / "k8s/gke/lifecycle.json").read_text())["rule"]
