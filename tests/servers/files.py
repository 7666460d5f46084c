"""A web server of files: with and without ranges, and with the faults that servers have."""

from __future__ import annotations

import hashlib
import json
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Self


@dataclass
class FileServer:
    """Serves ``files`` (by path) until the ``with`` block ends.

    Attributes:
        files: content of each path.
        ranges: whether ``Range`` is understood.
        etags: ``strong``, ``weak`` or "" for none.
        faults: what goes wrong with the next requests for a path, one each: a status code, or a
            number of bytes (as ``"cut 100"``) after which the connection is closed.
        asked: (path, Range) of each request so far.
        types: Content-Type of a path, when it is not that of bytes.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True
    etags: str = "strong"
    faults: dict[str, list[int | str]] = field(default_factory=lambda: defaultdict(list))
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    types: dict[str, str] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self._http = _Quiet(("127.0.0.1", 0), partial(_Handler, self))
        self._thread = Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """From now on nobody answers; its address stays known."""
        if self._thread.is_alive():
            self._http.shutdown()
            self._http.server_close()
            self._thread.join()

    def publish(self, files: dict[str, bytes], *, checksums: bool = True, **changes: object) -> str:
        """Serve files and a record of them as Zenodo's; the record's address.

        ``changes`` replace what the record says of every file.
        """
        self.files.update({f"/files/{name}": content for name, content in files.items()})
        listed = [
            {
                "key": name,
                "size": len(content),
                **({"checksum": f"md5:{_md5(content)}"} if checksums else {}),
                "links": {"self": f"{self.url}/files/{name}"},
                **changes,
            }
            for name, content in files.items()
        ]
        self.files["/api/records/1"] = json.dumps({"id": 1, "files": listed}).encode()
        self.types["/api/records/1"] = "application/json"
        return f"{self.url}/api/records/1"


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that has heard enough is no error."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, server: FileServer, *args: object) -> None:
        self.it = server
        super().__init__(*args)

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""

    def do_HEAD(self) -> None:
        content = self.it.files.get(self.path)
        self.send_response(404 if content is None else 200)
        self.send_header("Content-Length", str(len(content or b"")))
        if self.it.ranges:
            self.send_header("Accept-Ranges", "bytes")
        self.end_headers()

    def do_GET(self) -> None:
        it, wanted = self.it, self.headers.get("Range")
        it.asked.append((self.path, wanted))
        content = it.files.get(self.path)
        fault = it.faults[self.path].pop(0) if it.faults[self.path] else None
        if content is None or isinstance(fault, int):
            self._send(fault if isinstance(fault, int) else 404, b"no", {})
            return
        headers = {"Content-Type": it.types.get(self.path, "application/octet-stream")}
        tag = f'"{hashlib.sha256(content).hexdigest()}"'
        if it.etags:
            headers["ETag"] = tag if it.etags == "strong" else f"W/{tag}"
        status, body = 200, content
        if it.ranges and wanted and self.headers.get("If-Range", tag) == tag:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start, end = int(first), min(int(last or len(content)), len(content) - 1)
            status, body = 206, content[start : end + 1]
            headers["Content-Range"] = f"bytes {start}-{end}/{len(content)}"
        self._send(status, body, headers, cut=fault)

    def _send(
        self, status: int, body: bytes, headers: dict[str, str], *, cut: str | None = None
    ) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if cut is None:
            self.wfile.write(body)
        else:
            self.wfile.write(body[: int(cut.split()[1])])
            self.close_connection = True
