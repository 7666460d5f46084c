"""A scene of a run: laid out, its strips computed or found again, put together and published."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pystac

from hrgldd_core import storage
from hrgldd_core.ahead import in_order
from hrgldd_core.mapping.cog import write_cogs
from hrgldd_core.mapping.effort import peak_memory_mb
from hrgldd_core.mapping.mapped import item_uri
from hrgldd_core.mapping.plan import MappingPlan
from hrgldd_core.mapping.predict import predict_spans
from hrgldd_core.mapping.reading import read_extent, reading_threads
from hrgldd_core.mapping.runtime import Runtime
from hrgldd_core.mapping.strips import Span, StripResult, cut, join
from hrgldd_core.mapping.windows import WindowGrid
from hrgldd_core.mapping.work import drop_scene, load_strip, store_strip, stored_strips
from hrgldd_core.models.store import ModelSpec
from hrgldd_core.normalise import BandStatistics, band_statistics
from hrgldd_core.progress import Progress, no_progress
from hrgldd_core.scenes import Scene, SceneReader, open_scene
from hrgldd_core.scenes.reader import sample_scene
from hrgldd_core.stac.results import result_item

__all__ = [
    "PreparedScene",
    "assemble",
    "compute",
    "prepare",
    "strips_of",
]


@dataclass(frozen=True)
class PreparedScene:
    """What all strips of a scene share.

    Attributes:
        scene: what to map.
        statistics: of its bands.
        grid: its windows.
        spans: its strips.
        bytes_read: that the files hold of what its windows reach.
        seconds: that it took to find out.
    """

    scene: Scene
    statistics: BandStatistics
    grid: WindowGrid
    spans: tuple[Span, ...]
    bytes_read: int
    seconds: float


def prepare(plan: MappingPlan, spec: ModelSpec, item: pystac.Item) -> PreparedScene:
    """Open a scene and sample it.

    Raises:
        InputError: when it cannot be mapped.
    """
    started = time.monotonic()
    scene = open_scene(item, bands=spec.bands, aoi=plan.aoi)
    chosen = plan.parameters
    grid = WindowGrid.plan(
        (scene.target.height, scene.target.width),
        largest=chosen.window,
        margin=chosen.margin,
        blend=chosen.blend,
    )
    with ExitStack() as opened:
        readers = [opened.enter_context(SceneReader(scene)) for _ in range(reading_threads())]
        statistics = band_statistics(sample_scene(readers))
        bytes_read = readers[0].stored_bytes(*read_extent(scene, grid))
    spans = tuple(cut(grid, pixels=plan.strip_pixels))
    return PreparedScene(scene, statistics, grid, spans, bytes_read, time.monotonic() - started)


def compute(
    prepared: PreparedScene,
    spec: ModelSpec,
    runtime: Runtime,
    *,
    spans: Sequence[Span],
    layers: int = 1,
    batch: int = 1,
    threads: int | None = None,
    progress: Progress = no_progress,
) -> Generator[StripResult, None, None]:
    """Strips of a scene, computed; arguments as for `predict_spans`.

    Raises:
        InputError: when the scene cannot be read.
    """
    return predict_spans(
        prepared.scene,
        runtime,
        normalisation=spec.normalisation,
        statistics=prepared.statistics,
        grid=prepared.grid,
        spans=spans,
        layers=layers,
        batch=batch,
        threads=threads,
        progress=progress,
    )


def strips_of(
    plan: MappingPlan,
    spec: ModelSpec,
    prepared: PreparedScene,
    runtime: Runtime,
    *,
    batch: int = 1,
    progress: Progress = no_progress,
) -> Generator[StripResult, None, None]:
    """All strips of a scene from the top: those that were kept, the others computed and kept.

    A scene of one strip keeps nothing, there is nothing to go on with.
    """
    scene_id, spans = prepared.scene.id, prepared.spans
    kept = stored_strips(plan, scene_id)
    missing = [span for span in spans if span not in kept]
    results = compute(
        prepared, spec, runtime, spans=missing, layers=plan.layers, batch=batch, progress=progress
    )

    def keep(task: tuple[Span, StripResult]) -> StripResult:
        if len(spans) > 1:
            store_strip(plan, scene_id, *task)
        return task[1]

    with closing(results), ThreadPoolExecutor(1) as writer:
        new = in_order(
            lambda task: writer.submit(keep, task), zip(missing, results, strict=True), ahead=1
        )
        for span in spans:
            yield load_strip(plan, scene_id, span) if span in kept else next(new)
        # Ends the pipeline's threads in its own time.
        next(new, None)


def assemble(
    plan: MappingPlan, spec: ModelSpec, prepared: PreparedScene, results: Iterable[StripResult]
) -> pystac.Item:
    """Publish a scene: its COGs and, last, its item; then forget its strips.

    Raises:
        InputError: from ``results``; nothing of the scene is written.
        OutputError: when the output cannot be written.
    """
    scene = prepared.scene
    seconds = 0.0

    def counted() -> Generator[StripResult, None, None]:
        nonlocal seconds
        for result in results:
            seconds += result.seconds
            yield result

    with tempfile.TemporaryDirectory(prefix="hrgldd-") as folder:
        started = time.monotonic()
        paths, pixels = write_cogs(
            join(counted()), scene.target, Path(folder), uncertain=plan.layers > 1
        )
        files: dict[str, dict[str, Any]] = {}
        for kind, path in paths.items():
            files[kind] = storage.identity(str(path))
            storage.put_file(path, storage.join(plan.out, kind, f"{scene.id}.tif"))
        # Strips that were kept took their time earlier, or elsewhere.
        mapping = max(seconds, time.monotonic() - started)
    statistics = prepared.statistics
    result = result_item(
        scene,
        run_id=plan.run_id,
        files=files,
        properties={
            "hrgldd:run_id": plan.run_id,
            "hrgldd:model": plan.model_label(spec),
            "hrgldd:synthetic": scene.synthetic,
            "hrgldd:pixels": pixels,
            "hrgldd:band_center": list(statistics.center),
            "hrgldd:band_scale": list(statistics.scale),
            "hrgldd:bytes_read": prepared.bytes_read,
            "hrgldd:peak_memory_mb": peak_memory_mb(),
            "hrgldd:overlap_factor": round(prepared.grid.overhead, 3),
            "hrgldd:seconds": {
                "open": round(prepared.seconds, 3),
                "map": round(mapping, 3),
            },
        },
    )
    storage.write_json(item_uri(plan, scene.id), result)
    drop_scene(plan, scene.id)
    return pystac.Item.from_dict(result)
