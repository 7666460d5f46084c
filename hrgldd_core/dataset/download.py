"""Fetching large files: resumed, and whole only when as long as they should be.

Ours is the part file that a next attempt goes on with (RFC 9110, section 14: range requests);
see ``docs/decisions/0006-downloading.md`` for why.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from hrgldd_core.dataset.web import ATTEMPTS, UnreachableError, ask, broken, pause, reason
from hrgldd_core.errors import InputError

__all__ = ["Remote", "Transfer", "part_path"]

_CHUNK = 1 << 16
_REMEDY = "Try again later, or name a mirror with --record-url"


@dataclass(frozen=True)
class Remote:
    """A file to fetch.

    Attributes:
        name: of the file, without folders.
        url: where it is.
        size: bytes.
        checksum: ``algorithm:hexdigest``, when one is published.
    """

    name: str
    url: str
    size: int
    checksum: str | None


def part_path(target: Path) -> Path:
    """Where a file grows until it is whole."""
    return target.with_name(f"{target.name}.part")


@dataclass(frozen=True)
class Transfer:
    """One file on its way.

    Attributes:
        remote: what to fetch.
        folder: where to.
        magic: the first bytes of any such file: a web page is told by them at once.
        told: called with the number of bytes that are there.
    """

    remote: Remote
    folder: Path
    magic: bytes
    told: Callable[[int], None]

    @property
    def part(self) -> Path:
        """Where the file grows."""
        return part_path(self.folder / self.remote.name)

    @property
    def _note(self) -> Path:
        """What the part is a part of."""
        return self.part.with_name(f"{self.part.name}.json")

    def complete(self) -> bool:
        """Complete the part file, from where an earlier attempt left it.

        Returns:
            Whether some of it is from an earlier attempt.

        Raises:
            UnreachableError: when it cannot be completed; the part is kept for the next attempt.
            InputError: when the server has something else under this name.
        """
        self._forget_other_content()
        with self.part.open("ab") as file:
            _lock(file, self.part)
            resumed = file.tell() > 0
            try:
                self._fill(file)
            finally:
                if not file.seek(0, 2):
                    self.discard()
        self._note.unlink(missing_ok=True)
        return resumed

    def discard(self) -> None:
        """Forget what was fetched."""
        self.part.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def _forget_other_content(self) -> None:
        known = self._noted()
        same = all(known.get(k) == v for k, v in asdict(self.remote).items() if k != "url")
        if self.part.exists() and (not same or self.part.stat().st_size > self.remote.size):
            self.discard()

    def _fill(self, file: BinaryIO) -> None:
        fruitless, problem = 0, ""
        while (have := file.seek(0, 2)) < self.remote.size:
            if fruitless >= ATTEMPTS:
                raise UnreachableError(
                    f"the transfer broke off at {have} of {self.remote.size} bytes ({problem})",
                    where=self.remote.url,
                    remedy="Repeat the command to go on from there",
                )
            pause(fruitless)
            try:
                self._append(file, have)
                problem = "the server ended it early"
            except broken() as error:
                problem = reason(error)
            fruitless = 0 if file.seek(0, 2) > have else fruitless + 1

    def _append(self, file: BinaryIO, have: int) -> None:
        """Ask once for what is lacking; start over when the server does."""
        # Compressed on the way, bytes could not be counted.
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
            if tag := self._noted().get("etag"):
                headers["If-Range"] = tag
        with ask(self.remote.url, headers) as response:
            start = have if _goes_on(response, have) else 0
            self._check_announced(response, start)
            tag = response.headers.get("ETag", "")
            # A weak tag does not vouch for bytes.
            strong = tag if not tag.startswith("W/") else ""
            self._note.write_text(json.dumps({**asdict(self.remote), "etag": strong}))
            file.truncate(start)
            for block in response.iter_content(_CHUNK):
                if not start and not block.startswith(self.magic[: len(block)]):
                    raise self._no_data()
                start += len(block)
                if start > self.remote.size:
                    file.truncate(0)
                    raise self._wrong_size(f"more than {self.remote.size}")
                file.write(block)
                file.flush()
                self.told(start)

    def _check_announced(self, response: Any, start: int) -> None:
        """Refuse by the headers what need not be fetched to be refused."""
        if urlsplit(self.remote.url).scheme == "https" != urlsplit(response.url).scheme:
            raise InputError(
                "was redirected to an insecure address", where=self.remote.url, remedy=_REMEDY
            )
        if response.status_code == 206 and not start:
            raise UnreachableError(
                "answers another range than was asked for", where=self.remote.url, remedy=_REMEDY
            )
        if response.headers.get("Content-Type", "").startswith("text/html"):
            raise self._no_data()
        length = response.headers.get("Content-Length", "")
        if length.isdigit() and start + int(length) != self.remote.size:
            raise self._wrong_size(str(start + int(length)))

    def _no_data(self) -> InputError:
        return InputError(
            "is not the data: a web page, perhaps, that wants a login or excuses the server",
            where=self.remote.url,
            remedy="Open the address in a browser, or name a mirror with --record-url",
        )

    def _wrong_size(self, found: str) -> InputError:
        return InputError(
            f"has {found} bytes, the record says {self.remote.size}",
            where=self.remote.url,
            remedy=_REMEDY,
        )

    def _noted(self) -> dict[str, Any]:
        try:
            known = json.loads(self._note.read_text())
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}


def _goes_on(response: Any, have: int) -> bool:
    """Whether the answer is the rest that was asked for, rather than all of it."""
    if response.status_code != 206:
        return False
    first = response.headers.get("Content-Range", "").partition("bytes ")[2].partition("-")[0]
    return bool(have) and first == str(have)


def _lock(file: BinaryIO, part: Path) -> None:
    try:
        import fcntl
    except ImportError:  # no such locks outside POSIX
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise InputError(
            "another process is fetching this file", where=str(part), remedy="Wait for it"
        ) from None
