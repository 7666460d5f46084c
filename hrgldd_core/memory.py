"""How much memory is free."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["free_memory"]

_MACHINE = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")


def free_memory() -> int:
    """Bytes: of the machine or of the control group, whichever is less."""
    if not _MACHINE.exists():
        # Not Linux: what is free is not told, so all that the machine has.
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    lines = _MACHINE.read_text().splitlines()
    free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    try:
        limit = (_CGROUP / "memory.max").read_text().strip()
        used = int((_CGROUP / "memory.current").read_text()) - _reclaimable()
    except (OSError, ValueError):
        return free
    return free if limit == "max" else min(free, int(limit) - used)


def _reclaimable() -> int:
    """Bytes of files that were read: they count as used, and make room when it is needed."""
    try:
        lines = (_CGROUP / "memory.stat").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("inactive_file "))
