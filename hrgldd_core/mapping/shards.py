"""A mapping run cut into shards of scenes, for steps that run on different machines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hrgldd_core import storage
from hrgldd_core.console import progress_bar
from hrgldd_core.mapping.manifest import published_summary
from hrgldd_core.mapping.plan import MappingPlan, is_finished
from hrgldd_core.mapping.publish import publish
from hrgldd_core.mapping.run import SceneMapper

__all__ = ["map_shard", "publish_plan", "read_plan", "shard_names"]


def read_plan(uri: str) -> MappingPlan:
    """A plan from where an earlier step left it."""
    return MappingPlan.model_validate_json(storage.read_bytes(uri))


def shard_names(plan: MappingPlan, scenes_per_shard: int) -> list[str]:
    """One ``first:last`` range of scenes a shard; a single empty one when all is done.

    Raises:
        OutputExistsError: when the output belongs to another run.
    """
    if is_finished(plan):
        return ["0:0"]
    count = len(plan.items)
    step = max(1, scenes_per_shard)
    return [f"{first}:{min(first + step, count)}" for first in range(0, count, step)]


def map_shard(plan_uri: str, shard: str) -> dict[str, str]:
    """Map a shard's scenes; the reason for each that cannot be mapped."""
    plan = read_plan(plan_uri)
    first, last = (int(v) for v in shard.split(":"))
    with progress_bar() as progress:
        return SceneMapper(plan).map_all(plan.scenes()[first:last], progress)


def publish_plan(plan_uri: str, failure_uris: Sequence[str]) -> dict[str, Any]:
    """Publish a run of which all shards have ended; at once when it was published before."""
    plan = read_plan(plan_uri)
    if is_finished(plan):
        return {**published_summary(plan.out), "reused": True}
    missing: dict[str, str] = {}
    for uri in failure_uris:
        missing |= storage.read_json(uri)
    return {**publish(plan, missing), "reused": False}
