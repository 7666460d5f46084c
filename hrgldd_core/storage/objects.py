"""Objects whole or not at all, in folders and in stores alike."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from errno import EXDEV
from pathlib import Path
from typing import Any
from uuid import uuid4

from xxhash import xxh3_128

from hrgldd_core.errors import AccessError, InputError
from hrgldd_core.storage.failures import patiently, reading, reason, writing
from hrgldd_core.storage.remote import create, filesystem, upload, upload_bytes
from hrgldd_core.storage.signing import redact, renew, signed
from hrgldd_core.storage.uri import check_scheme, is_local, join, local_path, public
from hrgldd_core.storage.web import web_info

__all__ = [
    "check_writable",
    "create_bytes",
    "exists",
    "identity",
    "list_names",
    "no_empty_folder",
    "put_file",
    "quick_identity",
    "read_bytes",
    "read_json",
    "remove",
    "remove_empty",
    "remove_tree",
    "write_bytes",
    "write_json",
    "zarr_store",
]


def exists(uri: str) -> bool:
    """Whether an object or folder is there."""
    if is_local(uri):
        return local_path(uri).exists()
    with reading(uri):
        store = filesystem(uri)
        store.invalidate_cache()
        return bool(patiently(lambda: store.exists(uri), uri))


def list_names(prefix: str) -> list[str]:
    """Sorted names directly below a prefix; empty when nothing is there."""
    if is_local(prefix):
        folder = local_path(prefix)
        return sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []
    with reading(prefix):
        store = filesystem(prefix)
        store.invalidate_cache()
        try:
            found = patiently(lambda: store.ls(prefix, detail=False), prefix)
        except FileNotFoundError:
            return []
    return sorted(name.rstrip("/").rsplit("/", 1)[-1] for name in found)


def read_bytes(uri: str) -> bytes:
    """All of an object.

    Raises:
        InputError: when it cannot be read.
    """
    with reading(uri):
        if is_local(uri):
            return local_path(uri).read_bytes()
        store = filesystem(uri)
        return bytes(patiently(lambda: store.cat_file(uri), uri))


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
        with writing(uri):
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
    with writing(uri):
        upload_bytes(uri, data)


def create_bytes(uri: str, data: bytes) -> bool:
    """Write an object whole unless there is one: of several writers one wins.

    Returns:
        Whether it was written.

    Raises:
        InputError: when it cannot be written.
    """
    with writing(uri):
        if not is_local(uri):
            return create(uri, data)
        draft = local_path(f"{uri}.{uuid4().hex}")
        draft = draft.with_name(f".{draft.name}")
        write_bytes(str(draft), data)
        try:
            return _created(draft, local_path(uri))
        finally:
            draft.unlink()


def _created(draft: Path, target: Path) -> bool:
    """Give a finished file a name that nobody has yet."""
    try:
        os.link(draft, target)
    except FileExistsError:
        return False
    except OSError:
        # A file system without links (exFAT, many FUSE mounts): not whole at once, but one wins.
        try:
            with target.open("xb") as file:
                file.write(draft.read_bytes())
        except FileExistsError:
            return False
    return True


def write_json(uri: str, document: Any) -> None:
    """Write a JSON document, indented, whole."""
    text = json.dumps(document, indent=2, ensure_ascii=False, default=str)
    write_bytes(uri, f"{text}\n".encode())


def put_file(local: Path, uri: str) -> None:
    """Move a finished local file to a URI, whole, replacing what was there."""
    with writing(uri):
        if is_local(uri):
            target = local_path(uri)
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                _commit(local, target)
            except OSError as error:
                if error.errno != EXDEV:
                    raise
                draft = target.with_name(f".{target.name}.{uuid4().hex}")
                try:
                    shutil.copyfile(local, draft)
                    _commit(draft, target)
                finally:
                    draft.unlink(missing_ok=True)
                local.unlink()
        else:
            upload(local, uri)
            local.unlink()


def remove(uri: str) -> None:
    """Delete an object, if it is there."""
    if is_local(uri):
        local_path(uri).unlink(missing_ok=True)
    elif exists(uri):
        store = filesystem(uri)
        with contextlib.suppress(FileNotFoundError):
            patiently(lambda: store.rm_file(uri), uri)


def remove_empty(prefix: str) -> None:
    """Delete a folder in which nothing is left; object stores have none."""
    if is_local(prefix):
        local_path(prefix).rmdir()


def remove_tree(prefix: str) -> None:
    """Delete all that is below a prefix."""
    if is_local(prefix):
        shutil.rmtree(local_path(prefix), ignore_errors=True)
    elif exists(prefix):
        store = filesystem(prefix)
        with contextlib.suppress(FileNotFoundError):
            patiently(lambda: store.rm(prefix, recursive=True), prefix)


def zarr_store(uri: str, *, write: bool = False) -> Any:
    """A Zarr store (version 3) below a prefix."""
    from zarr.storage import FsspecStore, LocalStore

    if is_local(uri):
        return LocalStore(local_path(uri), read_only=not write)
    # Checks the scheme and sets what gcsfs needs to be told before it is imported.
    filesystem(uri)
    return FsspecStore.from_url(uri, read_only=not write)


@contextlib.contextmanager
def no_empty_folder(prefix: str) -> Iterator[None]:
    """Take back the folders that were made for a result that failed, where nothing is in them."""
    target = local_path(prefix).absolute() if is_local(prefix) else None
    made = [p for p in (target, *target.parents) if not p.exists()] if target else []
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            for folder in made:
                folder.rmdir()
        raise


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
            f"cannot be written ({reason(error)})",
            where=prefix,
            remedy="Choose another --out or change its permissions",
        ) from None


def identity(uri: str) -> dict[str, str | int]:
    """What tells this content from another: size and SHA-256 (local) or etag (remote).

    Raises:
        AccessError: when a store wants (other) credentials.
        InputError: when it cannot be read.
    """
    return _identity(uri, "sha256", hashlib.sha256)


def quick_identity(uri: str) -> dict[str, str | int]:
    """As `identity`, by XXH3 of 128 bits: at the speed of the disk, but not safe from forgery.

    Raises:
        AccessError: when a store wants (other) credentials.
        InputError: when it cannot be read.
    """
    return _identity(uri, "xxh3_128", xxh3_128)


def _identity(uri: str, name: str, digest: Callable[[], Any]) -> dict[str, str | int]:
    if is_local(uri):
        path = local_path(uri)
        try:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, digest)
        except OSError as error:
            raise InputError(f"cannot be read ({reason(error)})", where=uri) from None
        return {"size": path.stat().st_size, name: found.hexdigest()}
    try:
        info = patiently(lambda: _info(uri), uri)
    except (OSError, ValueError) as error:
        kind = AccessError if isinstance(error, PermissionError) else InputError
        raise kind(f"cannot be read ({redact(reason(error))})", where=public(uri)) from None
    tag = next((info[k] for k in ("etag", "ETag", "md5Hash", "crc32c") if info.get(k)), "")
    return {"size": int(info.get("size") or 0), "etag": str(tag).strip('"')}


def _info(uri: str) -> dict[str, Any]:
    if check_scheme(uri) in ("http", "https"):
        try:
            return web_info(signed(uri))
        except PermissionError:
            # A signature may end before its time.
            if not renew(uri):
                raise
            return web_info(signed(uri))
    store = filesystem(uri)
    # A listing of the folder may be older than the object.
    store.invalidate_cache()
    return dict(store.info(uri))


def _commit(finished: Path, target: Path) -> None:
    """Make a finished file durable, then visible."""
    descriptor = os.open(finished, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    finished.chmod(0o644)
    finished.replace(target)
