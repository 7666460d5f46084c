"""Who cuts: threads here or a Dask cluster; results in the order of the tasks."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from hrgldd_core.ahead import in_order
from hrgldd_core.dask_client import connected
from hrgldd_core.dataset.sample import Cut, StripTask, cut_strip

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
    with connected(cluster) as client:
        threads = sum(client.nthreads().values())
        yield Workers(client.get_executor(pure=False), threads)


def cut_in_order(pool: Workers, tasks: Iterable[StripTask]) -> Iterator[Cut]:
    """Results of tasks, in their order; a few tasks ahead are at work or waiting to be taken."""
    return in_order(lambda task: pool.executor.submit(cut_strip, task), tasks, ahead=2 * pool.count)
