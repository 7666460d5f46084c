"""Asking a web server: connections, redirects, proxies and retries are requests' and urllib3's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hrgldd_core.errors import InputError

__all__ = ["ATTEMPTS", "UnreachableError", "ask", "broken", "pause", "read_small", "reason"]

ATTEMPTS = 5
"""How often in a row something is tried without getting any further."""

_BACKOFF = 1.0
_TIMEOUT = (10, 60)
_SMALL = 5 << 20


class UnreachableError(InputError):
    """The network or the server does not give what was asked for."""

    def __init__(self, problem: str, *, where: str = "", remedy: str = "") -> None:
        """Keep the problem apart, for who knows a better remedy."""
        super().__init__(problem, where=where, remedy=remedy)
        self.problem = problem


@contextmanager
def ask(url: str, headers: dict[str, str] | None = None) -> Iterator[Any]:
    """The streamed response (200 or 206) to one GET, retried when that is worth it.

    Raises:
        UnreachableError: with the reason.
    """
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.util import Retry

    retry = Retry(
        total=ATTEMPTS,
        connect=2,
        backoff_factor=_BACKOFF,
        backoff_jitter=_BACKOFF / 2,
        status_forcelist=(429, 500, 502, 503, 504),
        allowed_methods=("GET",),
        raise_on_status=False,
        retry_after_max=120,
    )
    with requests.Session() as session:
        for scheme in ("http://", "https://"):
            session.mount(scheme, HTTPAdapter(max_retries=retry))
        try:
            response = session.get(url, headers=headers, stream=True, timeout=_TIMEOUT)
        except (requests.RequestException, ValueError) as error:
            raise UnreachableError(f"cannot be reached ({reason(error)})", where=url) from None
        with response:
            if response.status_code not in (200, 206):
                raise UnreachableError(
                    f"answers {response.status_code} {response.reason}".rstrip(),
                    where=url,
                    remedy="Try again later, or name a mirror with --record-url",
                )
            yield response


def read_small(url: str) -> bytes:
    """A document of a few megabytes at most.

    Raises:
        UnreachableError: with the reason.
    """
    with ask(url) as response:
        data = b""
        try:
            for block in response.iter_content(1 << 16):
                data += block
                if len(data) > _SMALL:
                    raise UnreachableError("is too large for a description", where=url)
        except broken() as error:
            raise UnreachableError(f"broke off ({reason(error)})", where=url) from None
        return data


def pause(fruitless: int) -> None:
    """Wait before another try, the longer the more were in vain."""
    import time

    time.sleep(_BACKOFF * 2 ** (fruitless - 1) if fruitless else 0)


def broken() -> tuple[type[Exception], ...]:
    """What is raised when a connection ends before the body does."""
    import requests

    return (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)


def reason(error: BaseException) -> str:
    """The innermost words of a nested network error."""
    while True:
        inner = getattr(error, "reason", None) or (error.args[0] if error.args else None)
        if not isinstance(inner, BaseException):
            break
        error = inner
    text = error.args[0] if error.args and isinstance(error.args[0], str) else str(error)
    lines = text.strip().splitlines()
    # urllib3 puts "HTTPConnection(host=..., port=...): " in front.
    return lines[0].rpartition("): ")[2][:200] if lines else type(error).__name__
