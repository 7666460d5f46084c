"""Links that are signed when they are read, by a service that the operator names.

Who signs for which hosts comes from the environment alone, never from an item. Plans and results
hold links without signatures; one that is about to expire, or is refused, is asked for anew.

- ``HRGLDD_SIGN``: ``planetary-computer``, or the address of a service. ``{account}`` and
  ``{container}`` in it stand for the first label of the host and the first folder; without them the
  service is asked about each file by ``?href=``. It answers with JSON: ``token`` (a query string)
  or ``href`` (of which the query is taken), and ``msft:expiry`` or ``expiry`` (ISO 8601).
- ``HRGLDD_SIGN_HOSTS``: hosts whose links it signs, separated by commas; ``.example.com`` means all
  below. Known for Planetary Computer.
- ``HRGLDD_SIGN_TOKEN``: a bearer token for the service.
"""

from __future__ import annotations

import os
import re
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from hrgldd_core.errors import AccessError, InputError
from hrgldd_core.storage.failures import patiently, reason
from hrgldd_core.storage.uri import gdal_path, public, remote_uri

__all__ = ["redact", "renew", "signed", "signed_path", "unsigned"]

_SERVICE, _HOSTS, _TOKEN = "HRGLDD_SIGN", "HRGLDD_SIGN_HOSTS", "HRGLDD_SIGN_TOKEN"
_KNOWN: dict[str, tuple[str, tuple[str, ...]]] = {
    "planetary-computer": (
        "https://planetarycomputer.microsoft.com/api/sas/v1/token/{account}/{container}",
        (".blob.core.windows.net",),
    )
}
_TIMEOUT = (10.0, 30.0)
# Asked for anew this long before the end, so that a request that is under way is still answered.
_AHEAD = timedelta(seconds=60)
# Where the service does not say how long a signature lasts.
_ASSUMED = timedelta(minutes=5)

_QUERY = re.compile(r"\?[^\s?'\")<>]*=[^\s'\")<>]*")


@dataclass(frozen=True)
class _Signature:
    query: str
    until: datetime


_known: dict[str, _Signature] = {}
_lock = threading.Lock()


def signed(uri: str) -> str:
    """The link to read a URI by: signed where a service is named for its host, else as it is.

    Raises:
        AccessError: when the service refuses.
        InputError: when it does not answer, or is not fully named.
    """
    question = _question(uri)
    if question is None:
        return uri
    with _lock:
        held = _known.get(question)
    if held is None or held.until - _AHEAD <= datetime.now(UTC):
        held = _asked(question)
        with _lock:
            _known[question] = held
    return f"{unsigned(uri)}?{held.query}"


def signed_path(path: str) -> str:
    """The same for a name under which GDAL opens a file."""
    uri = remote_uri(path)
    if uri is None or _question(uri) is None:
        return path
    return gdal_path(signed(uri))


def unsigned(uri: str) -> str:
    """The link without the signature that it came with, where a service makes new ones."""
    if _question(uri) is None:
        return uri
    parts = urlsplit(uri)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))


def renew(uri: str) -> bool:
    """Forget the signature of a link that was refused; whether there is a service for new ones."""
    question = _question(uri)
    if question is None:
        return False
    with _lock:
        _known.pop(question, None)
    return True


def redact(text: str) -> str:
    """A message without the queries of the links in it, which may hold signatures."""
    return _QUERY.sub("", text)


def _question(uri: str) -> str | None:
    """The address that signs a link, None where nobody does."""
    if not (chosen := os.environ.get(_SERVICE)) or not uri.startswith(("http://", "https://")):
        return None
    service, hosts = _KNOWN.get(chosen, (chosen, ()))
    if named := os.environ.get(_HOSTS):
        hosts = tuple(filter(None, (host.strip().lower() for host in named.split(","))))
    if not service.startswith(("http://", "https://")):
        known = ", ".join(_KNOWN)
        raise InputError(
            f"{_SERVICE} is neither an address nor one of: {known}", remedy="Correct the variable"
        )
    if not hosts:
        raise InputError(
            f"{_SERVICE} signs for no host", remedy=f"Name them in {_HOSTS}, such as .example.com"
        )
    parts = urlsplit(uri)
    host = (parts.hostname or "").lower()
    if not any(host.endswith(h) if h.startswith(".") else host == h for h in hosts):
        return None
    if "{" in service:
        container = parts.path.lstrip("/").partition("/")[0]
        names = {"{account}": host.partition(".")[0], "{container}": container}
        for name, value in names.items():
            service = service.replace(name, quote(value, safe=""))
        return service
    bare = urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
    return f"{service}{'&' if '?' in service else '?'}href={quote(bare, safe='')}"


def _asked(question: str) -> _Signature:
    where = public(question)
    try:
        answer = patiently(lambda: _answer(question), where)
        signature = _signature(answer)
    except (OSError, ValueError) as error:
        refused = isinstance(error, PermissionError)
        raise (AccessError if refused else InputError)(
            f"does not sign links ({redact(reason(error))})",
            where=where,
            remedy=f"Set {_TOKEN}" if refused else f"Check {_SERVICE}, and try again",
        ) from None
    return signature


def _signature(answer: dict[str, Any]) -> _Signature:
    query = answer.get("token") or urlsplit(str(answer.get("href") or "")).query
    if not isinstance(query, str) or not query:
        raise ValueError("no token in its answer")
    until = _end(answer.get("msft:expiry") or answer.get("expiry"))
    return _Signature(query.lstrip("?"), until)


def _answer(question: str) -> dict[str, Any]:
    import requests

    token = os.environ.get(_TOKEN)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with requests.get(question, headers=headers, timeout=_TIMEOUT) as answer:
        told = f"{answer.status_code} {answer.reason}"
        if answer.status_code in (401, 403):
            raise PermissionError(1, told)
        if answer.status_code in (408, 429) or answer.status_code >= 500:
            raise ConnectionError(told)
        if not answer.ok:
            raise ValueError(told)
        document = answer.json()
    if not isinstance(document, dict):
        raise ValueError("its answer is not a JSON object")  # noqa: TRY004 - as what JSON is not
    return document


def _end(told: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(str(told))
    except ValueError:
        return datetime.now(UTC) + _ASSUMED
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
