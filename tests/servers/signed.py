"""A web server of files that wants signed links, and the service that signs them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Self
from urllib.parse import parse_qs, urlsplit


@dataclass
class SignedServer:
    """Serves ``files`` (by path) to those who ask with a signature that is still good.

    Attributes:
        files: content of each path.
        reads: requests for a file after which a signature is refused, whatever its expiry says.
        lasts: seconds until the expiry that the service names.
        form: ``href`` or ``token``: what the service answers with.
        bearer: the token that the service wants.
        asked: paths and queries that the service was asked for.
        refused: requests for files that were.
        served: bytes of files sent.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    reads: int = 10**9
    lasts: float = 3600.0
    form: str = "href"
    bearer: str = ""
    asked: list[str] = field(default_factory=list)
    refused: int = 0
    served: int = 0
    left: dict[str, int] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def __enter__(self) -> Self:
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, self))
        self._http.daemon_threads = True
        self._thread = Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, server: SignedServer, *args: object) -> None:
        self.it = server
        super().__init__(*args)

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def _answer(self, *, body: bool) -> None:
        it, parts = self.it, urlsplit(self.path)
        self.body = body
        if parts.path.startswith("/sign"):
            self._sign()
            return
        signature = parse_qs(parts.query).get("sig", [""])[0]
        with it.lock:
            good = it.left.get(signature, 0) > 0
            if good:
                it.left[signature] -= 1
            else:
                it.refused += 1
        content = it.files.get(parts.path)
        if not good or content is None:
            self._send(404 if good else 403, b"no")
            return
        wanted = self.headers.get("Range")
        if wanted is None:
            self._send(200, content)
            return
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        start, end = int(first), min(int(last or len(content)), len(content) - 1)
        part = content[start : end + 1]
        it.served += len(part)
        self._send(206, part, {"Content-Range": f"bytes {start}-{end}/{len(content)}"})

    def _sign(self) -> None:
        it = self.it
        it.asked.append(self.path)
        if it.bearer and self.headers.get("Authorization") != f"Bearer {it.bearer}":
            self._send(401, b"no")
            return
        with it.lock:
            signature = f"SECRET{len(it.left)}"
            it.left[signature] = it.reads
        until = datetime.now(UTC) + timedelta(seconds=it.lasts)
        href = parse_qs(urlsplit(self.path).query).get("href", [""])[0]
        query = f"se=1&sig={signature}"
        signed = {"href": f"{href}?{query}"} if it.form == "href" else {"token": query}
        self._send(200, json.dumps(signed | {"msft:expiry": until.isoformat()}).encode())

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.body:
            self.wfile.write(body)
