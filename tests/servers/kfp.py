"""A Kubeflow Pipelines API (v2beta1) on the loopback interface: experiments and runs.

A run's state advances each time that it is looked at, as a scenario says. What a request may be
answered instead (a status, nothing at all) is queued in ``faults``; a token is asked for when
``token`` is set.
"""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

__all__ = ["KfpServer", "kfp_server"]


@dataclass
class KfpServer:
    """What the API holds, and how it behaves.

    Attributes:
        url: its address.
        bearer: token that is asked for; None lets everybody in.
        namespaces: in which runs may be made; none: it knows no users, and no namespaces.
        states: of a run, one after the other at each look; the last one stays.
        tasks: of a run at each look.
        error: of a run that has failed.
        faults: answers in place of the next requests: a status, ``cut``, or ``lost`` (the request
            is done and the answer is cut off).
        html: everything is answered by a login page.
        experiments: by id.
        runs: by id.
        asked: method and path of all requests.
    """

    url: str = ""
    bearer: str | None = None
    namespaces: tuple[str, ...] = ("hrgldd",)
    states: tuple[str, ...] = ("PENDING", "RUNNING", "SUCCEEDED")
    tasks: tuple[dict[str, str], ...] = ({},)
    error: str = ""
    faults: list[int | str] = field(default_factory=list)
    html: bool = False
    experiments: dict[str, dict[str, Any]] = field(default_factory=dict)
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    looks: int = 0

    def answer(
        self, method: str, path: str, query: dict[str, str], body: Any, token: str | None
    ) -> tuple[int, Any]:
        """Status and document."""
        if self.bearer is not None and token != f"Bearer {self.bearer}":
            return 401, {"error": "Request header error: token expired", "code": 16}
        parts = path.removeprefix("/apis/v2beta1/").split("/")
        if method == "GET" and parts == ["healthz"]:
            return 200, {"multi_user": True}
        if parts[0] == "experiments":
            return self._experiments(method, query, body)
        if parts[0] == "runs" and len(parts) == 1:
            return self._runs(method, query, body)
        if parts[0] == "runs" and parts[1] in self.runs:
            return 200, self._look(parts[1])
        return 404, {"error": f"{path} not found", "code": 5}

    def _experiments(self, method: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        namespace = query.get("namespace") if method == "GET" else body.get("namespace")
        if namespace and not self.namespaces:
            return 400, {"error": "In single-user mode, no namespace can be given", "code": 3}
        if self.namespaces and namespace not in self.namespaces:
            why = f"User 'someone' is not authorized in namespace {namespace}"
            return 403, {"error": why, "code": 7, "message": why}
        if method == "GET":
            return 200, {"experiments": _matching(self.experiments, query)}
        made = {**body, "experiment_id": f"experiment-{len(self.experiments) + 1}"}
        self.experiments[made["experiment_id"]] = made
        return 200, made

    def _runs(self, method: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if method == "GET":
            return 200, {"runs": _matching(self.runs, query)}
        if body.get("experiment_id") not in self.experiments:
            return 400, {"error": "no such experiment", "code": 3}
        made = {**body, "run_id": f"run-{len(self.runs) + 1}", "state": "PENDING"}
        made["created_at"] = datetime.now(UTC).isoformat()
        self.runs[made["run_id"]] = made
        return 200, made

    def _look(self, run_id: str) -> dict[str, Any]:
        number = min(self.looks, len(self.states) - 1)
        tasks = self.tasks[min(self.looks, len(self.tasks) - 1)]
        self.looks += 1
        details = [
            {"task_id": name, "display_name": name.split("#")[0], "state": state}
            for name, state in tasks.items()
        ]
        document = {**self.runs[run_id], "state": self.states[number]}
        document["run_details"] = {"task_details": details}
        if document["state"] == "FAILED" and self.error:
            document["error"] = {"code": 13, "message": self.error}
        return document


def _matching(found: dict[str, dict[str, Any]], query: dict[str, str]) -> list[dict[str, Any]]:
    wanted = json.loads(query.get("filter") or '{"predicates": []}')["predicates"]
    return [d for d in found.values() if all(d[p["key"]] == p["stringValue"] for p in wanted)]


@contextmanager
def kfp_server(certificate: Path | None = None, **options: Any) -> Iterator[KfpServer]:
    """Serve until the ``with`` block ends; over TLS with a certificate (and its key)."""
    server = KfpServer(**options)
    http = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, server))
    http.daemon_threads = True
    server.url = f"http://127.0.0.1:{http.server_port}"
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        http.socket = context.wrap_socket(http.socket, server_side=True)
        server.url = f"https://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, it: KfpServer, *args: Any) -> None:
        self.it = it
        super().__init__(*args)

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        self.it.asked.append((self.command, parts.path))
        fault = self.it.faults.pop(0) if self.it.faults else None
        if fault == "cut":
            self.close_connection = True
            return
        if isinstance(fault, int):
            self._answer(fault, b'{"error": "backend error", "code": 14}')
            return
        if self.it.html:
            self._answer(200, b"<!doctype html><title>Log in</title>", "text/html")
            return
        query = {k: v[0] for k, v in parse_qs(parts.query).items()}
        given = json.loads(body) if body else None
        token = self.headers.get("Authorization")
        status, document = self.it.answer(self.command, parts.path, query, given, token)
        if fault == "lost":
            self.close_connection = True
            return
        self._answer(status, json.dumps(document).encode())

    do_GET = do_POST = _serve  # noqa: N815 - http.server's names

    def _answer(self, status: int, content: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
