"""All checks, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from hrgldd_core.doctor import machine, reach
from hrgldd_core.doctor.finding import Check, Finding, checked

__all__ = ["examine"]


def examine(
    *,
    bucket: str = "",
    stac: str = "",
    model: str = "bundled",
    work: str = ".",
    gpu: bool = False,
) -> Iterator[Finding]:
    """Findings as they are made; none of them raises.

    Args:
        bucket: URI prefix to make, read and delete an object below; empty for none.
        stac: STAC API, catalogue or file to ask; empty for none.
        model: folder or URI of the model to try.
        work: folder that has to be writable.
        gpu: whether a GPU is needed.
    """
    checks: dict[str, Check] = {
        "versions": machine.versions,
        "devices": partial(machine.devices, gpu=gpu),
        "formats": machine.formats,
        "model": partial(machine.model, model),
        "memory": machine.memory,
        "space": machine.space,
        "work": partial(machine.work_folder, work),
    }
    if bucket:
        checks["bucket"] = partial(reach.bucket, bucket)
    if stac:
        checks["stac"] = partial(reach.stac, stac)
    for name, check in checks.items():
        yield checked(name, check)
