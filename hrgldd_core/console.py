"""What the commands share: progress on a terminal, quiet lines elsewhere, one JSON line, errors."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from hrgldd_core.errors import HrglddError
from hrgldd_core.progress import Progress

__all__ = ["emit", "fail", "progress_bar", "say"]


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


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A progress bar a task on a terminal; a line at start and end of each otherwise."""
    if not sys.stderr.isatty():

        def quiet(name: str, done: int, total: int) -> None:
            if done == total:
                say(f"{name}: done ({total})")

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
        console=Console(stderr=True),
    ) as bars:
        tasks: dict[str, Any] = {}

        def show(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=total)
            bars.update(tasks[name], completed=done, total=total)

        yield show
