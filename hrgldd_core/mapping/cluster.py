"""A mapping run on a Dask cluster: the strips of all scenes as tasks, then their assembly.

What a task leaves is in the output, not in a worker's memory: a worker that is lost costs the
strips it was at, and a run whose scheduler is lost goes on when it is repeated.
"""

from __future__ import annotations

import logging
import threading
from concurrent.futures import CancelledError
from contextlib import closing
from functools import lru_cache
from typing import Any

import pystac

from hrgldd_core.dask_client import connected
from hrgldd_core.errors import InputError, OutputError
from hrgldd_core.mapping.mapped import mapped_item
from hrgldd_core.mapping.plan import MappingPlan, PlannedModel, claim_output
from hrgldd_core.mapping.run import open_planned
from hrgldd_core.mapping.runtime import (
    Precision,
    Runtime,
    RuntimeName,
    open_runtime,
    suggested_batch,
)
from hrgldd_core.mapping.scene import PreparedScene, assemble, compute, prepare
from hrgldd_core.mapping.strips import Span
from hrgldd_core.mapping.tta import Tta, combined
from hrgldd_core.mapping.work import load_strip, store_strip, stored_strips
from hrgldd_core.models.store import ModelSpec
from hrgldd_core.progress import Progress, no_progress

__all__ = ["map_on_cluster"]

_GONE = "Start the scheduler again and repeat the command: finished strips are kept"
_MEMORY = "Give workers more memory or fewer threads"
_loading = threading.Lock()


def map_on_cluster(
    plan: MappingPlan,
    address: str,
    *,
    batch: int | None = None,
    progress: Progress = no_progress,
) -> dict[str, str]:
    """Map the scenes of a plan on a cluster; the reason for each that cannot be mapped.

    Args:
        plan: its model, scenes and output must be reached by the workers under the same names.
        address: of the scheduler.
        batch: windows that a model is given at a time; what fills a worker's device otherwise.
        progress: told strips done.

    Raises:
        InputError: when the cluster does not answer, or no longer.
        OutputError: when the output cannot be written.
    """
    open_planned(plan.models)
    # What it logs of a lost scheduler says less than our one message.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    with connected(address) as client:
        try:
            return _map(client, plan, batch, progress)
        except OutputError:
            raise
        except (CancelledError, OSError, TimeoutError):
            raise InputError("the Dask scheduler is gone", where=address, remedy=_GONE) from None


def _map(client: Any, plan: MappingPlan, batch: int | None, progress: Progress) -> dict[str, str]:
    import distributed

    items = {i.id: i for i in plan.scenes() if mapped_item(plan, i.id) is None}
    missing: dict[str, str] = {}
    done, total = 0, 0
    # A plan names every scene; a task needs its own only. It goes with each task, and so is not
    # lost with the worker that holds it.
    lean = plan.model_copy(update={"items": [], "inputs": {}, "unusable": {}})
    kinds = {}
    for scene_id, item in items.items():
        future = client.submit(_prepare, lean, item.to_dict(), pure=False)
        kinds[future] = ("prepare", scene_id)
    completed: Any = distributed.as_completed
    running = completed(list(kinds), loop=client.loop)
    for future in running:
        kind, scene_id = kinds.pop(future)
        try:
            result = future.result()
        except distributed.KilledWorker:
            result = f"{scene_id}: ended every worker that tried. {_MEMORY}."
        except OSError as error:
            if future.status != "error":
                raise
            # The worker's own: its disk, its network. The scheduler is there.
            result = f"{scene_id}: failed on a worker ({error}). Repeat the command to go on."
        if kind == "prepare" and isinstance(result, PreparedScene):
            claim_output(plan)
            spans = result.spans
            # Scenes that began first end first, so that strips do not pile up.
            order = -list(items).index(scene_id)
            strips = [
                client.submit(_strip, lean, future, span, batch, pure=False, priority=order)
                for span in spans
            ]
            whole = client.submit(_assemble, lean, future, strips, pure=False, priority=order)
            total += len(strips)
            kinds |= dict.fromkeys(strips, ("strip", scene_id)) | {whole: ("scene", scene_id)}
            for new in (*strips, whole):
                running.add(new)
        elif kind == "strip":
            done += 1
            progress("strips", done, total)
        elif isinstance(result, str):
            missing[scene_id] = result
    return missing


def _prepare(plan: MappingPlan, item: dict[str, Any]) -> PreparedScene | str:
    """A scene, laid out, or why it cannot be mapped."""
    try:
        return prepare(plan, open_planned(plan.models[:1])[0].spec, pystac.Item.from_dict(item))
    except InputError as error:
        return str(error)


def _strip(plan: MappingPlan, prepared: PreparedScene, span: Span, batch: int | None) -> str | None:
    """Compute a strip and keep it, unless it is there; why it cannot be computed."""
    scene_id = prepared.scene.id
    # Dask repeats what it believes lost with a worker, be it finished or not.
    if span in stored_strips(plan, scene_id) or mapped_item(plan, scene_id) is not None:
        return None
    spec, runtime = _model(plan)
    try:
        results = compute(
            prepared,
            spec,
            runtime,
            spans=[span],
            layers=plan.layers,
            batch=batch or suggested_batch(),
        )
        with closing(results):
            store_strip(plan, scene_id, span, next(results))
    except OutputError:
        raise
    except InputError as error:
        return str(error)
    return None


def _assemble(plan: MappingPlan, prepared: PreparedScene, reasons: list[str | None]) -> str | None:
    """Publish a scene of which all strips are kept; why it cannot be."""
    if mapped_item(plan, prepared.scene.id) is not None:
        return None
    if reason := next(filter(None, reasons), None):
        return reason
    spec = open_planned(plan.models[:1])[0].spec
    strips = (load_strip(plan, prepared.scene.id, span) for span in prepared.spans)
    assemble(plan, spec, prepared, strips)
    return None


def _model(plan: MappingPlan) -> tuple[ModelSpec, Runtime]:
    """The models of this worker, loaded once."""
    chosen = plan.parameters
    with _loading:
        return _load(plan.models, chosen.runtime, chosen.precision, chosen.tta)


@lru_cache(maxsize=1)
def _load(
    models: tuple[PlannedModel, ...], name: RuntimeName, precision: Precision, tta: Tta
) -> tuple[ModelSpec, Runtime]:
    opened = open_planned(models)
    runtimes = [open_runtime(model, name=name, precision=precision) for model in opened]
    return opened[0].spec, combined(runtimes, tta)
