"""What schemas cannot say: scopes, names that must agree, security of every pod."""

from __future__ import annotations

import json
import re

import pytest

from tests.support import ROOT

CLUSTER_SCOPED = {
    "ClusterQueue", "Configuration", "Namespace", "PriorityClass", "Profile", "ResourceFlavor",
    "WorkloadPriorityClass",
}  # fmt: skip
ELSEWHERE = {("NetworkPolicy", "hrgldd-allow-monitoring"): "kubeflow"}
UNITS = {"": 1, "m": 1e-3, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def _all(rendered, kind, target=None):
    return [
        d for name, documents in rendered.items() if target in (None, name)
        for d in documents if d["kind"] == kind
    ]  # fmt: skip


def _pods(rendered):
    for kind in ("Job", "Deployment"):
        for document in _all(rendered, kind):
            yield document["spec"]["template"]["spec"]
    for document in _all(rendered, "DaskCluster"):
        yield document["spec"]["worker"]["spec"]
        yield document["spec"]["scheduler"]["spec"]


def _amount(text):
    number, unit = re.fullmatch(r"([\d.]+)([a-zA-Z]*)", str(text)).groups()
    return float(number) * UNITS[unit]


def test_namespaces_are_where_they_belong(rendered):
    for documents in rendered.values():
        for document in documents:
            given = document.get("metadata", {}).get("namespace")
            name = document.get("metadata", {}).get("name")
            expected = None if document["kind"] in CLUSTER_SCOPED else "hrgldd"
            # A network policy selects pods of its own namespace only.
            expected = ELSEWHERE.get((document["kind"], name), expected)
            assert given == expected, (document["kind"], name)
    for binding in _all(rendered, "RoleBinding"):
        assert [s["namespace"] for s in binding["subjects"]] == ["hrgldd"]


def test_no_secret_is_in_the_repository(rendered):
    assert _all(rendered, "Secret") == []


def test_every_pod_is_restricted_and_bounded(rendered):
    pods = list(_pods(rendered))
    assert len(pods) == 6
    for pod in pods:
        context = pod["securityContext"]
        assert context["runAsNonRoot"]
        assert context["runAsUser"] > 0
        assert context["seccompProfile"]["type"] == "RuntimeDefault"
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"]:
            security = container["securityContext"]
            assert security["readOnlyRootFilesystem"]
            assert security["allowPrivilegeEscalation"] is False
            assert security["capabilities"]["drop"] == ["ALL"]
            assert set(container["resources"]["requests"]) >= {"cpu", "memory"}
            assert container["resources"]["limits"]["memory"]


@pytest.mark.parametrize("overlay", ["k8s/overlays/gke", "k8s/overlays/kind"])
def test_names_that_tasks_use_are_there(rendered, overlay):
    classes = {d["metadata"]["name"]: d for d in _all(rendered, "PriorityClass", overlay)}
    assert set(classes) == {"hrgldd-event", "hrgldd-batch"}
    assert classes["hrgldd-event"]["value"] > classes["hrgldd-batch"]["value"]
    for pod in _pods(rendered):
        assert pod.get("priorityClassName", "hrgldd-event") in classes
    queues = {d["metadata"]["name"] for d in _all(rendered, "LocalQueue", overlay)}
    assert queues == ({"hrgldd-cpu", "hrgldd-gpu"} if overlay.endswith("gke") else set())


def test_queues_lead_to_flavors(rendered):
    flavors = {d["metadata"]["name"] for d in _all(rendered, "ResourceFlavor")}
    queues = {d["metadata"]["name"]: d["spec"] for d in _all(rendered, "ClusterQueue")}
    assert {d["spec"]["clusterQueue"] for d in _all(rendered, "LocalQueue")} == set(queues)
    named = set()
    for spec in queues.values():
        for group in spec["resourceGroups"]:
            for flavor in group["flavors"]:
                named.add(flavor["name"])
                # The order is part of what Kueue asks for.
                assert [r["name"] for r in flavor["resources"]] == group["coveredResources"]
    assert named == flavors


def test_what_queues_let_in_the_quota_allows(rendered):
    (quota,) = _all(rendered, "ResourceQuota", "k8s/overlays/gke")
    total = {}
    for queue in _all(rendered, "ClusterQueue"):
        for group in queue["spec"]["resourceGroups"]:
            for flavor in group["flavors"]:
                for resource in flavor["resources"]:
                    name = resource["name"]
                    total[name] = total.get(name, 0) + _amount(resource["nominalQuota"])
    hard = quota["spec"]["hard"]
    assert total == {k: v for k, v in total.items() if v <= _amount(hard[f"requests.{k}"])}


def test_gpus_only_where_an_overlay_has_them(rendered):
    gpus = {
        target: [d["spec"]["hard"]["requests.nvidia.com/gpu"] for d in documents
                 if d["kind"] == "ResourceQuota"]
        for target, documents in rendered.items()
    }  # fmt: skip
    assert gpus["k8s/base"] == gpus["k8s/overlays/kind"] == ["0"]
    assert gpus["k8s/overlays/gke"] == ["24"]


def test_settings_of_gke_reach_what_they_are_for(rendered):
    documents = rendered["k8s/overlays/gke"]
    (settings,) = (d["data"] for d in documents if d["metadata"]["name"] == "hrgldd-settings")
    (account,) = (
        d for d in documents
        if d["kind"] == "ServiceAccount" and d["metadata"]["name"] == "hrgldd-pipeline"
    )  # fmt: skip
    annotation = account["metadata"]["annotations"]["iam.gke.io/gcp-service-account"]
    assert annotation == settings["IDENTITY"]
    (launcher,) = (d["data"] for d in documents if d["metadata"]["name"] == "kfp-launcher")
    assert launcher["defaultPipelineRoot"] == settings["PIPELINE_ROOT"]
    rules = [rule for d in documents if d["kind"] == "Role" for rule in d["rules"]]
    assert "secrets" not in {r for rule in rules for r in rule["resources"]}


def test_pools_have_the_taints_and_labels_that_flavors_name(rendered):
    script = (ROOT / "k8s/gke/cluster.sh").read_text()
    for flavor in _all(rendered, "ResourceFlavor"):
        spec = flavor["spec"]
        for taint in spec.get("nodeTaints", []):
            assert f"{taint['key']}={taint['value']}:{taint['effect']}" in script
        if pool := spec["nodeLabels"].get("hrgldd.org/pool"):
            assert f"--node-labels hrgldd.org/pool={pool})" in script
            assert f"\n{pool}=(" in script
        # Each flavor is of our pools only, never of the cluster's own nodes.
        assert {"hrgldd.org/pool", "cloud.google.com/gke-accelerator"} & set(spec["nodeLabels"])
        if gpu := spec["nodeLabels"].get("cloud.google.com/gke-accelerator"):
            assert f"type={gpu}," in script


def test_intermediate_objects_go_and_results_stay():
    from hrgldd_core.mapping import work

    rules = json.loads((ROOT / "k8s/gke/lifecycle.json").read_text())["rule"]
    deleting = [
        r["condition"] for r in rules if r["action"]["type"] == "Delete"
    ]  # fmt: skip
    assert all({"matchesPrefix", "matchesSuffix"} & set(c) for c in deleting)
    assert {s for c in deleting for s in c.get("matchesSuffix", [])} == {work._SUFFIX}
