"""The file list of a published record (Zenodo's REST API), read as what it is: from a stranger."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, ValidationError

from hrgldd_core.dataset.download import Remote
from hrgldd_core.dataset.web import UnreachableError, read_small
from hrgldd_core.errors import InputError

__all__ = ["BY_HAND", "HR_GLDD_RECORD", "NAMES", "read_record", "verifiable"]

HR_GLDD_RECORD = "https://zenodo.org/api/records/7189381"
"""Meena et al. 2023, ESSD 15, 3283-3298, doi:10.5281/zenodo.7189381."""

NAMES = tuple(f"{split}{kind}.npy" for split in ("train", "val", "test") for kind in "XY")
"""The files of the data set: images and masks of each split."""

BY_HAND = (
    f"Try again when you are online, name a mirror with --record-url, or place {', '.join(NAMES)} "
    "of https://zenodo.org/records/7189381 in the folder by hand and give it as --data"
)


class _Links(BaseModel):
    self: str


class _File(BaseModel):
    key: str
    size: int = Field(ge=1)
    checksum: str | None = None
    links: _Links


class _Record(BaseModel):
    files: list[_File]


def read_record(url: str, names: Sequence[str] = NAMES) -> list[Remote]:
    """The files of these names, in this order; whatever else the record lists is left alone.

    Raises:
        UnreachableError: when the record cannot be had.
        InputError: when it is no record, lacks a file, or points to where nothing is fetched from.
    """
    scheme = urlsplit(url).scheme
    if scheme not in ("http", "https"):
        raise InputError(
            "not a web address", where=url, remedy="Give an http:// or https:// --record-url"
        )
    try:
        record = _Record.model_validate_json(read_small(url))
    except UnreachableError as error:
        raise UnreachableError(error.problem, where=url, remedy=BY_HAND) from None
    except ValidationError as error:
        first: Any = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the document"
        raise InputError(
            f"is not the record of a data set ({place}: {first['msg']})",
            where=url,
            remedy="Name a Zenodo record's API address with --record-url",
        ) from None
    listed = {file.key: file for file in record.files}
    lacking = [name for name in names if name not in listed]
    if lacking:
        raise InputError(
            f"lists no {', '.join(lacking)}",
            where=url,
            remedy=f"The record of HR-GLDD is {HR_GLDD_RECORD}",
        )
    return [_remote(listed[name], scheme, url) for name in names]


def verifiable(checksum: str) -> bool:
    """Whether ``algorithm:hexdigest`` is a checksum that can be computed here."""
    kind, _, digest = checksum.partition(":")
    known = kind.lower() in hashlib.algorithms_guaranteed
    # Digests of no fixed length (SHAKE) say 0.
    return known and len(digest) == 2 * hashlib.new(kind, usedforsecurity=False).digest_size > 0


def _remote(file: _File, scheme: str, record: str) -> Remote:
    found = urlsplit(file.links.self).scheme
    if found not in ("https", scheme):
        raise InputError(
            f"wants {file.key} fetched from {file.links.self!r}",
            where=record,
            remedy="Only https:// is fetched, or http:// from an http:// record",
        )
    if file.checksum and not verifiable(file.checksum):
        raise InputError(
            f"gives {file.key} the checksum {file.checksum!r}, which nobody here can verify",
            where=record,
            remedy="Name another mirror with --record-url",
        )
    return Remote(file.key, file.links.self, file.size, (file.checksum or "").lower() or None)
