"""What the commands share: progress on a terminal, quiet lines elsewhere, one JSON line, errors."""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from hrgldd_core.errors import HrglddError
from hrgldd_core.progress import NotedProgress

__all__ = ["Terminated", "emit", "ending_on_sigterm", "fail", "progress_bar", "say"]

_QUIET_SECONDS = 60


def say(text: str) -> None:
    """A line for people, on standard error."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def emit(document: dict[str, Any], *, as_json: bool, text: str) -> None:
    """The result on standard output: words for people, or one JSON line."""
    if as_json:
        say(text)
        print(json.dumps(document, default=str), flush=True)  # noqa: T201
    else:
        print(text, flush=True)  # noqa: T201


def fail(error: HrglddError) -> NoReturn:
    """Print one clear message and exit as the error says."""
    say(f"hrgldd: {error}")
    raise SystemExit(error.exit_code)


class Terminated(KeyboardInterrupt):
    """SIGTERM: Kubernetes, or another keeper of processes, wants this one to end."""


@contextmanager
def ending_on_sigterm() -> Iterator[None]:
    """End on SIGTERM as on Ctrl-C: temporary files go, and what was begun can be gone on with."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(*_: object) -> NoReturn:
        raise Terminated

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def progress_bar() -> Iterator[NotedProgress]:
    """A progress bar a task on a terminal; otherwise a line a task, and a note a minute."""
    if not sys.stderr.isatty():
        last = time.monotonic()

        def quiet(name: str, done: int, total: int, /, note: str = "") -> None:
            nonlocal last
            if done == total:
                say(f"{name}: done ({total})")
            elif note and time.monotonic() - last > _QUIET_SECONDS:
                last = time.monotonic()
                say(f"{name}: {done}/{total}  {note}")

        yield quiet
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.progress import (
        Progress as Bars,
    )

    with Bars(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        console=Console(stderr=True),
    ) as bars:
        tasks: dict[str, Any] = {}

        def show(name: str, done: int, total: int, /, note: str = "") -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=total, note="")
            bars.update(tasks[name], completed=done, total=total, note=note)

        yield show
