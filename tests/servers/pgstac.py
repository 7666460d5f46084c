"""stac-fastapi-pgstac on PostgreSQL with PostGIS: the STAC API server that users run."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from tests.support import ROOT

SERVER = Path(os.environ.get("HRGLDD_STAC_SERVER", ROOT / ".cache/stac-server"))


def missing() -> str:
    """Why the server cannot be started here, empty when it can."""
    if not (SERVER / "bin/pypgstac").exists():
        return f"no STAC server in {SERVER}: make stac-server"
    if _binaries() is None:
        return "no PostgreSQL with PostGIS: apt-get install postgresql postgresql-15-postgis-3"
    return ""


@contextmanager
def pgstac(
    folder: Path, collections: Sequence[dict[str, Any]], items: Sequence[dict[str, Any]]
) -> Iterator[str]:
    """Serve items from a database of its own in ``folder``; the address of the API."""
    binaries = _binaries()
    assert binaries is not None
    folder.chmod(0o755)
    for parent in folder.parents[:3]:
        if parent.stat().st_uid == os.getuid() and parent != Path("/tmp"):  # noqa: S108
            parent.chmod(parent.stat().st_mode | 0o055)
    # PostgreSQL refuses to run as root.
    user: dict[str, Any] = (
        {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}
    )
    data = folder / "database"
    data.mkdir()
    if user:
        shutil.chown(data, "postgres", "postgres")
    port = _free_port()
    environment = {
        **os.environ,
        "PGHOST": "127.0.0.1",
        "PGPORT": str(port),
        "PGUSER": "postgres",
        "PGDATABASE": "stac",
        "PGPASSWORD": "none",
        "POSTGRES_HOST_READER": "127.0.0.1",
    }
    quiet: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}

    def do(*words: object, **options: Any) -> None:
        done = subprocess.run(
            [str(w) for w in words], check=False, env=environment, **quiet, **options
        )
        assert done.returncode == 0, done.stdout

    do(binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
       "--locale=C.UTF-8", "--no-sync", cwd="/", **user)  # fmt: skip
    with ExitStack() as stack:
        settings = ("fsync=off", "listen_addresses=127.0.0.1", f"port={port}")
        settings += ("unix_socket_directories=",)
        words = [w for s in settings for w in ("-c", s)]
        log = stack.enter_context((folder / "server.log").open("w"))
        database = subprocess.Popen(
            [str(binaries / "postgres"), "-D", str(data), *words],
            stdout=log, stderr=log, cwd="/", **user,
        )  # fmt: skip
        stack.callback(_stop, database)
        _wait(lambda: _answers(port), database, folder)
        do(binaries / "createdb", "stac")
        tool = SERVER / "bin/pypgstac"
        do(tool, "migrate")
        for kind, documents in (("collections", collections), ("items", items)):
            path = folder / f"{kind}.ndjson"
            path.write_text("\n".join(map(json.dumps, documents)))
            do(tool, "load", kind, path, "--method", "insert")
        http = _free_port()
        server = subprocess.Popen(
            [str(SERVER / "bin/uvicorn"), "--factory", "stac_fastapi.pgstac.app:create_app",
             "--host", "127.0.0.1", "--port", str(http)],
            stdout=log, stderr=log, env=environment,
        )  # fmt: skip
        stack.callback(_stop, server)
        url = f"http://127.0.0.1:{http}"
        _wait(lambda: _answers_http(f"{url}/_mgmt/ping"), server, folder)
        yield url


def _binaries() -> Path | None:
    """Where PostgreSQL's programs are, when it has PostGIS."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        share = Path("/usr/share/postgresql") / folder.parent.name
        if (share / "extension/postgis.control").exists():
            return folder
    return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _answers_http(url: str) -> bool:
    try:
        with urlopen(url, timeout=5) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def _wait(ready: Any, process: subprocess.Popen[Any], folder: Path) -> None:
    deadline = time.monotonic() + 60
    while not ready():
        text = (folder / "server.log").read_text()
        assert process.poll() is None, text
        assert time.monotonic() < deadline, text
        time.sleep(0.1)
    # A database answers a moment before it takes connections.
    time.sleep(0.5)


def _stop(process: subprocess.Popen[Any]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
