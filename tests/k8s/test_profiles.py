"""What profiles of pipelines ask for, the overlays have: priorities, queues, flavors, quota."""

from __future__ import annotations

import re

import pytest
import yaml

from tests.support import ROOT

PAIRS = {"k8s/overlays/gke": "profiles.yaml", "k8s/overlays/kind": "profiles-kind.yaml"}
UNITS = {"m": 1e-3, "Gi": 2**30, "Ti": 2**40}


@pytest.fixture(params=PAIRS)
def pair(request, rendered):
    """The manifests of an overlay, and the profiles that are for it."""
    pytest.importorskip("pipelines.profiles", reason="no profiles here")
    text = (ROOT / "pipelines" / PAIRS[request.param]).read_text()
    return rendered[request.param], yaml.safe_load(text)


def _amount(quantity):
    text = str(quantity)
    unit = next((u for u in UNITS if text.endswith(u)), "")
    return float(text.removesuffix(unit)) * UNITS.get(unit, 1)


def _named(documents, kind):
    return {d["metadata"]["name"]: d for d in documents if d["kind"] == kind}


def _tolerated(taint, tolerations):
    return any(
        t["key"] == taint["key"]
        and t.get("effect") in (None, taint["effect"])
        and (t.get("operator") == "Exists" or t.get("value") == taint["value"])
        for t in tolerations
    )


def test_priorities_and_queues_are_there(pair):
    documents, file = pair
    classes, queues = _named(documents, "WorkloadPriorityClass"), _named(documents, "LocalQueue")
    for name, profile in file["profiles"].items():
        assert profile.get("priority") is None or profile["priority"] in classes, name
        assert profile.get("queue") is None or profile["queue"] in queues, name


def test_priorities_of_pods_and_of_queues_agree(pair):
    documents, _ = pair
    of_pods, of_queues = (
        {name: found["value"] for name, found in _named(documents, kind).items()}
        for kind in ("PriorityClass", "WorkloadPriorityClass")
    )
    assert not of_queues or of_queues == of_pods


def test_every_queued_profile_fits_a_flavor(pair):
    documents, file = pair
    flavors = _named(documents, "ResourceFlavor")
    queues = _named(documents, "ClusterQueue")
    for name, profile in file["profiles"].items():
        if not profile.get("queue"):
            continue
        gpu = profile.get("gpu")
        tolerations = [
            *(file["gpu"]["tolerations"] if gpu else []),
            *(file["spot"]["tolerations"] if profile.get("spot") else []),
        ]
        asked = {
            "cpu": _amount(profile["cpu"]["request"]),
            "memory": _amount(profile["memory"]["request"]),
            "ephemeral-storage": _amount(profile["scratch"]),
            **({file["gpu"]["resource"]: gpu["count"]} if gpu else {}),
        }
        fitting = []
        for flavor in queues[profile["queue"]]["spec"]["resourceGroups"][0]["flavors"]:
            spec = flavors[flavor["name"]]["spec"]
            has = {r["name"]: _amount(r["nominalQuota"]) for r in flavor["resources"]}
            label = spec["nodeLabels"].get(file["gpu"]["node_label"])
            if (
                all(_tolerated(t, tolerations) for t in spec.get("nodeTaints", []))
                and label == (gpu["type"] if gpu else None)
                and all(has.get(k, 0) >= v for k, v in asked.items())
            ):
                fitting.append(flavor["name"])
        assert fitting, name
        # Spot where it is tolerated, and on-demand as a way out.
        assert [f.endswith("spot") for f in fitting] == (
            [True, False] if profile.get("spot") else [False]
        )


def test_an_event_fits_beside_two_long_steps(rendered):
    """Long steps have its priority and are never preempted; mapping itself may be on spot nodes."""
    file = yaml.safe_load((ROOT / "pipelines/profiles.yaml").read_text())
    queue = _named(rendered["k8s/overlays/gke"], "ClusterQueue")["hrgldd-cpu"]
    flavors = queue["spec"]["resourceGroups"][0]["flavors"]
    (stays,) = (f for f in flavors if f["name"].endswith("on-demand"))
    has = {r["name"]: _amount(r["nominalQuota"]) for r in stays["resources"]}
    together = ["cpu-large", "cpu-large", "cpu-small", "cpu-publish"]
    for resource in ("cpu", "memory"):
        asked = sum(_amount(file["profiles"][name][resource]["request"]) for name in together)
        assert asked <= has[resource], resource


def test_a_step_at_its_widest_stays_within_the_quota(pair):
    documents, file = pair
    (quota,) = _named(documents, "ResourceQuota").values()
    hard = quota["spec"]["hard"]
    for name, step in file["steps"].items():
        profile, wide = file["profiles"][step["profile"]], step.get("parallel", 1)
        assert wide <= int(hard["pods"])
        limit = wide * _amount(profile["memory"]["limit"])
        assert limit <= _amount(hard["limits.memory"]), name
        if not profile.get("queue"):
            assert wide * _amount(profile["cpu"]["request"]) <= _amount(hard["requests.cpu"]), name
            asked = wide * _amount(profile["memory"]["request"])
            assert asked <= _amount(hard["requests.memory"]), name


def test_scratch_stays_below_what_a_pod_is_evicted_for(pair):
    documents, file = pair
    (limits,) = _named(documents, "LimitRange").values()
    (container,) = limits["spec"]["limits"]
    most = _amount(container["default"]["ephemeral-storage"])
    for name, profile in file["profiles"].items():
        assert _amount(profile["scratch"]) <= most, name


def test_the_doctor_for_gpus_goes_where_gpu_tasks_go(rendered):
    file = yaml.safe_load((ROOT / "pipelines/profiles.yaml").read_text())
    profile = file["profiles"]["gpu-map"]
    (job,) = (d for d in rendered["k8s/doctor-gpu"] if d["kind"] == "Job")
    assert job["metadata"]["labels"] == {
        "kueue.x-k8s.io/queue-name": profile["queue"],
        "kueue.x-k8s.io/priority-class": profile["priority"],
    }
    pod = job["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {file["gpu"]["node_label"]: profile["gpu"]["type"]}
    assert pod["tolerations"] == file["gpu"]["tolerations"]
    (container,) = pod["containers"]
    assert container["resources"]["limits"][file["gpu"]["resource"]] == "1"
    assert "--gpu" in container["args"]
    (plain,) = (d for d in rendered["k8s/doctor"] if d["kind"] == "Job")
    args = plain["spec"]["template"]["spec"]["containers"][0]["args"]
    assert [a for a in container["args"] if a != "--gpu"] == args


# Of a machine type, what tasks can have: cores and bytes of memory, less what Kubernetes takes.
MACHINES = {"n2d-standard-8": (7.9, 28.5 * 2**30), "g2-standard-8": (7.9, 28.5 * 2**30)}
IMAGE_GIB = 8


def test_scratch_of_all_tasks_that_fit_on_a_node_fits_on_its_disk():
    """GKE keeps a tenth of a disk, and the least of half, 6 GiB and 35 %, and 100 GiB of it."""
    script = (ROOT / "k8s/gke/cluster.sh").read_text()
    pools = re.findall(
        r"(?m)^(cpu|gpu)=\(--machine-type (\S+) --disk-size (\d+)(?:\n.*count=(\d))?", script
    )
    assert [pool[0] for pool in pools] == ["cpu", "gpu"]
    file = yaml.safe_load((ROOT / "pipelines/profiles.yaml").read_text())
    for pool, machine, disk, gpus in pools:
        size = int(disk)
        free = size - 0.1 * size - min(0.5 * size, 6 + 0.35 * size, 100) - IMAGE_GIB
        cores, memory = MACHINES[machine]
        for name, profile in file["profiles"].items():
            if ("gpu" in profile) != (pool == "gpu"):
                continue
            most = min(
                cores // _amount(profile["cpu"]["request"]),
                memory // _amount(profile["memory"]["request"]),
                int(gpus) // profile["gpu"]["count"] if pool == "gpu" else 1000,
            )
            assert most * _amount(profile["scratch"]) / 2**30 <= free, (pool, name)


def test_a_sweep_that_waits_leaves_room_for_an_event(rendered):
    """Pods in Kueue's queues count in the namespace's quota."""
    file = yaml.safe_load((ROOT / "pipelines/profiles.yaml").read_text())
    asked = sum(
        step.get("parallel", 1) * file["profiles"][step["profile"]]["gpu"]["count"]
        for step in file["steps"].values()
        if "gpu" in file["profiles"][step["profile"]]
    )
    (quota,) = _named(rendered["k8s/overlays/gke"], "ResourceQuota").values()
    assert asked == 24 <= int(quota["spec"]["hard"]["requests.nvidia.com/gpu"])
