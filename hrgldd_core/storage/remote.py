"""Object stores: whole uploads that are checked, and one winner of several writers."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

from hrgldd_core.errors import InputError
from hrgldd_core.storage.failures import DamagedError, patiently
from hrgldd_core.storage.uri import check_scheme

__all__ = ["create", "filesystem", "upload", "upload_bytes"]

_WRITER = "hrgldd-writer"


def filesystem(uri: str) -> Any:
    """The fsspec file system of a remote URI.

    Raises:
        InputError: for a scheme that is not supported, or whose package is missing.
    """
    scheme = check_scheme(uri)
    # Against an emulator gcsfs' gRPC probe of the bucket's type hangs a minute per call.
    os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
    import fsspec

    try:
        return fsspec.filesystem(scheme)
    except (ImportError, ValueError) as error:
        raise InputError(
            f"cannot reach {scheme!r} storage ({error})",
            where=uri,
            remedy="Install the file system's package (gcsfs for gs://, s3fs for s3://)",
        ) from None


def upload(local: Path, uri: str) -> None:
    """Upload a file, replacing what was there, and make sure that it arrived as it is here.

    Raises:
        DamagedError: when it did not, again and again.
    """
    with local.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
    _checked(lambda fs: fs.put_file(str(local), uri), uri, local.stat().st_size, digest.digest())


def upload_bytes(uri: str, data: bytes) -> None:
    """Upload an object, replacing what was there, and make sure that it arrived.

    Raises:
        DamagedError: when it did not, again and again.
    """
    digest = hashlib.md5(data, usedforsecurity=False).digest()
    _checked(lambda fs: fs.pipe_file(uri, data), uri, len(data), digest)


def create(uri: str, data: bytes) -> bool:
    """Upload an object unless there is one; whether it was.

    A request whose answer was lost is sent again and then finds its own object: the writer's mark
    tells it from another's.
    """
    fs, mark = filesystem(uri), {_WRITER: uuid4().hex}
    option = {"Metadata": mark} if check_scheme(uri) == "s3" else {"metadata": mark}

    def attempt() -> bool:
        try:
            fs.pipe_file(uri, data, mode="create", **option)
        except FileExistsError:
            fs.invalidate_cache()
            return _marks(fs, uri).get(_WRITER) == mark[_WRITER]
        return True

    return patiently(attempt, uri)


def _marks(fs: Any, uri: str) -> dict[str, str]:
    if check_scheme(uri) == "s3":
        return {k.replace("_", "-"): v for k, v in fs.metadata(uri).items()}
    return dict(fs.info(uri).get("metadata") or {})


def _checked(send: Callable[[Any], object], uri: str, size: int, digest: bytes) -> None:
    fs = filesystem(uri)

    def attempt() -> None:
        send(fs)
        fs.invalidate_cache()
        try:
            there = fs.info(uri)
        except FileNotFoundError:
            raise DamagedError("what was sent is not there") from None
        if int(there.get("size") or 0) != size:
            raise DamagedError(f"{there.get('size')} of {size} bytes arrived")
        if _digest(there) not in (None, digest):
            raise DamagedError("what arrived differs from what was sent")

    patiently(attempt, uri)


def _digest(info: dict[str, Any]) -> bytes | None:
    """MD5 that a store names; None where it names none, as for parts put together."""
    if named := info.get("md5Hash"):
        return base64.b64decode(named)
    tag = str(info.get("ETag") or "").strip('"')
    try:
        return bytes.fromhex(tag) if len(tag) == 32 else None
    except ValueError:
        return None
