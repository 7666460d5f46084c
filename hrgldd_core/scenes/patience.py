"""Rasters in stores are opened, and read, again when that fails.

GDAL repeats requests that were answered with a failure, not those whose answer was cut short; of
these it even keeps what came, and a file that is opened again is as broken as before. Reading a
window twice does no harm: so the file is closed, what GDAL remembers of it is dropped, and all is
done again after a pause.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import rasterio
from rasterio._err import CPLE_BaseError
from rasterio.errors import RasterioError

from hrgldd_core import storage
from hrgldd_core.errors import InputError
from hrgldd_core.scenes.env import reading
from hrgldd_core.storage.failures import patiently

__all__ = ["DRIVER", "Patient", "again", "open_patiently", "reading_result"]

DRIVER = "GTiff"
"""The only format that is opened, COGs included: a VRT from a catalogue could name any file."""

Opened = TypeVar("Opened")
Result = TypeVar("Result")


def again(attempt: Callable[[], Result], *paths: str) -> Result:
    """The result of reading rasters, tried again while that of remote ones fails.

    Args:
        attempt: opens and reads, without harm when repeated.
        paths: of all rasters concerned, as GDAL opens them.

    Raises:
        AccessError: when a store wants (other) credentials.
        InputError: when a remote file is no longer there.
        RasterioError: when a local file cannot be read, or a remote one again and again.
    """
    return _again(attempt, lambda: paths)


def _again(attempt: Callable[[], Result], paths: Callable[[], Iterable[str]]) -> Result:
    def once() -> Result:
        try:
            with reading():
                return attempt()
        except (RasterioError, CPLE_BaseError) as error:
            for path in (remote := [p for p in paths() if storage.remote_uri(p)]):
                _forget(storage.signed_path(path))
            for path in remote:
                # Says better than GDAL what is wrong with the file, if something is.
                storage.identity(str(storage.remote_uri(path)))
            if isinstance(error, RasterioError):
                raise
            raise RasterioError(str(error)) from error

    if not any(storage.remote_uri(path) for path in paths()):
        try:
            with reading():
                return attempt()
        except CPLE_BaseError as error:
            raise RasterioError(str(error)) from error
    return patiently(once, storage.redact(", ".join(paths())))


def _forget(path: str) -> None:
    """Drop what GDAL remembers of a remote file: it does when it closes one with this option."""
    with (
        suppress(RasterioError, CPLE_BaseError),
        reading(),
        rasterio.Env(session=rasterio.session.DummySession(), CPL_VSIL_CURL_NON_CACHED=path),
    ):
        rasterio.open(path, driver=DRIVER).close()


class Patient(Generic[Opened]):
    """What is opened from rasters, for one thread; opened anew when reading it fails.

    A context manager.
    """

    def __init__(
        self,
        opener: Callable[[ExitStack], Opened],
        paths: Callable[[], Iterable[str]],
    ) -> None:
        """Open.

        Args:
            opener: opens, and enters into the stack what is to be closed: datasets by `closing`,
                for rasterio leaves them only in the thread that entered them.
            paths: of the rasters that it opens, as GDAL opens them.
        """
        self._opener, self._paths = opener, paths
        self._stack = ExitStack()
        self._opened: Opened | None = None
        self(lambda _: None)

    def __call__(self, read: Callable[[Opened], Result]) -> Result:
        """What ``read`` gives of what is opened; may raise as `again`."""

        def attempt() -> Result:
            try:
                if self._opened is None:
                    self._opened = self._opener(self._stack)
                return read(self._opened)
            except BaseException:
                self.close()
                raise

        return _again(attempt, self._paths)

    def close(self) -> None:
        """Close; the next call opens again."""
        self._opened = None
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()


def open_patiently(uri: str) -> Patient[Any]:
    """A raster of a result, to be read with calls.

    Raises:
        InputError: when it cannot be opened.
    """
    path = storage.gdal_path(uri)
    try:
        return Patient(
            lambda stack: stack.enter_context(closing(rasterio.open(path, driver=DRIVER))),
            lambda: (path,),
        )
    except RasterioError as error:
        raise InputError(f"is not a readable raster ({error})", where=storage.public(uri)) from None


@contextmanager
def reading_result(uri: str) -> Iterator[None]:
    """A raster of a result is read meanwhile.

    Raises:
        InputError: when its pixels cannot be had, though it could be opened.
    """
    try:
        yield
    except RasterioError as error:
        raise InputError(
            f"cannot be read ({storage.redact(str(error))})",
            where=storage.public(uri),
            remedy="It was changed after it was mapped: remove its item and map it again",
        ) from None
