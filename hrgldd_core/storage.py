"""Every read and write of a URI goes through here: local paths, ``file://``, ``gs://``, ``s3://``.

Objects appear whole or not at all: local files are written beside their target and renamed, remote
objects are uploaded in one request from bytes or a finished local file. A stream opened for writing
on an object store would commit what it has when an exception leaves it, so none is offered.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit
from uuid import uuid4

from hrgldd_core.errors import InputError, OutputError

__all__ = [
    "check_writable",
    "create_bytes",
    "exists",
    "gdal_path",
    "identity",
    "is_local",
    "join",
    "list_names",
    "local_path",
    "public",
    "put_file",
    "read_bytes",
    "read_json",
    "remove",
    "remove_empty",
    "remove_tree",
    "write_bytes",
    "write_json",
    "zarr_store",
]

_GDAL_PREFIX = {
    "gs": "/vsigs/",
    "s3": "/vsis3/",
    "http": "/vsicurl/http://",
    "https": "/vsicurl/https://",
}
_CHUNK = 1 << 22


def is_local(uri: str) -> bool:
    """Whether the URI names a place on this machine."""
    return urlsplit(uri).scheme in ("", "file")


def local_path(uri: str) -> Path:
    """The local path of a plain path or ``file://`` URI."""
    parts = urlsplit(uri)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    if parts.scheme:
        raise InputError("not a local path", where=uri)
    return Path(uri)


def join(prefix: str, *parts: str) -> str:
    """The URI of something below a prefix."""
    return "/".join([prefix.rstrip("/"), *parts]) if prefix != "/" else "/" + "/".join(parts)


def gdal_path(uri: str) -> str:
    """The name under which GDAL opens a URI.

    Raises:
        InputError: for a scheme that is not read.
    """
    if is_local(uri):
        return str(local_path(uri))
    scheme, _, rest = uri.partition("://")
    if scheme not in _GDAL_PREFIX:
        raise _unknown_scheme(scheme, uri)
    return _GDAL_PREFIX[scheme] + rest


def _unknown_scheme(scheme: str, uri: str) -> InputError:
    return InputError(
        f"scheme {scheme!r} is not supported",
        where=uri,
        remedy="Use a path, file://, gs://, s3:// or https://",
    )


def _filesystem(uri: str) -> Any:
    scheme = urlsplit(uri).scheme
    if scheme not in _GDAL_PREFIX:
        raise _unknown_scheme(scheme, uri)
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


def public(uri: str) -> str:
    """A URI to publish: without the credentials that a signed link carries."""
    if is_local(uri):
        return uri
    parts = urlsplit(uri)
    return urlunsplit((parts.scheme, parts.netloc.rsplit("@", 1)[-1], parts.path, "", ""))


def exists(uri: str) -> bool:
    """Whether an object or folder is there."""
    if is_local(uri):
        return local_path(uri).exists()
    filesystem = _filesystem(uri)
    filesystem.invalidate_cache()
    return bool(filesystem.exists(uri))


def list_names(prefix: str) -> list[str]:
    """Sorted names directly below a prefix; empty when nothing is there."""
    if is_local(prefix):
        folder = local_path(prefix)
        return sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []
    filesystem = _filesystem(prefix)
    filesystem.invalidate_cache()
    try:
        found = filesystem.ls(prefix, detail=False)
    except FileNotFoundError:
        return []
    return sorted(name.rstrip("/").rsplit("/", 1)[-1] for name in found)


def read_bytes(uri: str) -> bytes:
    """All of an object.

    Raises:
        InputError: when it cannot be read.
    """
    try:
        if is_local(uri):
            return local_path(uri).read_bytes()
        return bytes(_filesystem(uri).cat_file(uri))
    except (OSError, ValueError) as error:
        raise InputError(
            f"cannot be read ({_reason(error)})",
            where=uri,
            remedy="Check the name and that you may read it",
        ) from None


def read_json(uri: str) -> Any:
    """A JSON document.

    Raises:
        InputError: when it cannot be read or is not JSON.
    """
    try:
        return json.loads(read_bytes(uri))
    except ValueError as error:
        raise InputError(f"is not JSON ({error})", where=uri) from None


def write_bytes(uri: str, data: bytes) -> None:
    """Write an object whole, replacing what was there.

    Raises:
        InputError: when it cannot be written.
    """
    if is_local(uri):
        with _writing(uri):
            target = local_path(uri)
            target.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                _commit(Path(name), target)
            finally:
                Path(name).unlink(missing_ok=True)
        return
    with _writing(uri):
        _filesystem(uri).pipe_file(uri, data)


def create_bytes(uri: str, data: bytes) -> bool:
    """Write an object whole unless there is one: of several writers one wins.

    Returns:
        Whether it was written.

    Raises:
        InputError: when it cannot be written.
    """
    with _writing(uri):
        if not is_local(uri):
            try:
                _filesystem(uri).pipe_file(uri, data, mode="create")
            except FileExistsError:
                return False
            return True
        draft = local_path(f"{uri}.{uuid4().hex}")
        draft = draft.with_name(f".{draft.name}")
        write_bytes(str(draft), data)
        try:
            os.link(draft, local_path(uri))
        except FileExistsError:
            return False
        finally:
            draft.unlink()
    return True


def write_json(uri: str, document: Any) -> None:
    """Write a JSON document, indented, whole."""
    text = json.dumps(document, indent=2, ensure_ascii=False, default=str)
    write_bytes(uri, f"{text}\n".encode())


def put_file(local: Path, uri: str) -> None:
    """Move a finished local file to a URI, whole, replacing what was there."""
    with _writing(uri):
        if is_local(uri):
            target = local_path(uri)
            target.parent.mkdir(parents=True, exist_ok=True)
            if local.stat().st_dev == target.parent.stat().st_dev:
                _commit(local, target)
            else:
                draft = target.with_name(f".{target.name}.{uuid4().hex}")
                try:
                    shutil.copyfile(local, draft)
                    _commit(draft, target)
                finally:
                    draft.unlink(missing_ok=True)
                local.unlink()
        else:
            _filesystem(uri).put_file(str(local), uri)
            local.unlink()


def remove(uri: str) -> None:
    """Delete an object, if it is there."""
    if is_local(uri):
        local_path(uri).unlink(missing_ok=True)
    elif exists(uri):
        _filesystem(uri).rm_file(uri)


def remove_empty(prefix: str) -> None:
    """Delete a folder in which nothing is left; object stores have none."""
    if is_local(prefix):
        local_path(prefix).rmdir()


def remove_tree(prefix: str) -> None:
    """Delete all that is below a prefix."""
    if is_local(prefix):
        shutil.rmtree(local_path(prefix), ignore_errors=True)
    elif exists(prefix):
        _filesystem(prefix).rm(prefix, recursive=True)


def zarr_store(uri: str, *, write: bool = False) -> Any:
    """A Zarr store (version 3) below a prefix."""
    from zarr.storage import FsspecStore, LocalStore

    if is_local(uri):
        return LocalStore(local_path(uri), read_only=not write)
    # Checks the scheme and sets what gcsfs needs to be told before it is imported.
    _filesystem(uri)
    return FsspecStore.from_url(uri, read_only=not write)


def check_writable(prefix: str) -> None:
    """Refuse a prefix that cannot be written, without leaving anything behind.

    Raises:
        InputError: with the reason.
    """
    if not is_local(prefix):
        probe = join(prefix, f".hrgldd-write-check-{uuid4().hex}")
        write_bytes(probe, b"")
        remove(probe)
        return
    target = local_path(prefix).absolute()
    parent = target
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir():
        raise InputError(f"{parent} is a file", where=prefix, remedy="Give a folder as --out")
    try:
        with tempfile.TemporaryFile(dir=parent):
            pass
    except OSError as error:
        raise InputError(
            f"cannot be written ({_reason(error)})",
            where=prefix,
            remedy="Choose another --out or change its permissions",
        ) from None


def identity(uri: str) -> dict[str, str | int]:
    """What tells this content from another: size and checksum (local) or etag (remote)."""
    if is_local(uri):
        path = local_path(uri)
        digest = hashlib.sha256()
        try:
            with path.open("rb") as file:
                while block := file.read(_CHUNK):
                    digest.update(block)
        except OSError as error:
            raise InputError(f"cannot be read ({_reason(error)})", where=uri) from None
        return {"size": path.stat().st_size, "sha256": digest.hexdigest()}
    try:
        info = _filesystem(uri).info(uri)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read ({_reason(error)})", where=uri) from None
    tag = next((info[k] for k in ("etag", "ETag", "md5Hash", "crc32c") if info.get(k)), "")
    return {"size": int(info.get("size") or 0), "etag": str(tag).strip('"')}


def _commit(finished: Path, target: Path) -> None:
    """Make a finished file durable, then visible."""
    descriptor = os.open(finished, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    finished.chmod(0o644)
    finished.replace(target)


class _writing:  # noqa: N801 - reads as a statement
    """Turns what a file system raises into one clear message."""

    def __init__(self, uri: str) -> None:
        self._uri = uri

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        remote = not is_local(self._uri) and not isinstance(error, InputError)
        if isinstance(error, OSError) or (remote and isinstance(error, Exception)):
            raise OutputError(
                f"cannot be written ({_reason(error)})",
                where=self._uri,
                remedy="Check --out, the free space and your permissions",
            ) from error


def _reason(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error).strip() or type(error).__name__
