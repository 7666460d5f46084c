"""A built dataset on disk or in a bucket: patches in Zarr, an index, one document a version.

Rows are only ever added. A version is the first rows of the arrays, and its document is written
last, so a reader of a version never sees what is being added, and a killed build leaves it whole.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt

from hrgldd_core import storage
from hrgldd_core.dataset.lazy import LazyArray
from hrgldd_core.dataset.patches import PatchSet
from hrgldd_core.errors import InputError
from hrgldd_core.normalise import BandStatistics

__all__ = [
    "ARRAYS",
    "FORMAT",
    "NAMES",
    "StoredArray",
    "current_document",
    "index_uri",
    "open_store",
    "publish",
    "recover",
]

FORMAT = 1
"""Of the documents; raised when older versions of hrgldd could no longer read them."""

CURRENT = "dataset.json"
ARRAYS = "patches.zarr"
"""The Zarr group of images and labels."""
NAMES = (CURRENT, "versions", "index", ARRAYS)
"""What lies below a dataset's URI."""


def _version_uri(uri: str, version: int) -> str:
    return storage.join(uri, "versions", f"v{version:04d}.json")


def index_uri(uri: str, version: int) -> str:
    """Where the index of a version is."""
    return storage.join(uri, "index", f"v{version:04d}.parquet")


def current_document(uri: str, *, version: int | None = None) -> dict[str, Any] | None:
    """The document of a version, the last one unless told; None where there is no dataset.

    Raises:
        InputError: when it is not a dataset of this kind, or has no such version.
    """
    target = storage.join(uri, CURRENT) if version is None else _version_uri(uri, version)
    if not storage.exists(target):
        if version is None:
            return None
        known = ", ".join(n.removesuffix(".json") for n in _versions(uri)) or "none"
        raise InputError(f"has no version {version}", where=uri, remedy=f"Versions there: {known}")
    document = storage.read_json(target)
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise InputError(
            "is not a dataset that this version of hrgldd reads",
            where=target,
            remedy="Use another version of hrgldd, or build the dataset anew",
        )
    return document


def _versions(uri: str) -> list[str]:
    return [n for n in storage.list_names(storage.join(uri, "versions")) if n.startswith("v")]


def recover(uri: str) -> dict[str, Any] | None:
    """The last version's document, made current where a build was killed just before."""
    document = current_document(uri)
    following = 1 if document is None else document["version"] + 1
    if storage.exists(_version_uri(uri, following)):
        document = current_document(uri, version=following)
        storage.write_json(storage.join(uri, CURRENT), document)
        return recover(uri)
    return document


def publish(uri: str, document: dict[str, Any]) -> None:
    """Make a version the current one; its patches and index are there already.

    Raises:
        InputError: when another build published that version first.
    """
    text = f"{json.dumps(document, indent=2, ensure_ascii=False, default=str)}\n".encode()
    if not storage.create_bytes(_version_uri(uri, document["version"]), text):
        raise InputError(
            f"version {document['version']} was published by another build meanwhile",
            where=uri,
            remedy="Repeat the command: it adds what is still missing",
        )
    storage.write_bytes(storage.join(uri, CURRENT), text)


class StoredArray(LazyArray):
    """The first rows of a Zarr array, read when indexed."""

    def __init__(self, array: Any, rows: int) -> None:
        self._array = array
        self.shape = (rows, *array.shape[1:])
        self.dtype = array.dtype

    def read(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        """The rows of these numbers: neighbours in one request."""
        out = np.empty((len(rows), *self.shape[1:]), self.dtype)
        if not len(rows):
            return out
        if len(rows) == rows[-1] - rows[0] + 1 and (np.diff(rows) == 1).all():
            out[:] = self._array[int(rows[0]) : int(rows[-1]) + 1]
            return out
        order, back = np.unique(rows, return_inverse=True)
        found = self._array.get_orthogonal_selection((order,))
        out[:] = found[back]
        return out


def open_store(uri: str, *, version: int | None = None) -> PatchSet:
    """Open a built dataset; no pixel is read.

    Args:
        uri: of the dataset.
        version: the last one unless told.

    Returns:
        Its patches; ``splits`` has ``guard`` for those that belong to none.

    Raises:
        InputError: when there is no dataset or no such version.
    """
    import zarr

    document = current_document(uri, version=version)
    if document is None:
        raise InputError(
            "is no built dataset", where=uri, remedy="Build one with `hrgldd dataset build`"
        )
    from hrgldd_core.dataset.index import read_index

    count = document["patches"]
    frame = read_index(index_uri(uri, document["version"]))
    store = storage.zarr_store(storage.join(uri, ARRAYS))
    # Told the format, Zarr does not look for the files of the other one.
    group = zarr.open_group(store, mode="r", zarr_format=3)
    names = [site["name"] for site in document["sites"]]
    numbers = {name: number for number, name in enumerate(names)}
    known = {
        scene["unit"]: BandStatistics(
            tuple(scene["statistics"]["center"]), tuple(scene["statistics"]["scale"])
        )
        for scene in document["scenes"]
        if scene["statistics"]
    }
    return PatchSet(
        images=StoredArray(group["images"], count),
        labels=StoredArray(group["labels"], count),
        groups=np.array([numbers[site] for site in frame["site"]], np.int64),
        bands=tuple(document["bands"]),
        source=uri,
        sites=tuple(names),
        splits=np.array(frame["split"].tolist(), dtype=str),
        statistics=tuple(known[unit] for unit in frame["unit"]),
    )
