"""What a URI names: a place on this machine or in a store, and what GDAL calls it."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from hrgldd_core.errors import InputError

__all__ = [
    "GDAL_PATIENCE",
    "check_scheme",
    "gdal_path",
    "is_local",
    "join",
    "local_path",
    "public",
    "remote_uri",
]

_GDAL_PREFIX = {
    "gs": "/vsigs/",
    "s3": "/vsis3/",
    "http": "/vsicurl/http://",
    "https": "/vsicurl/https://",
}
# GDAL's own default is to give up at the first failure.
GDAL_PATIENCE = {"GDAL_HTTP_MAX_RETRY": "6", "GDAL_HTTP_RETRY_DELAY": "0.5"}


def is_local(uri: str) -> bool:
    """Whether the URI names a place on this machine."""
    return urlsplit(uri).scheme in ("", "file")


def local_path(uri: str) -> Path:
    """The local path of a plain path or ``file://`` URI."""
    parts = urlsplit(uri)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    if parts.scheme:
        raise InputError("not a local path", where=uri)
    return Path(uri)


def join(prefix: str, *parts: str) -> str:
    """The URI of something below a prefix."""
    return "/".join([prefix.rstrip("/"), *parts]) if prefix != "/" else "/" + "/".join(parts)


def gdal_path(uri: str) -> str:
    """The name under which GDAL opens a URI.

    Raises:
        InputError: for a scheme that is not read.
    """
    if is_local(uri):
        return str(local_path(uri))
    scheme = check_scheme(uri)
    for option, value in GDAL_PATIENCE.items():
        os.environ.setdefault(option, value)
    return _GDAL_PREFIX[scheme] + uri.partition("://")[2]


def remote_uri(path: str) -> str | None:
    """The URI of what GDAL opens under a name, None for a file of this machine."""
    for scheme, prefix in _GDAL_PREFIX.items():
        if path.startswith(prefix):
            return f"{scheme}://{path.removeprefix(prefix)}"
    return None


def check_scheme(uri: str) -> str:
    """The scheme of a remote URI.

    Raises:
        InputError: for one that is not read.
    """
    scheme = uri.partition("://")[0]
    if scheme not in _GDAL_PREFIX:
        raise InputError(
            f"scheme {scheme!r} is not supported",
            where=uri,
            remedy="Use a path, file://, gs://, s3:// or https://",
        )
    return scheme


def public(uri: str) -> str:
    """A URI to publish: without the credentials that a signed link carries."""
    if is_local(uri):
        return uri
    parts = urlsplit(uri)
    return urlunsplit((parts.scheme, parts.netloc.rsplit("@", 1)[-1], parts.path, "", ""))
