"""Scenes in: items of a STAC API, a static catalogue, an item collection or a stac-geoparquet file.

All give the same answer to the same query.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pystac

from hrgldd_core import storage
from hrgldd_core.errors import InputError
from hrgldd_core.stac.api import search_api
from hrgldd_core.stac.query import SearchQuery, parse_bbox, parse_interval
from hrgldd_core.stac.static import filter_features, read_geoparquet, walk
from hrgldd_core.stac.web import is_web, no_catalogue, read_document

__all__ = ["Found", "SearchQuery", "find", "parse_bbox", "parse_interval", "search"]


@dataclass(frozen=True)
class Found:
    """What a search brought.

    Attributes:
        items: sorted by id, with absolute addresses.
        unreadable: reason for each address below a static catalogue that could not be read.
    """

    items: list[pystac.Item]
    unreadable: dict[str, str] = field(default_factory=dict)


def search(source: str, query: SearchQuery) -> list[pystac.Item]:
    """The items that `find` finds."""
    return find(source, query).items


def find(source: str, query: SearchQuery) -> Found:
    """Look for items; what the source is, its content tells.

    Args:
        source: address of an API, or URI of a catalogue, collection, item collection
            (GeoJSON) or stac-geoparquet file.
        query: what to look for.

    Raises:
        InputError: when the source cannot be read or nothing was found (with what was searched).
    """
    unreadable: dict[str, str] = {}
    found = _read(source, query, unreadable)
    if not found:
        words = ", ".join(f"{k} {v}" for k, v in query.describe().items())
        lost = f"; {len(unreadable)} links lead nowhere" if unreadable else ""
        first = f" (the first: {next(iter(unreadable.values()))})" if unreadable else ""
        raise InputError(
            f"no scene found for {words}{lost}{first}",
            where=source,
            remedy="Widen --bbox, --datetime or --filter, or check the names of --collections",
        )
    if not storage.is_local(source):
        _refuse_local(found, source)
    found.sort(key=lambda item: (item.id, item.collection_id or ""))
    return Found(found[: query.max_items], unreadable)


def _read(source: str, query: SearchQuery, unreadable: dict[str, str]) -> list[pystac.Item]:
    if storage.public(source).lower().endswith((".parquet", ".geoparquet")):
        return list(read_geoparquet(source, query, source))
    document = read_document(source, source)
    kind = document.get("type")
    if kind == "FeatureCollection":
        return list(filter_features(document.get("features"), source, query))
    links = document.get("links")
    if not isinstance(links, list) or kind not in ("Catalog", "Collection", None):
        raise no_catalogue(source)
    if is_web(source) and any(isinstance(k, dict) and k.get("rel") == "search" for k in links):
        return search_api(source, query)
    return list(walk(document, source, query, unreadable))


def _refuse_local(items: list[pystac.Item], source: str) -> None:
    """A remote catalogue has no business naming files of this machine."""
    for item in items:
        for key, asset in item.assets.items():
            if storage.is_local(asset.href):
                raise InputError(
                    f"item {item.id}: asset {key} is a local path in a remote catalogue",
                    where=source,
                    remedy="Use a catalogue whose assets have full addresses",
                )
