"""Mapping the scenes of a plan in one process; each step can be repeated without harm."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pystac

from hrgldd_core.errors import InputError, OutputError
from hrgldd_core.mapping.mapped import mapped_item
from hrgldd_core.mapping.plan import MappingPlan, PlannedModel, claim_output
from hrgldd_core.mapping.runtime import Runtime, open_runtime, suggested_batch
from hrgldd_core.mapping.scene import assemble, prepare, strips_of
from hrgldd_core.mapping.tta import combined
from hrgldd_core.models.store import StoredModel, open_model
from hrgldd_core.progress import Progress, no_progress

__all__ = ["SceneMapper", "open_planned"]


def open_planned(models: Sequence[PlannedModel]) -> list[StoredModel]:
    """The models of a plan.

    Raises:
        InputError: when one is no longer the same.
    """
    opened = []
    for planned in models:
        opened.append(model := open_model(planned.uri))
        if model.digest != planned.digest:
            raise InputError(
                "changed since the run was planned", where=planned.uri, remedy="Start anew"
            )
    return opened


class SceneMapper:
    """Maps the scenes of a plan one after the other; the model is loaded once, when first used."""

    def __init__(self, plan: MappingPlan, *, batch: int | None = None) -> None:
        """Check the model; nothing is read or written yet.

        Args:
            plan: what to map.
            batch: windows that the model is given at a time; what fills the device otherwise.
        """
        self._plan = plan
        self._models = open_planned(plan.models)
        self._batch = batch
        self._runtime: Runtime | None = None

    def map_all(
        self, items: Sequence[pystac.Item], progress: Progress = no_progress
    ) -> dict[str, str]:
        """Map scenes one after the other; the reason for each that cannot be mapped.

        Raises:
            OutputError: when the output cannot be written, which is no fault of a scene.
        """
        missing: dict[str, str] = {}
        for item in items:
            try:
                self.map(item, progress)
            except OutputError:
                raise
            except InputError as error:
                missing[item.id] = str(error)
        return missing

    def map(self, item: pystac.Item, progress: Progress = no_progress) -> pystac.Item:
        """Map one scene: its COGs and, last, its item; at once when that is there already.

        Strips that an interrupted run has left are used.

        Raises:
            InputError: when the scene cannot be read; no more than strips of it are written.
        """
        plan, spec = self._plan, self._models[0].spec
        if (finished := mapped_item(plan, item.id)) is not None:
            return finished
        progress(item.id, 0, 1)
        with ThreadPoolExecutor(1) as beside:
            opening = beside.submit(self._open)
            prepared = prepare(plan, spec, item)
        claim_output(plan)
        runtime, batch = opening.result(), self._batch or suggested_batch()
        results = strips_of(plan, spec, prepared, runtime, batch=batch, progress=progress)
        with closing(results):
            return assemble(plan, spec, prepared, results)

    def _open(self) -> Runtime:
        """What looks at windows, loaded the first time."""
        if self._runtime is None:
            chosen = self._plan.parameters
            self._runtime = combined(
                [
                    open_runtime(model, name=chosen.runtime, precision=chosen.precision)
                    for model in self._models
                ],
                chosen.tta,
            )
        return self._runtime
