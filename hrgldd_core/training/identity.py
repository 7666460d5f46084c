"""What a training depends on besides its recipe: which data, by content."""

from __future__ import annotations

import hashlib
import json

from hrgldd_core import storage

__all__ = ["data_identities", "data_identity"]

_ARRAYS = tuple(f"{s}{k}.npy" for s in ("train", "val", "test", "unseen") for k in "XY")


def data_identity(uri: str) -> str:
    """64 hexadecimal digits that tell this content from another.

    Of a single local file the SHA-256; of a built dataset that of its current version's document;
    of a folder of arrays that of its arrays' checksums. Objects in a bucket count by their etag.

    Raises:
        InputError: when it cannot be read.
    """
    document = storage.join(uri, "dataset.json")
    if storage.exists(document):
        return hashlib.sha256(storage.read_bytes(document)).hexdigest()
    names = [name for name in storage.list_names(uri) if name in _ARRAYS]
    if names:
        found = {name: storage.identity(storage.join(uri, name)) for name in names}
    else:
        one = storage.identity(uri)
        if "sha256" in one:
            return str(one["sha256"])
        found = {"": one}
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()


def data_identities(uri: str) -> set[str]:
    """Of a built dataset those of all its versions: no patch ever moves to another split.

    Raises:
        InputError: when it cannot be read.
    """
    versions = storage.join(uri, "versions")
    documents = [name for name in storage.list_names(versions) if name.endswith(".json")]
    earlier = {
        hashlib.sha256(storage.read_bytes(storage.join(versions, name))).hexdigest()
        for name in documents
    }
    return {data_identity(uri), *earlier}
