"""Work that runs ahead of who takes its results, in order and bounded."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import TypeVar

__all__ = ["in_order"]

Task = TypeVar("Task")
Result = TypeVar("Result")


def in_order(
    submit: Callable[[Task], Future[Result]], tasks: Iterable[Task], *, ahead: int
) -> Iterator[Result]:
    """Results of tasks, in their order; up to ``ahead`` later ones are at work or wait meanwhile.

    Tasks are taken from their iterator one at a time, so a chain of these is a pipeline whose
    memory is bounded. The first error of a task is raised where its result would have come.
    """
    waiting: deque[Future[Result]] = deque()
    try:
        for task in tasks:
            waiting.append(submit(task))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
