"""Searching a STAC API."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime
from typing import Any

import pystac
from pystac.errors import STACError

from hrgldd_core import storage
from hrgldd_core.errors import InputError
from hrgldd_core.grid import BBox
from hrgldd_core.stac.query import SearchQuery
from hrgldd_core.stac.web import TIMEOUT, authorise, refused, retries

__all__ = ["search_api"]

_PAGE = 250


def search_api(url: str, query: SearchQuery) -> list[pystac.Item]:
    """Items of a STAC API, page by page; with ``max_items`` the first by id.

    Raises:
        InputError: when it does not answer, or cannot do what is asked.
    """
    from pystac_client import Client
    from pystac_client.exceptions import APIError
    from pystac_client.stac_api_io import StacApiIO
    from pystac_client.warnings import PystacClientWarning

    def modify(request: Any) -> Any:
        return authorise(request, url)

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PystacClientWarning)
            stac_io = StacApiIO(timeout=TIMEOUT, max_retries=retries(), request_modifier=modify)
            client = Client.open(url, stac_io=stac_io)
            if query.filter and not client.conforms_to("FILTER"):
                raise InputError(
                    "the server does not offer the filter extension",
                    where=url,
                    remedy="Leave --filter out, or search a file of its items instead",
                )
            found: dict[tuple[str, str | None], pystac.Item] = {}
            for box in _boxes(query.bbox):
                items = _first(client, query, box) if query.max_items and _sorts(client) else None
                if items is None:
                    items = list(client.search(**_words(query, box), limit=_PAGE).items())
                found |= {(item.id, item.collection_id): item for item in items}
    except APIError as error:
        if error.status_code:
            raise refused(url, error.status_code, _told(error)) from None
        raise _silent(url, error) from None
    except (STACError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _silent(url, error) from None
    return list(found.values())


def _sorts(client: Any) -> bool:
    """Whether the server orders items; pystac-client knows the extension's version 1.0 only."""
    return any(str(c).endswith("/item-search#sort") for c in client.get_conforms_to())


def _first(client: Any, query: SearchQuery, box: BBox | None) -> list[pystac.Item] | None:
    """The first items by id as the server orders them; None where that is not our order."""
    most = query.max_items or _PAGE
    search = client.search(
        **_words(query, box), sortby=["+id"], max_items=most, limit=min(_PAGE, most)
    )
    items: list[pystac.Item] = list(search.items())
    ids = [item.id for item in items]
    return items if ids == sorted(ids) else None


def _words(query: SearchQuery, box: BBox | None) -> dict[str, Any]:
    return {
        "bbox": box,
        "datetime": _interval(query),
        "collections": list(query.collections) or None,
        "filter": query.filter.document if query.filter else None,
        "filter_lang": "cql2-json" if query.filter else None,
    }


def _silent(url: str, error: Exception) -> InputError:
    return InputError(
        f"the STAC API did not answer the search ({_told(error)})",
        where=storage.public(url),
        remedy="Check the address and your credentials, and try again",
    )


def _told(error: Exception) -> str:
    """An error in one line that is not too long."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def _boxes(bbox: BBox | None) -> list[BBox | None]:
    """The box, as two where it crosses the antimeridian: not all servers know that case."""
    if bbox is None or bbox[0] < bbox[2]:
        return [bbox]
    west, south, east, north = bbox
    return [(west, south, 180.0, north), (-180.0, south, east, north)]


def _interval(query: SearchQuery) -> str | None:
    """As text: pystac-client would cut a moment to whole seconds."""

    def text(moment: datetime | None) -> str:
        return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else ".."

    return "/".join(map(text, query.interval)) if any(query.interval) else None
