"""The dashboard's queries are PromQL and use what the rules record."""

from __future__ import annotations

import json
import re
import subprocess

from tests.support import ROOT

FOLDER = ROOT / "k8s/components/monitoring"
PARSE = "import json, sys, promql_parser\nfor q in json.load(sys.stdin): promql_parser.parse(q)"


def _queries():
    board = json.loads((FOLDER / "hrgldd.json").read_text())
    return [t["expr"] for panel in board["panels"] for t in panel["targets"]]


def test_queries_of_the_dashboard_are_promql(tools):
    given = [
        q.replace("$__range", "6h").replace("$price_cpu", "1").replace("$price_gpu", "1")
        for q in _queries()
    ]
    done = subprocess.run(
        [tools / "python", "-c", PARSE],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_what_the_dashboard_shows_is_recorded():
    recorded = set(re.findall(r"record: (\S+)", (FOLDER / "rules.yaml").read_text()))
    shown = set(re.findall(r"hrgldd:[\w:]+", " ".join(_queries())))
    assert shown <= recorded


def test_every_panel_says_where_its_figures_come_from():
    board = json.loads((FOLDER / "hrgldd.json").read_text())
    assert [p["title"] for p in board["panels"] if len(p["description"]) < 10] == []


def test_no_panel_shows_a_zero_for_what_is_not_scraped():
    """A made-up 0 is only for GPUs that nobody asked for, in a sum that has cores."""
    made_up = [q for q in _queries() if "vector(" in q]
    assert made_up
    assert [q for q in made_up if 'sum(hrgldd:requested:count{resource="cpu"}' not in q] == []


def test_prometheus_reaches_the_pods_that_are_scraped(rendered):
    documents = rendered["k8s/overlays/gke"]
    (policy,) = (d for d in documents if d["metadata"]["name"] == "hrgldd-allow-monitoring")
    monitor = next(d for d in documents if d["metadata"]["name"] == "hrgldd-workflows")["spec"]
    assert policy["metadata"]["namespace"] in monitor["namespaceSelector"]["matchNames"]
    assert policy["spec"]["podSelector"] == monitor["selector"]
    (rule,) = policy["spec"]["ingress"]
    assert [p["port"] for p in rule["ports"]] == [
        e["targetPort"] for e in monitor["podMetricsEndpoints"]
    ]
    # The namespace that docs/operate.md installs Prometheus in.
    (source,) = rule["from"]
    (namespace,) = source["namespaceSelector"]["matchLabels"].values()
    assert f"--namespace {namespace} " in (ROOT / "docs/operate.md").read_text()


def test_what_monitors_keep_is_what_is_asked_for(rendered):
    rules = (FOLDER / "rules.yaml").read_text()
    asked = " ".join([rules, *_queries()])
    for monitor in (d for d in rendered["k8s/overlays/gke"] if d["kind"] == "PodMonitor"):
        (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
        (keep,) = endpoint["metricRelabelings"]
        prefix = keep["regex"].partition("_")[0]
        used = set(re.findall(rf"\b{prefix}_\w+", asked))
        assert used
        assert all(re.fullmatch(keep["regex"], name) for name in used)


def test_a_task_out_of_memory_is_seen_while_its_pod_is_there():
    """Pods of tasks are never restarted, so they have no *last* reason."""
    assert "kube_pod_container_status_terminated_reason" in (FOLDER / "rules.yaml").read_text()
