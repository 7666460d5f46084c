"""Asking a catalogue over HTTP: retries with backoff, time limits, a token for its host only."""

from __future__ import annotations

import json
import os
import time
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.util import Retry

from hrgldd_core import storage
from hrgldd_core.errors import InputError

__all__ = [
    "TIMEOUT",
    "authorise",
    "is_web",
    "no_catalogue",
    "read_document",
    "read_source",
    "refused",
    "retries",
]

TIMEOUT = (10.0, 60.0)
"""Seconds to connect, and to wait for the next bytes."""

_PAUSES = (0.2, 0.5, 1.0, 2.0)

_TOKEN = "HRGLDD_STAC_TOKEN"  # noqa: S105 - the name of a variable


def is_web(uri: str) -> bool:
    """Whether a URI is asked for over HTTP."""
    return uri.startswith(("http://", "https://"))


def retries() -> Retry:
    """How often and after how long a request is repeated: 0.5, 1, 2, 4 s."""
    return Retry(
        total=5,
        backoff_factor=0.25,
        backoff_jitter=0.1,
        status_forcelist=(408, 429, 500, 502, 503, 504),
        allowed_methods=("GET", "POST"),
        raise_on_status=False,
        retry_after_max=60,
    )


def authorise(request: requests.Request, source: str) -> requests.Request:
    """Add ``HRGLDD_STAC_TOKEN`` to a request to the host of ``source``, and to no other."""
    token = os.environ.get(_TOKEN)
    if token and urlsplit(str(request.url)).netloc == urlsplit(source).netloc:
        request.headers["Authorization"] = f"Bearer {token}"
    return request


def read_source(uri: str, source: str) -> bytes:
    """All of an object of a catalogue.

    Args:
        uri: of the object.
        source: of the catalogue: its host gets the token.

    Raises:
        InputError: when it cannot be read.
    """
    if not is_web(uri):
        return storage.read_bytes(uri)
    with requests.Session() as session:
        for scheme in ("http://", "https://"):
            session.mount(scheme, requests.adapters.HTTPAdapter(max_retries=retries()))
        request = authorise(requests.Request("GET", uri), source)
        prepared = session.prepare_request(request)
        for pause in (*_PAUSES, None):
            try:
                with session.send(prepared, timeout=TIMEOUT) as response:
                    if response.ok:
                        return bytes(response.content)
                    raise refused(uri, response.status_code, response.reason)
            except requests.exceptions.ChunkedEncodingError as error:
                # The connection was cut within the answer, which urllib3 does not repeat.
                if pause is None:
                    raise _unanswered(uri, error) from None
                time.sleep(pause)
            except requests.RequestException as error:
                raise _unanswered(uri, error) from None
    raise AssertionError("unreachable")


def _unanswered(uri: str, error: Exception) -> InputError:
    return InputError(
        f"does not answer ({_cause(error)})", where=storage.public(uri), remedy="Check the address"
    )


def read_document(uri: str, source: str) -> dict[str, Any]:
    """A JSON object of a catalogue; ``source`` as in `read_source`.

    Raises:
        InputError: when it cannot be read or is something else.
    """
    content = read_source(uri, source)
    try:
        document = json.loads(content)
    except ValueError as error:
        page = content.lstrip()[:1] == b"<" and is_web(uri)
        what = "answers with a web page; it is not JSON" if page else f"is not JSON ({error})"
        raise InputError(
            what, where=uri, remedy="Give the address of a STAC API or of a STAC file"
        ) from None
    if not isinstance(document, dict):
        raise no_catalogue(uri)
    return document


def no_catalogue(uri: str) -> InputError:
    """What to tell of a document that holds no items and leads to none."""
    return InputError(
        "is not an item collection or catalogue",
        where=uri,
        remedy="Give a STAC API, a catalogue, or a GeoJSON FeatureCollection of STAC items",
    )


def refused(uri: str, status: int, reason: str) -> InputError:
    """What to tell of an answer that is none."""
    remedy = "Check the address, and try again"
    if status in (401, 403):
        remedy = f"Set {_TOKEN}, or a user and password in ~/.netrc"
    return InputError(f"answers {status} {reason}", where=storage.public(uri), remedy=remedy)


def _cause(error: BaseException) -> str:
    """The innermost reason of a failed request."""
    text = str(getattr(error.args[0], "reason", error) if error.args else error)
    return text.rsplit(": ", 1)[-1].strip("()'\" ") or type(error).__name__
