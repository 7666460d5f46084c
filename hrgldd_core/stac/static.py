"""Catalogues without a server: item collections, static catalogues and stac-geoparquet files."""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urljoin, urlsplit

import pystac

from hrgldd_core import storage
from hrgldd_core.errors import InputError
from hrgldd_core.stac.match import matches, repair_geometry
from hrgldd_core.stac.query import SearchQuery
from hrgldd_core.stac.web import read_document, read_source

__all__ = ["filter_features", "read_geoparquet", "walk"]

_READERS = 16
_FOLLOWED = ("child", "item")


def filter_features(features: Any, uri: str, query: SearchQuery) -> Iterator[pystac.Item]:
    """The items of a list that answer a query, with absolute addresses.

    Raises:
        InputError: at the first that is not an item.
    """
    if not isinstance(features, list):
        raise InputError("'features' is not a list", where=uri, remedy="Give a list of STAC items")
    for index, feature in enumerate(features):
        try:
            item = _item(feature, uri, query)
        except Exception as error:  # noqa: BLE001 - a catalogue is untrusted: anything may be wrong
            problem = f"feature {index} is not a STAC item ({type(error).__name__}: {error})"
            raise InputError(problem, where=uri, remedy="Correct or remove it") from None
        if item is not None:
            yield item


def read_geoparquet(uri: str, query: SearchQuery, source: str) -> Iterator[pystac.Item]:
    """The items of a stac-geoparquet file that answer a query.

    Raises:
        InputError: when it cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq
    from stac_geoparquet.arrow import stac_table_to_items

    content = read_source(uri, source)
    try:
        features = list(stac_table_to_items(pq.read_table(io.BytesIO(content))))
    except (pa.ArrowException, ValueError, KeyError, TypeError, OSError) as error:
        raise InputError(
            f"is not a stac-geoparquet file ({' '.join(str(error).split())[:200]})",
            where=uri,
            remedy="Write it with stac-geoparquet or rustac",
        ) from None
    yield from filter_features(features, uri, query)


def walk(
    root: dict[str, Any], uri: str, query: SearchQuery, unreadable: dict[str, str]
) -> Iterator[pystac.Item]:
    """The items below a catalogue or collection that answer a query, level by level.

    Args:
        root: the document at ``uri``.
        uri: where links are relative to.
        query: what to look for.
        unreadable: gets the reason for each link that leads nowhere: it costs that item only.
    """
    seen = {uri}
    level = [(uri, root)]
    with ThreadPoolExecutor(_READERS) as pool:
        while level:
            hrefs = list(dict.fromkeys(h for at, d in level for h in _links(d, at)))
            following = [href for href in hrefs if href not in seen]
            seen.update(following)

            def read(href: str) -> dict[str, Any] | InputError:
                try:
                    return read_document(href, uri)
                except InputError as error:
                    return error

            level = []
            for href, document in zip(following, pool.map(read, following), strict=True):
                if isinstance(document, InputError):
                    unreadable[href] = str(document)
                elif document.get("type") == "Feature":
                    try:
                        item = _item(document, href, query)
                    except Exception as error:  # noqa: BLE001 - as above
                        unreadable[href] = f"{href}: is not a STAC item ({error})"
                        continue
                    if item is not None:
                        yield item
                else:
                    level.append((href, document))


def _links(document: dict[str, Any], at: str) -> Iterator[str]:
    """Absolute addresses of what lies below a catalogue."""
    links = document.get("links")
    for link in links if isinstance(links, list) else []:
        if isinstance(link, dict) and link.get("rel") in _FOLLOWED:
            href = _absolute(str(link.get("href")), at)
            # A remote catalogue has no business leading to files of this machine.
            if storage.is_local(at) or not storage.is_local(href):
                yield href


def _absolute(href: str, base: str) -> str:
    if urlsplit(href).scheme:
        return href
    # urljoin knows no gs:// or s3://.
    scheme, _, rest = base.rpartition("://")
    joined = urljoin(f"http://{rest}" if scheme else rest, href)
    return f"{scheme}://{joined.removeprefix('http://')}" if scheme else joined


def _item(feature: Any, uri: str, query: SearchQuery) -> pystac.Item | None:
    item = pystac.Item.from_dict(repair_geometry(feature), migrate=True)
    if not isinstance(item.id, str):
        raise TypeError(f"id {item.id!r} is not text")
    if not matches(item, query):
        return None
    item.set_self_href(uri)
    item.make_asset_hrefs_absolute()
    for asset in item.assets.values():
        asset.href = _absolute(asset.href, uri)
    return item
