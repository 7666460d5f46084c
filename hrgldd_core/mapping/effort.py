"""What a run took: time, speed, memory, bytes and, at a given price, money."""

from __future__ import annotations

import resource
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pystac

from hrgldd_core.mapping.plan import MappingPlan

__all__ = ["effort", "effort_rows", "peak_memory_mb"]

_PEAK = "hrgldd:peak_memory_mb"
_READ = "hrgldd:bytes_read"


def effort(
    plan: MappingPlan, mapped: Mapping[str, pystac.Item], *, combining_s: float
) -> dict[str, Any]:
    """Figures of the summary, in the units that their names say.

    Seconds are summed over scenes, wherever these were mapped, so that they are node seconds.
    Speeds are of mapping alone. ``bytes_input`` is the size of the files that were read from.
    ``bytes_read`` is what they hold, by their tables of blocks, of the blocks that the windows
    touch, each counted once: headers come on top, and blocks that had to be read again.

    Args:
        plan: of the run.
        mapped: items of the mapped scenes.
        combining_s: from mapped scenes to the inventory.
    """
    seconds = {
        step: round(sum(m.properties["hrgldd:seconds"][step] for m in mapped.values()), 3)
        for step in ("open", "map")
    }
    seconds["combine"] = round(combining_s, 3)
    pixels = sum(sum(m.properties["hrgldd:pixels"].values()) for m in mapped.values())
    m2 = sum(
        sum(m.properties["hrgldd:pixels"].values()) * float(m.properties["gsd"]) ** 2
        for m in mapped.values()
    )
    hours = sum(seconds.values()) / 3600
    figures: dict[str, Any] = {
        "megapixels": round(pixels / 1e6, 3),
        "seconds": seconds,
        "mpx_per_s": round(pixels / 1e6 / max(seconds["map"], 1e-9), 3),
        "km2_per_h": round(m2 / 1e6 / max(seconds["map"] / 3600, 1e-9), 1),
        "peak_memory_mb": max(
            peak_memory_mb(), *(round(float(m.properties.get(_PEAK, 0))) for m in mapped.values())
        ),
        "bytes_read": sum(int(m.properties.get(_READ, 0)) for m in mapped.values()),
        "bytes_input": sum(int(known.get("size", 0)) for known in plan.inputs.values()),
    }
    if plan.price_per_hour is not None:
        figures["price_per_hour"] = plan.price_per_hour
        figures["cost"] = round(hours * plan.price_per_hour, 4)
    return figures


def effort_rows(summary: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The same for people: what, and how much."""
    from hrgldd_core.report import text

    read, size = (text.file_size(summary[k]) for k in ("bytes_read", "bytes_input"))
    rows = [
        ("Speed", f"{text.significant(summary['km2_per_h'])}{text.NBSP}km² an hour of one node"),
        ("Peak memory", text.file_size(summary["peak_memory_mb"] * 1_000_000)),
        ("Read", f"{read} of the {size} of the input files"),
    ]
    if "cost" in summary:
        price = f"at {summary['price_per_hour']:g} per node hour"
        rows.append(("Cost", f"{text.significant(summary['cost'])} ({price})"))
    return tuple(rows)


def peak_memory_mb() -> int:
    """Largest resident memory of this process so far."""
    with suppress(OSError, StopIteration):
        # `ru_maxrss` begins with that of the process that started this one.
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(x for x in lines if x.startswith("VmHWM")).split()[1]) * 1024 // 10**6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1e6 if sys.platform == "darwin" else 1e6 / 1024))
