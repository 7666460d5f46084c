"""Who cuts: threads here or a Dask cluster; results in the order of the tasks."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from hrgldd_core.dataset.sample import Cut, StripTask, cut_strip
from hrgldd_core.errors import InputError

__all__ = ["Workers", "cut_in_order", "workers"]


@dataclass(frozen=True)
class Workers:
    """Who cuts, and how many at once."""

    executor: Executor
    count: int


@contextmanager
def workers(cluster: str | None = None, count: int | None = None) -> Iterator[Workers]:
    """Threads of this process, or a Dask cluster.

    Args:
        cluster: address of a Dask scheduler; its workers must reach the scenes.
        count: threads; as many as this process has cores otherwise.

    Raises:
        InputError: when there is no cluster at that address.
    """
    if cluster is None:
        count = count or len(os.sched_getaffinity(0))
        with ThreadPoolExecutor(count) as pool:
            yield Workers(pool, count)
        return
    import distributed

    connect: Any = distributed.Client
    try:
        client = connect(cluster, timeout="20s", set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(
            f"no Dask scheduler answers ({str(error) or type(error).__name__})",
            where=cluster,
            remedy="Give its address as --cluster, such as tcp://scheduler:8786",
        ) from None
    with client:
        threads = sum(client.nthreads().values())
        if not threads:
            raise InputError("the cluster has no workers", where=cluster, remedy="Start some")
        yield Workers(client.get_executor(pure=False), threads)


def cut_in_order(pool: Workers, tasks: Iterable[StripTask]) -> Iterator[Cut]:
    """Results of tasks, in their order; a few tasks ahead are at work or waiting to be taken."""
    ahead: deque[Future[Cut]] = deque()
    try:
        for task in tasks:
            ahead.append(pool.executor.submit(cut_strip, task))
            if len(ahead) > pool.count:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        for future in ahead:
            future.cancel()
