"""A store for gs:// in this process that keeps preconditions and fails as networks do.

It answers what gcsfs (JSON API) and GDAL (XML API) ask: whole, multipart and resumable uploads with
``ifGenerationMatch=0``, metadata with checksums, listings, ranges and deletions.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler
from itertools import count
from threading import Lock, Thread
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

import pytest

from tests.servers.files import _Quiet

__all__ = ["FaultyStore", "faulty_store"]


@dataclass
class Stored:
    """An object."""

    content: bytes
    generation: int
    metadata: dict[str, str]


@dataclass
class FaultyStore:
    """One bucket, and what goes wrong with it.

    Attributes:
        rate: share of the requests that fail, drawn with a fixed seed: with status 503, by a
            connection cut before anything is done, or cut when it is done and not yet answered.
        gdal_rate: of GDAL's requests, which are few, when it is another one.
        listed: whether who asks may list; what is not there is forbidden to others.
        damage: names of objects that arrive with a changed byte, once each.
        objects: by name.
        faults: what was done to how many requests of which client (``503 gdal``, ``cut before
            gcsfs``).
    """

    rate: float = 0.0
    gdal_rate: float | None = None
    listed: bool = True
    damage: set[str] = field(default_factory=set)
    name: str = "landslides"
    objects: dict[str, Stored] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    requests: int = 0

    def __post_init__(self) -> None:
        self.uri = f"gs://{self.name}"
        self._random = {c: random.Random(1) for c in ("gcsfs", "gdal")}  # noqa: S311
        self._lock, self._generations = Lock(), count(1)
        self.sessions: dict[str, tuple[str, bool, dict[str, str], bytearray]] = {}
        self.next_fault: list[str] = []

    def fault(self, client: str) -> str | None:
        """What goes wrong with the next request."""
        with self._lock:
            self.requests += 1
            kind, rng = None, self._random[client]
            rate = self.rate
            if client == "gdal" and self.gdal_rate is not None:
                rate = self.gdal_rate
            if self.next_fault:
                kind = self.next_fault.pop(0)
            elif rng.random() < rate:
                kind = rng.choice(["503", "cut before", "cut after"])
            if kind:
                self.faults[f"{kind} {client}"] = self.faults.get(f"{kind} {client}", 0) + 1
            return kind

    def store(self, name: str, content: bytes, *, create: bool, metadata: dict[str, str]) -> bool:
        """Keep an object; whether the precondition held."""
        with self._lock:
            if create and name in self.objects:
                return False
            if name in self.damage and content:
                self.damage.discard(name)
                content = bytes([content[0] ^ 1]) + content[1:]
            self.objects[name] = Stored(content, next(self._generations), metadata)
            return True

    def describe(self, name: str) -> dict[str, object]:
        """The resource of an object."""
        it = self.objects[name]
        md5 = base64.b64encode(hashlib.md5(it.content, usedforsecurity=False).digest()).decode()
        return {
            "kind": "storage#object", "name": name, "bucket": self.name, "metadata": it.metadata,
            "size": str(len(it.content)), "generation": str(it.generation), "md5Hash": md5,
            "etag": f"v{it.generation}", "contentType": "application/octet-stream",
            "updated": "2024-01-01T00:00:00.000Z", "timeCreated": "2024-01-01T00:00:00.000Z",
        }  # fmt: skip


@contextmanager
def faulty_store(monkeypatch: pytest.MonkeyPatch, **options: object) -> Iterator[FaultyStore]:
    """Serve a bucket; ``gs://`` leads to it, for gcsfs and GDAL, until the ``with`` block ends."""
    monkeypatch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
    import gcsfs

    store = FaultyStore(**options)
    http = _Quiet(("127.0.0.1", 0), partial(_Handler, store))
    thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    url = f"http://127.0.0.1:{http.server_port}"
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", url)
    monkeypatch.setenv("CPL_GS_ENDPOINT", f"{url}/")
    monkeypatch.setenv("GS_NO_SIGN_REQUEST", "YES")
    gcsfs.GCSFileSystem.clear_instance_cache()
    try:
        yield store
    finally:
        gcsfs.GCSFileSystem.clear_instance_cache()
        http.shutdown()
        http.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, store: FaultyStore, *args: object) -> None:
        self.it = store
        super().__init__(*args)

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.it.fault("gcsfs" if "storage/v1" in self.path else "gdal")
        if fault == "503":
            self._answer(503, b'{"error": {"code": 503, "message": "backend error"}}')
            return
        if fault == "cut before":
            self.close_connection = True
            return
        parts = urlsplit(self.path)
        query = {k: v[0] for k, v in parse_qs(parts.query).items()}
        status, content, headers = self._route(unquote(parts.path), query, body)
        if fault == "cut after":
            # Half an answer, if there is that much.
            if len(content) > 1:
                self._head(status, len(content), headers)
                self.wfile.write(content[: len(content) // 2])
            self.close_connection = True
            return
        self._answer(status, content, headers)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - http.server's names

    def _head(self, status: int, length: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(length)}.items():
            self.send_header(name, value)
        self.end_headers()

    def _answer(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self._head(status, len(content), headers or {})
        if self.command != "HEAD":
            self.wfile.write(content)

    def _route(
        self, path: str, query: dict[str, str], body: bytes
    ) -> tuple[int, bytes, dict[str, str]]:
        bucket = re.escape(self.it.name)
        if re.fullmatch(rf"/upload/storage/v1/b/{bucket}/o", path):
            return self._upload(query, body)
        if found := re.fullmatch(rf"/(?:download/)?storage/v1/b/{bucket}/o/(.+)", path):
            return self._object(found[1], media=query.get("alt") == "media")
        if re.fullmatch(rf"/storage/v1/b/{bucket}/o", path):
            return 200, json.dumps(self._listing(query)).encode(), {}
        if found := re.fullmatch(rf"/{bucket}/(.+)", path):
            return self._object(found[1], media=True)
        if re.fullmatch(rf"/{bucket}/?", path):
            return 200, self._xml(query), {"Content-Type": "application/xml"}
        return _absent()

    def _upload(self, query: dict[str, str], body: bytes) -> tuple[int, bytes, dict[str, str]]:
        it, create = self.it, query.get("ifGenerationMatch") == "0"
        if session := query.get("upload_id"):
            return self._resume(session, body)
        if query["uploadType"] == "resumable":
            session = str(len(it.sessions))
            about = json.loads(body)
            it.sessions[session] = (about["name"], create, about.get("metadata", {}), bytearray())
            host = self.headers["Host"]
            place = f"http://{host}/upload/storage/v1/b/{it.name}/o?upload_id={session}"
            return 200, b"", {"Location": place}
        boundary = re.search(r'boundary="?([^";]+)', self.headers["Content-Type"])[1].encode()
        _, head, data = body.split(b"--" + boundary, 2)
        about = json.loads(head.split(b"\n\n", 1)[1])
        content = data.split(b"\n\n", 1)[1].rpartition(b"\n--" + boundary + b"--")[0]
        if not it.store(about["name"], content, create=create, metadata=about.get("metadata", {})):
            return _refused()
        return 200, json.dumps(it.describe(about["name"])).encode(), {}

    def _resume(self, session: str, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        it = self.it
        if self.command == "DELETE":
            return 499, b"", {}
        name, create, metadata, held = it.sessions[session]
        first, last, size = map(int, re.findall(r"\d+", self.headers["Content-Range"]))
        if len(held) < size:
            held[first:] = body
            if last + 1 < size:
                return 308, b"", {"Range": f"bytes=0-{last}"}
            if not it.store(name, bytes(held), create=create, metadata=metadata):
                return _refused()
        # Finished before, and the answer was lost: said again.
        return 200, json.dumps(it.describe(name)).encode(), {}

    def _object(self, name: str, *, media: bool) -> tuple[int, bytes, dict[str, str]]:
        it = self.it
        if name not in it.objects:
            return _absent() if it.listed else _forbidden()
        if self.command == "DELETE":
            del it.objects[name]
            return 204, b"", {}
        if not media:
            return 200, json.dumps(it.describe(name)).encode(), {}
        content = it.objects[name].content
        headers = {"ETag": f'"{it.objects[name].generation}"', "Accept-Ranges": "bytes"}
        if wanted := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or ""):
            first, last = int(wanted[1]), int(wanted[2] or len(content) - 1)
            part = content[first : last + 1]
            if not part:
                return 416, b"", headers
            headers["Content-Range"] = f"bytes {first}-{first + len(part) - 1}/{len(content)}"
            return 206, part, headers
        return 200, content, headers

    def _names(self, query: dict[str, str]) -> tuple[list[str], list[str]]:
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        names, folders = [], set()
        for name in sorted(self.it.objects):
            if name.startswith(prefix):
                rest = name[len(prefix) :]
                if delimiter and delimiter in rest:
                    folders.add(prefix + rest.split(delimiter)[0] + delimiter)
                else:
                    names.append(name)
        return names, sorted(folders)

    def _listing(self, query: dict[str, str]) -> dict[str, object]:
        names, folders = self._names(query)
        items = [self.it.describe(name) for name in names]
        return {"kind": "storage#objects", "items": items, "prefixes": folders}

    def _xml(self, query: dict[str, str]) -> bytes:
        names, folders = self._names(query)
        files = "".join(
            f"<Contents><Key>{escape(n)}</Key><Size>{len(self.it.objects[n].content)}</Size>"
            "<LastModified>2024-01-01T00:00:00.000Z</LastModified></Contents>"
            for n in names
        )
        shared = "".join(
            f"<CommonPrefixes><Prefix>{escape(f)}</Prefix></CommonPrefixes>" for f in folders
        )
        return (
            f"<?xml version='1.0'?><ListBucketResult><Name>{self.it.name}</Name>"
            f"<Prefix>{escape(query.get('prefix', ''))}</Prefix>{files}{shared}</ListBucketResult>"
        ).encode()


def _absent() -> tuple[int, bytes, dict[str, str]]:
    return 404, b'{"error": {"code": 404, "message": "No such object"}}', {}


def _forbidden() -> tuple[int, bytes, dict[str, str]]:
    return 403, b'{"error": {"code": 403, "message": "does not have storage.objects.list"}}', {}


def _refused() -> tuple[int, bytes, dict[str, str]]:
    return 412, b'{"error": {"code": 412, "message": "conditionNotMet"}}', {}
