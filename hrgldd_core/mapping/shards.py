"""A mapping run cut into shards of scenes, for steps that run on different machines."""

from __future__ import annotations

import hashlib
import json
from math import ceil
from typing import Any

import pystac

from hrgldd_core import storage
from hrgldd_core.attempts import begin, given_up, settle
from hrgldd_core.console import progress_bar
from hrgldd_core.errors import InputError, OutputError, some
from hrgldd_core.mapping.manifest import published_summary
from hrgldd_core.mapping.mapped import mapped_item, mapped_items
from hrgldd_core.mapping.plan import MappingPlan, is_finished, release_output
from hrgldd_core.mapping.publish import publish
from hrgldd_core.mapping.run import SceneMapper
from hrgldd_core.mapping.work import attempts_uri, failure_of, note_failure
from hrgldd_core.progress import Progress

__all__ = ["lineage", "map_shard", "publish_plan", "read_plan", "shard_names"]

_NOT_TRIED = "was not mapped"
_TRIES = 3
# Their names travel as one parameter, which may hold a few kilobytes.
_MOST = 500


def read_plan(uri: str) -> MappingPlan:
    """A plan from where an earlier step left it."""
    return MappingPlan.model_validate_json(storage.read_bytes(uri))


def shard_names(plan: MappingPlan, scenes_per_shard: int) -> list[str]:
    """One ``first:last`` range of scenes a shard; only shards with a scene that is not mapped yet.

    Raises:
        OutputExistsError: when the output belongs to another run.
    """
    if is_finished(plan):
        return []
    ids = [item["id"] for item in plan.items]
    mapped = mapped_items(plan, ids)
    step = max(1, scenes_per_shard, ceil(len(ids) / _MOST))
    return [
        f"{first}:{min(first + step, len(ids))}"
        for first in range(0, len(ids), step)
        if any(scene_id not in mapped for scene_id in ids[first : first + step])
    ]


def map_shard(plan_uri: str, shard: str) -> dict[str, str]:
    """Map a shard's scenes; the reason for each that cannot be mapped, which is kept too.

    What is wrong with an input is no reason to try again, so nothing of that kind is raised; a
    scene that ends the process is left out after some times.

    Raises:
        OutputError: when the output cannot be written.
    """
    plan = read_plan(plan_uri)
    first, last = (int(v) for v in shard.split(":"))
    items = plan.scenes()[first:last]
    try:
        mapper = SceneMapper(plan)
    except InputError as error:
        missing = {item.id: str(error) for item in items}
    else:
        with progress_bar() as progress:
            missing = dict(filter(None, (_map(plan, mapper, item, progress) for item in items)))
    for scene_id, reason in missing.items():
        note_failure(plan, scene_id, reason)
    return missing


def _map(
    plan: MappingPlan, mapper: SceneMapper, item: pystac.Item, progress: Progress
) -> tuple[str, str] | None:
    """Map a scene; its id and the reason when it cannot be mapped."""
    attempts = attempts_uri(plan, item.id)
    if mapped_item(plan, item.id) is not None:
        return None
    if not begin(attempts, tries=_TRIES):
        return item.id, given_up(item.id, tries=_TRIES)
    try:
        mapper.map(item, progress)
    except OutputError:
        raise
    except InputError as error:
        settle(attempts)
        return item.id, str(error)
    settle(attempts)
    return None


def publish_plan(plan_uri: str) -> dict[str, Any]:
    """Publish a run of which all shards have ended; at once when it was published before.

    Raises:
        InputError: when no scene was mapped; nothing is left behind then.
    """
    plan = read_plan(plan_uri)
    if is_finished(plan):
        return {**published_summary(plan.out), "reused": True}
    ids = [item["id"] for item in plan.items]
    mapped = mapped_items(plan, ids)
    missing = {k: failure_of(plan, k) or _NOT_TRIED for k in ids if k not in mapped}
    if not mapped:
        release_output(plan)
        raise InputError(some({**plan.unusable, **missing}.values(), between="\n"))
    return {**publish(plan, missing), "reused": False}


def lineage(plan: MappingPlan) -> tuple[dict[str, str | int], dict[str, str]]:
    """What is to be recorded of the scenes and of the model, in a few hundred bytes each."""
    identity = json.dumps(plan.inputs, sort_keys=True).encode()
    scenes: dict[str, str | int] = {
        "catalogue": plan.searched.get("catalogue", ""),
        "scenes": len(plan.items),
        "scenes_sha256": hashlib.sha256(identity).hexdigest(),
    }
    return scenes, {
        "model": ",".join(m.uri for m in plan.models),
        "model_sha256": ",".join(m.digest for m in plan.models),
    }
