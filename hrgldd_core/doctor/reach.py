"""Checks of what lies elsewhere: the bucket and the STAC API."""

from __future__ import annotations

from uuid import uuid4

from hrgldd_core import storage
from hrgldd_core.doctor.finding import Finding
from hrgldd_core.stac.web import is_web, no_catalogue, read_document

__all__ = ["bucket", "stac"]

_CREDENTIALS = (
    "Check the name, and the credentials: workload identity or GOOGLE_APPLICATION_CREDENTIALS for "
    "gs://, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (AWS_ENDPOINT_URL) for s3://"
)


def bucket(uri: str) -> Finding:
    """Objects can be made, once only, read, listed and deleted below a prefix.

    The second writer of an object must lose: runs rely on it.
    """
    name = f".hrgldd-doctor-{uuid4().hex}"
    probe, content = storage.join(uri, name), uuid4().bytes
    try:
        storage.create_bytes(probe, content)
    except Exception as error:  # noqa: BLE001 - stores raise errors of their own kinds
        return Finding("bucket", "failed", _told(error), _CREDENTIALS)
    try:
        lacking = []
        if storage.create_bytes(probe, b"second"):
            lacking.append("does not keep preconditions: a second writer replaces the first")
        elif storage.read_bytes(probe) != content:
            lacking.append("returns something else than was written")
        if name not in storage.list_names(uri):
            lacking.append("does not list what was written")
    except Exception as error:  # noqa: BLE001
        lacking = [_told(error)]
    try:
        storage.remove(probe)
        if storage.exists(probe):
            lacking.append("does not delete")
    except Exception as error:  # noqa: BLE001
        lacking.append(f"does not delete ({_told(error)})")
    if lacking:
        remedy = "Give the account the right to create, read, list and delete objects there"
        return Finding("bucket", "failed", f"{uri}: {'; '.join(lacking)}", remedy)
    return Finding("bucket", "ok", f"{uri}: create, read, list, delete")


def stac(uri: str) -> Finding:
    """A STAC API that searches items, or a catalogue or file of items.

    Raises:
        InputError: when it does not answer, or with something else.
    """
    document = read_document(uri, uri)
    conforms = [str(c) for c in document.get("conformsTo", [])]
    if any("/item-search" in c for c in conforms):
        extras = [part for part in ("filter", "sort") if any(f"#{part}" in c for c in conforms)]
        offers = f", with {' and '.join(extras)}" if extras else ", without filter and sort"
        return Finding("stac", "ok", f"{storage.public(uri)}: API {_version(document)}{offers}")
    if conforms:
        return Finding(
            "stac", "failed", f"{storage.public(uri)}: an API that does not search items",
            "Give the root of a STAC API that has item search",
        )  # fmt: skip
    if document.get("type") in ("Catalog", "Collection"):
        found = f"{storage.public(uri)}: catalogue without an API {_version(document)}"
        return Finding("stac", "ok", found)
    if document.get("type") == "FeatureCollection" and not is_web(uri):
        return Finding("stac", "ok", f"{uri}: file of {len(document.get('features', []))} items")
    raise no_catalogue(uri)


def _version(document: dict[str, object]) -> str:
    return f"(STAC {document.get('stac_version', 'of unknown version')})"


def _told(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
