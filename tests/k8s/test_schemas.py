"""Every manifest is valid by the schema of its kind, and no kind goes unjudged."""

from __future__ import annotations

from copy import deepcopy

import pytest

from tests.k8s.conftest import PLAIN, TARGETS

# What is wrong in each kind: a value of the wrong type or out of its range, at this path.
PLANTED = {
    "ClusterQueue": (("spec", "queueingStrategy"), "Random"),
    "ConfigMap": (("data",), {"KEY": 1}),
    "Configuration": (("integrations", "frameworks"), ["pods"]),
    "DaskCluster": (("spec", "worker", "spec", "containers", 0, "resources", "limits"), [1]),
    "Deployment": (("spec", "replicas"), "one"),
    "Job": (("spec", "template", "spec", "containers", 0, "args"), "doctor"),
    "LimitRange": (("spec", "limits"), "none"),
    "LocalQueue": (("spec", "clusterQueue"), 1),
    "Namespace": (("metadata", "labels"), ["restricted"]),
    "NetworkPolicy": (("spec", "policyTypes"), "Egress"),
    "PersistentVolumeClaim": (("spec", "accessModes"), "ReadWriteOnce"),
    "PodDefault": (("spec", "envFrom"), [{"secretRef": "s3"}]),
    "PodDisruptionBudget": (("spec", "selector"), "scheduler"),
    "PodMonitor": (("spec", "podMetricsEndpoints", 0, "honorLabels"), [1]),
    "PriorityClass": (("value",), "high"),
    "Profile": (("spec", "owner", "kind"), "Robot"),
    "PrometheusRule": (("spec", "groups", 0, "rules", 0, "expr"), "sum(up"),
    "ResourceFlavor": (("spec", "nodeTaints"), [{"key": "spot", "effect": "Never"}]),
    "ResourceQuota": (("spec", "hard"), ["pods"]),
    "Role": (("rules", 0, "verbs"), "get"),
    "RoleBinding": (("subjects",), "hrgldd-pipeline"),
    "Service": (("spec", "ports", 0, "port"), "http"),
    "ServiceAccount": (("automountServiceAccountToken",), "yes"),
    "WorkloadPriorityClass": (("value",), "high"),
}
# Fields that do not exist; spec and its like where a kind has them.
MISSPELT = {
    "Configuration": ("manageJobs",),
    "ConfigMap": ("dat",),
    "Namespace": ("surprise",),
    "PriorityClass": ("priority",),
    "WorkloadPriorityClass": ("priority",),
    "Role": ("rule",),
    "RoleBinding": ("subject",),
    "ServiceAccount": ("automount",),
    "DaskCluster": ("spec", "worker", "spec", "containers", 0, "resourcess"),
    "PodMonitor": ("spec", "podMetricsEndpoints", 0, "honourLabels"),
    "PrometheusRule": ("spec", "groups", 0, "rules", 0, "fore"),
}


@pytest.mark.parametrize("target", [*TARGETS, *PLAIN])
def test_manifests_are_valid(target, rendered, judged):
    assert rendered[target]
    assert judged(rendered[target]) == []


def test_there_is_a_planted_error_for_each_kind(rendered):
    assert {d["kind"] for documents in rendered.values() for d in documents} == set(PLANTED)


def test_a_planted_error_is_found_in_each_kind(rendered, judged):
    wrong = [_changed(_one(rendered, kind), *planted) for kind, planted in PLANTED.items()]
    assert {kind for kind, *_ in judged(wrong)} == set(PLANTED)


def test_a_misspelt_field_is_found_in_each_kind(rendered, judged):
    wrong = [
        _changed(_one(rendered, kind), MISSPELT.get(kind, ("spec", "surprise")), 1)
        for kind in PLANTED
    ]
    assert {kind for kind, *_ in judged(wrong)} == set(PLANTED)


def test_an_unknown_kind_is_refused(judged):
    unknown = {"apiVersion": "example.org/v1", "kind": "Surprise", "metadata": {"name": "it"}}
    misplaced = {"apiVersion": "apps/v1", "kind": "Job", "metadata": {"name": "it"}}
    assert {(kind, name) for kind, name, _ in judged([unknown, misplaced])} == {
        ("Surprise", "it"), ("Job", "it"),
    }  # fmt: skip


def _one(rendered, kind):
    return next(d for documents in rendered.values() for d in documents if d["kind"] == kind)


def _changed(document, path, value):
    changed = part = deepcopy(document)
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    return changed
