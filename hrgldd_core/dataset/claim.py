"""One build at a time: a note in the dataset that says who is at work."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from uuid import uuid4

from hrgldd_core import storage
from hrgldd_core.errors import InputError

__all__ = ["CLAIM", "claim"]

CLAIM = "building.json"
_BEAT_S = 20.0
_STALE_S = 120.0


@contextmanager
def claim(uri: str) -> Iterator[None]:
    """Hold a dataset for writing; a note left behind by a killed build is taken over.

    A build on this machine is known to be dead by its process; one on another by its note, which
    it renews every 20 s, being two minutes old.

    Raises:
        InputError: when another build is at work.
    """
    target = storage.join(uri, CLAIM)
    note = {"token": uuid4().hex, "host": socket.gethostname(), "process": os.getpid()}
    if not storage.create_bytes(target, _now(note)):
        held = _read(target)
        if held and _alive(held):
            raise InputError(
                f"another build is at work (process {held.get('process')} on {held.get('host')})",
                where=uri,
                remedy="Wait until it is done; if it was killed elsewhere, repeat in two minutes",
            )
        if _read(target).get("token") == held.get("token"):
            storage.remove(target)
        if not storage.create_bytes(target, _now(note)):
            raise InputError("another build has just begun", where=uri, remedy="Wait for it")
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(_BEAT_S):
            # The next one may succeed; the build itself says what is wrong with the store.
            with suppress(InputError):
                storage.write_bytes(target, _now(note))

    renewing = threading.Thread(target=beat, daemon=True)
    renewing.start()
    try:
        yield
    finally:
        stop.set()
        renewing.join()
        storage.remove(target)


def _now(note: dict[str, Any]) -> bytes:
    return json.dumps({**note, "at": time.time()}).encode()


def _read(target: str) -> dict[str, Any]:
    try:
        found = storage.read_json(target)
    except InputError:
        return {}
    return found if isinstance(found, dict) else {}


def _alive(note: dict[str, Any]) -> bool:
    if note.get("host") == socket.gethostname():
        try:
            os.kill(int(note.get("process", 0)), 0)
        except PermissionError:
            # Another user's.
            pass
        except (OSError, ValueError):
            return False
    return time.time() - float(note.get("at", 0)) < _STALE_S
