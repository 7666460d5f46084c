"""The published HR-GLDD arrays: what ``hrgldd dataset fetch hr-gldd`` does."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

from hrgldd_core import storage
from hrgldd_core.dataset.download import Remote, Transfer, part_path
from hrgldd_core.dataset.patches import open_patches
from hrgldd_core.dataset.record import HR_GLDD_RECORD, NAMES, read_record, verifiable
from hrgldd_core.dataset.web import UnreachableError
from hrgldd_core.errors import InputError
from hrgldd_core.progress import Progress, no_progress

__all__ = ["CHECKSUMS", "fetch_hr_gldd"]

CHECKSUMS = "checksums.json"
"""Beside the data: size, sha256 and published checksum of each file, as first verified."""

_NPY = b"\x93NUMPY"
_CHUNK = 1 << 22


def fetch_hr_gldd(
    out: str, *, record_url: str = HR_GLDD_RECORD, progress: Progress = no_progress
) -> dict[str, Any]:
    """Fetch what is lacking, verify everything, open it.

    Args:
        out: a local folder; files that are there already are verified, never replaced.
        record_url: Zenodo's API address of the record, or of a mirror of it.
        progress: told MB of each file.

    Returns:
        ``files`` (name, size, sha256, ``how`` it came to be there) and ``splits`` (patches, shape
        and type of each).

    Raises:
        InputError: when the record cannot be read, a file is not what it should be, or the arrays
            are no patches.
    """
    if not storage.is_local(out):
        raise InputError(
            "arrays are fetched to a local folder",
            where=out,
            remedy="Give a folder as --out, then copy it",
        )
    storage.check_writable(out)
    folder = storage.local_path(out)
    known = _read_checksums(folder)
    try:
        remotes = read_record(record_url)
    except UnreachableError:
        # What is complete and was verified before needs no network.
        remotes = [_as_known(name, known) for name in NAMES if _there(folder, name, known)]
        if len(remotes) < len(NAMES):
            raise
    _check_unchanged(remotes, known, folder)
    _check_space(remotes, folder)
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for remote in remotes:
        how, digest = _settle(remote, folder, known.get(remote.name, {}), progress)
        known[remote.name] = {"size": remote.size, "sha256": digest, "published": remote.checksum}
        storage.write_json(str(folder / CHECKSUMS), known)
        files.append({"name": remote.name, "size": remote.size, "sha256": digest, "how": how})
    return {"out": out, "record": record_url, "files": files, "splits": _splits(out)}


def _settle(
    remote: Remote, folder: Path, known: dict[str, Any], progress: Progress
) -> tuple[str, str]:
    """Verify a file that is there, or fetch it; how it came, and its sha256."""
    target = folder / remote.name
    if target.exists():
        wrong, digest = _verify(target, remote, known)
        if wrong:
            raise InputError(
                f"is not the published file ({wrong})",
                where=str(target),
                remedy="Move it away or delete it, then repeat the command",
            )
        return "was there", digest

    def told(done: int) -> None:
        whole = -(-remote.size >> 20)
        progress(f"{remote.name}, MB", whole if done == remote.size else done >> 20, whole)

    wrong = ""
    transfer = Transfer(remote, folder, _NPY, told)
    for _ in range(2):
        resumed = transfer.complete()
        wrong, digest = _verify(transfer.part, remote, known)
        if not wrong:
            storage.put_file(transfer.part, str(target))
            return "resumed" if resumed else "fetched", digest
        transfer.discard()
        # The earlier part may have been of other content: once more, from the start.
        if not resumed:
            break
    raise InputError(
        f"what was fetched is not what the record describes ({wrong})",
        where=remote.url,
        remedy="Try again later, or name a mirror with --record-url",
    )


def _verify(path: Path, remote: Remote, known: dict[str, Any]) -> tuple[str, str]:
    """What is wrong with a file, if anything, and its sha256."""
    size = path.stat().st_size
    if size != remote.size:
        return f"{size} bytes instead of {remote.size}", ""
    kind, _, expected = (remote.checksum or "sha256:").partition(":")
    sha256, other = hashlib.sha256(), hashlib.new(kind, usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(_CHUNK):
            sha256.update(block)
            other.update(block)
    digest = sha256.hexdigest()
    if expected and other.hexdigest() != expected:
        return f"{kind} {other.hexdigest()} instead of {expected}", digest
    if known.get("sha256", digest) != digest:
        return f"sha256 {digest}, when first fetched it was {known['sha256']}", digest
    return "", digest


def _read_checksums(folder: Path) -> dict[str, dict[str, Any]]:
    path = folder / CHECKSUMS
    if not path.exists():
        return {}
    found = storage.read_json(str(path))
    sound = isinstance(found, dict) and all(
        isinstance(v, dict)
        and isinstance(v.get("sha256"), str)
        and isinstance(v.get("size"), int)
        and (v.get("published") is None or verifiable(str(v["published"])))
        for v in found.values()
    )
    if not sound:
        raise InputError(
            "holds no checksums", where=str(path), remedy="Delete it to verify the files anew"
        )
    return dict(found)


def _there(folder: Path, name: str, known: dict[str, Any]) -> bool:
    return name in known and (folder / name).exists()


def _as_known(name: str, known: dict[str, dict[str, Any]]) -> Remote:
    return Remote(name, "", known[name]["size"], known[name].get("published"))


def _check_unchanged(remotes: list[Remote], known: dict[str, dict[str, Any]], folder: Path) -> None:
    """Refuse a record that describes another file than the one verified before."""
    for remote in remotes:
        before = known.get(remote.name)
        if before is None:
            continue
        now: dict[str, Any] = {"size": remote.size, "published": remote.checksum}
        for what, value in now.items():
            if before.get(what) is not None and value is not None and before[what] != value:
                raise InputError(
                    f"the record now gives {remote.name} another {what} ({value}) than when it "
                    f"was first fetched ({before[what]})",
                    where=str(folder / CHECKSUMS),
                    remedy="Fetch to another folder, and compare before you trust either",
                )


def _check_space(remotes: list[Remote], folder: Path) -> None:
    """Refuse what does not fit before a byte of it is fetched."""
    lacking = 0
    for remote in remotes:
        target = folder / remote.name
        part = part_path(target)
        if not target.exists():
            lacking += remote.size - (part.stat().st_size if part.exists() else 0)
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if lacking > free:
        raise InputError(
            f"{lacking / 1e9:.1f} GB are to be fetched and {free / 1e9:.1f} GB are free",
            where=str(folder),
            remedy="Make room, or choose another --out",
        )


def _splits(out: str) -> dict[str, Any]:
    splits = {}
    for split in ("train", "val", "test"):
        patches = open_patches(out, split=split)
        splits[split] = {
            "patches": len(patches),
            "shape": list(patches.images.shape),
            "dtype": str(patches.images.dtype),
        }
    return splits
