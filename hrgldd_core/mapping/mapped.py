"""Which scenes of a run are mapped, asked of the output many at a time."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pystac

from hrgldd_core.mapping.plan import MappingPlan
from hrgldd_core.mapping.run import mapped_item

__all__ = ["mapped_items"]

# Each waits for the store most of the time.
_AT_ONCE = 16


def mapped_items(plan: MappingPlan, ids: Sequence[str]) -> dict[str, pystac.Item]:
    """Items of those scenes that this run has mapped, by id, in the order given."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = pool.map(lambda scene_id: mapped_item(plan, scene_id), ids)
        return {k: item for k, item in zip(ids, found, strict=True) if item is not None}
