"""Which scenes of a run are mapped: those whose item, written last, is in the output."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pystac

from hrgldd_core import storage
from hrgldd_core.mapping.plan import MappingPlan

__all__ = ["item_uri", "mapped_item", "mapped_items"]

# Each waits for the store most of the time.
_AT_ONCE = 16


def item_uri(plan: MappingPlan, scene_id: str) -> str:
    """Where the item of a mapped scene is."""
    return storage.join(plan.out, "items", f"{scene_id}.json")


def mapped_item(plan: MappingPlan, scene_id: str) -> pystac.Item | None:
    """The item of a scene that this run has already mapped, None when it has not."""
    uri = item_uri(plan, scene_id)
    if not storage.exists(uri):
        return None
    item = pystac.Item.from_dict(storage.read_json(uri))
    return item if item.properties.get("hrgldd:run_id") == plan.run_id else None


def mapped_items(plan: MappingPlan, ids: Sequence[str]) -> dict[str, pystac.Item]:
    """Items of those scenes that this run has mapped, by id, in the order given."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = pool.map(lambda scene_id: mapped_item(plan, scene_id), ids)
        return {k: item for k, item in zip(ids, found, strict=True) if item is not None}
