"""What file systems raise: which failures pass, and one clear message for those that do not."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from hrgldd_core.errors import AccessError, InputError, OutputError
from hrgldd_core.storage.uri import is_local, public

__all__ = ["DamagedError", "patiently", "reading", "reason", "writing"]

T = TypeVar("T")

_LOG = logging.getLogger(__name__)
# gcsfs and s3fs retry single requests for about half a minute; this is around whole transfers.
_TRIES = 4
_FIRST_PAUSE_S = 1.0
_PASSING_STATUS = {408, 429, *range(500, 600)}


class DamagedError(Exception):
    """What arrived is not what was sent."""


def patiently(call: Callable[[], T], what: str) -> T:
    """The result of a call that is repeated, with longer and longer pauses, while failures pass."""
    for attempt in range(_TRIES):
        try:
            return call()
        except Exception as error:
            if attempt == _TRIES - 1 or not _passes(error):
                raise
            _LOG.info("%s: %s; trying again", what, reason(error))
            time.sleep(_FIRST_PAUSE_S * 2**attempt * random.uniform(0.5, 1.0))  # noqa: S311
    raise AssertionError


def _passes(error: BaseException) -> bool:
    """Whether a failure may be gone at the next try: overload, time-outs, cut connections."""
    if isinstance(error, DamagedError | ConnectionError | TimeoutError):
        return True
    if isinstance(
        error, InputError | FileExistsError | FileNotFoundError | PermissionError | ValueError
    ):
        return False
    if (status := _status(error)) is not None:
        return status in _PASSING_STATUS
    # By name: neither of these packages is imported for this alone.
    kinds = {f"{kind.__module__.partition('.')[0]}.{kind.__name__}" for kind in type(error).__mro__}
    return not kinds.isdisjoint(
        {
            "aiohttp.ClientError",
            "requests.RequestException",
            "botocore.HTTPClientError",
            "gcsfs.ChecksumError",
            "rasterio.RasterioError",
        }
    )


def _status(error: BaseException) -> int | None:
    """HTTP status that an error carries (gcsfs: itself; s3fs: in its cause)."""
    answer = getattr(error.__cause__, "response", None)
    if isinstance(answer, dict):
        status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode")
    else:
        status = getattr(error, "code", None) or getattr(error, "status", None)
    return int(status) if str(status).isdigit() else None


class writing:  # noqa: N801 - reads as a statement
    """Turns what a file system raises into one clear message."""

    def __init__(self, uri: str) -> None:
        self._uri = uri

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        remote = not is_local(self._uri) and not isinstance(error, InputError)
        if isinstance(error, OSError) or (remote and isinstance(error, Exception)):
            raise OutputError(
                f"cannot be written ({reason(error)})",
                where=self._uri,
                remedy="Check --out, the free space and your permissions",
            ) from error


@contextmanager
def reading(uri: str) -> Iterator[None]:
    """Turns what a file system raises while something is read into one clear message."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        # Of stores anything: what their packages raise has no common parent.
        if is_local(uri) and not isinstance(error, OSError | ValueError):
            raise
        # gcsfs tells a forbidden listing by its text only.
        refused = isinstance(error, PermissionError) or str(error).startswith("Forbidden")
        raise (AccessError if refused else InputError)(
            f"cannot be read ({reason(error)})",
            where=public(uri),
            remedy="Check the name, your credentials, and that you may read it",
        ) from error


def reason(error: BaseException) -> str:
    """Why, in a few words."""
    if told := getattr(error, "strerror", None):
        return str(told)
    # Stores name the object only.
    if isinstance(error, FileNotFoundError):
        return "no such object"
    return str(error).strip() or type(error).__name__
