"""Steps of a mapping run: plan, map each scene, publish; each can be repeated without harm."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pystac

from hrgldd_core import storage
from hrgldd_core.errors import InputError, OutputError
from hrgldd_core.mapping.cog import write_cogs
from hrgldd_core.mapping.plan import MappingPlan, claim_output
from hrgldd_core.mapping.predict import predict_strips
from hrgldd_core.mapping.runtime import Runtime, keras_runtime
from hrgldd_core.mapping.windows import WindowGrid
from hrgldd_core.models.store import StoredModel, open_model
from hrgldd_core.normalise import band_statistics
from hrgldd_core.progress import Progress, no_progress
from hrgldd_core.scenes import SceneReader, open_scene
from hrgldd_core.stac.results import result_item

__all__ = ["SceneMapper", "mapped_item", "open_planned_model"]


def open_planned_model(plan: MappingPlan) -> StoredModel:
    """The model of a plan.

    Raises:
        InputError: when it is no longer the same.
    """
    model = open_model(plan.model)
    if model.digest != plan.model_digest:
        raise InputError("changed since the run was planned", where=plan.model, remedy="Start anew")
    return model


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


class SceneMapper:
    """Maps the scenes of a plan one after the other; the model is loaded once, when first used."""

    def __init__(self, plan: MappingPlan) -> None:
        """Check the model; nothing is read or written yet."""
        self._plan = plan
        self._model = open_planned_model(plan)
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
        """Map one scene: two COGs and, last, its item; at once when that is there already.

        Raises:
            InputError: when the scene cannot be read; nothing of it is written.
        """
        plan, spec = self._plan, self._model.spec
        if (finished := mapped_item(plan, item.id)) is not None:
            return finished
        started = time.monotonic()
        progress(item.id, 0, 1)
        scene = open_scene(item, bands=spec.bands, aoi=plan.aoi)
        with SceneReader(scene) as reader:
            statistics = band_statistics(reader.sample())
        if self._runtime is None:
            self._runtime = keras_runtime(self._model)
        chosen = plan.parameters
        grid = WindowGrid.plan(
            (scene.target.height, scene.target.width),
            largest=chosen.window,
            margin=chosen.margin,
            blend=chosen.blend,
        )
        ready = time.monotonic()
        claim_output(plan)
        with tempfile.TemporaryDirectory(prefix="hrgldd-") as folder:
            strips = predict_strips(
                scene,
                self._runtime,
                normalisation=spec.normalisation,
                statistics=statistics,
                grid=grid,
                progress=progress,
            )
            probability, coverage, pixels = write_cogs(strips, scene.target, Path(folder))
            files: dict[str, dict[str, Any]] = {}
            for kind, path in (("probability", probability), ("coverage", coverage)):
                files[kind] = storage.identity(str(path))
                storage.put_file(path, storage.join(plan.out, kind, f"{item.id}.tif"))
        ended = time.monotonic()
        result = result_item(
            scene,
            run_id=plan.run_id,
            files=files,
            properties={
                "hrgldd:run_id": plan.run_id,
                "hrgldd:model": f"{spec.id} {spec.version}",
                "hrgldd:synthetic": scene.synthetic,
                "hrgldd:pixels": pixels,
                "hrgldd:band_center": list(statistics.center),
                "hrgldd:band_scale": list(statistics.scale),
                "hrgldd:overlap_factor": round(grid.overhead, 3),
                "hrgldd:seconds": {
                    "open": round(ready - started, 3),
                    "map": round(ended - ready, 3),
                },
            },
        )
        storage.write_json(item_uri(plan, item.id), result)
        return pystac.Item.from_dict(result)
