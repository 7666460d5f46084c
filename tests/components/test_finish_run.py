"""The last step: Dask clusters of the run are removed through the Kubernetes API, others stay."""

from __future__ import annotations

import json
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
from kubernetes import client

from components.finish_run import cluster
from components.finish_run.component import finish_run

PATH = "/apis/kubernetes.dask.org/v1/namespaces/hrgldd/daskclusters"


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, it, *args):
        self.it = it
        super().__init__(*args)

    def log_message(self, *_):
        """Keep the tests' output clean."""

    def _serve(self):
        parts = urlsplit(self.path)
        if self.it.status != 200:
            self._answer(self.it.status, {"kind": "Status", "reason": "no"})
        elif self.command == "GET" and parts.path == PATH:
            wanted = parse_qs(parts.query)["labelSelector"][0].split("=")
            found = [n for n, run in self.it.clusters.items() if wanted == ["hrgldd/run", run]]
            self._answer(200, {"items": [{"metadata": {"name": n}} for n in found]})
        elif self.command == "DELETE" and self.it.clusters.pop(parts.path[len(PATH) + 1 :], None):
            self._answer(200, {"kind": "Status"})
        else:
            self._answer(404, {})

    do_GET = do_DELETE = _serve  # noqa: N815 - http.server's names

    def _answer(self, status, document):
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def kubernetes(status=200):
    it = SimpleNamespace(status=status, clusters={"a": "run-1", "b": "run-2", "c": "run-1"})
    http = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, it))
    thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    configuration = client.Configuration(host=f"http://127.0.0.1:{http.server_port}")
    try:
        with client.ApiClient(configuration) as api:
            yield it, api
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


def test_only_the_run_s_own_clusters_are_removed():
    with kubernetes() as (it, api):
        notes = cluster.remove_clusters("run-1", api=api, namespace="hrgldd")
    assert it.clusters == {"b": "run-2"}
    assert notes == ("Removed the Dask cluster a", "Removed the Dask cluster c")


@pytest.mark.parametrize(("status", "notes"), [(404, 0), (403, 1), (500, 1)])
def test_what_the_api_refuses_does_not_fail_the_run(status, notes):
    with kubernetes(status) as (_, api):
        said = cluster.remove_clusters("run-1", api=api, namespace="hrgldd")
    assert len(said) == notes
    assert all(f"were not removed: {status}" in note for note in said)


def test_api_that_cannot_be_reached_does_not_fail_the_run():
    with kubernetes() as (_, api):
        pass
    (note,) = cluster.remove_clusters("run-1", api=api, namespace="hrgldd")
    assert "were not removed: " in note


def test_outside_a_cluster_nothing_is_asked(monkeypatch):
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    assert cluster.remove_clusters("run-1") == ()


@pytest.mark.parametrize(
    ("state", "status"), [("SUCCEEDED", "done"), ("RUNNING", "done"), ("FAILED", "failed")]
)
def test_summary_of_a_run(mapped, tmp_path, monkeypatch, state, status):
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    summary, outcome = (
        SimpleNamespace(path=str(tmp_path / name), metadata={}) for name in ("s", "o")
    )
    finish_run.python_func(
        pipeline="map_event", out=str(mapped.out), run="run-1", summary=summary, outcome=outcome,
        status=SimpleNamespace(state=state, error_message=None),
    )  # fmt: skip
    assert (tmp_path / "s").read_text().startswith(f"# map_event: {status}\n")
    document = json.loads((tmp_path / "o").read_text())
    assert (document["status"], document["run"]) == (status, "run-1")
    assert outcome.metadata == {"status": status, "out": str(mapped.out)}
