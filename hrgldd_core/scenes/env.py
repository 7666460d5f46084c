"""How GDAL reads over a network: by ranges, with retries, backoff and time limits."""

from __future__ import annotations

import logging
import os

import rasterio

from hrgldd_core import storage
from hrgldd_core.storage.uri import GDAL_PATIENCE

__all__ = ["READING", "reading"]

READING = {
    # A server's answers that pass: repeated after 0.5 s, then about twice as long each time.
    **GDAL_PATIENCE,
    "GDAL_HTTP_RETRY_CODES": "408,429,500,502,503,504",
    "GDAL_HTTP_CONNECTTIMEOUT": "10",
    "GDAL_HTTP_TIMEOUT": "120",
    # A connection that stands still for half a minute is dead.
    "GDAL_HTTP_LOW_SPEED_TIME": "30",
    "GDAL_HTTP_LOW_SPEED_LIMIT": "1",
    # Opening a file must not list the bucket that it lies in.
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
    # A COG's directories, in one request with its head. rasterio asks for some of them with
    # Python's lock held: fetched then, they would keep every thread waiting.
    "GDAL_INGESTED_BYTES_AT_OPEN": "65536",
}
"""GDAL's options for reading; those set in the environment win."""


class _WithoutSignatures(logging.Filter):
    """GDAL's warnings name the link that was read, which may be a signed one."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = storage.redact(record.getMessage()), ()
        return True


logging.getLogger("rasterio._env").addFilter(_WithoutSignatures())


def reading() -> rasterio.Env:
    """A context in which rasters are opened and read.

    Credentials and payers are GDAL's own environment variables: ``GOOGLE_APPLICATION_CREDENTIALS``
    or ``GS_USER_PROJECT``, ``AWS_ACCESS_KEY_ID`` or ``AWS_REQUEST_PAYER``, and their like.
    """
    chosen = {key: value for key, value in READING.items() if key not in os.environ}
    # GDAL reads AWS' variables itself: no session that would look for credentials elsewhere.
    return rasterio.Env(session=rasterio.session.DummySession(), **chosen)
