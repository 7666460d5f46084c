"""Connecting to a Dask cluster: an address that does not answer gives one clear message."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hrgldd_core.errors import InputError

__all__ = ["connected"]


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """A ``distributed.Client`` of a cluster that has workers.

    Args:
        address: of its scheduler.

    Raises:
        InputError: when none answers within 20 s, or it has no workers.
    """
    import distributed

    connect: Any = distributed.Client
    try:
        client = connect(address, timeout="20s", set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(
            f"no Dask scheduler answers ({str(error) or type(error).__name__})",
            where=address,
            remedy="Give its address as --cluster, such as tcp://scheduler:8786",
        ) from None
    with client:
        if not client.nthreads():
            raise InputError("the cluster has no workers", where=address, remedy="Start some")
        yield client
