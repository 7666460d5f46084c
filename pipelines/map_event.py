"""Map the landslides of an event: search, map shards of scenes in parallel, publish."""

from kfp import dsl

from components.finish_run.component import finish_run
from components.map_scenes.component import map_scenes
from components.plan_mapping.component import plan_mapping
from components.publish_results.component import publish_results
from pipelines.placement import at_once, place

__all__ = ["map_event"]


@dsl.pipeline(name="map-event", description=__doc__)
def map_event(
    stac: str,
    bbox: str,
    datetime: str,
    out: str,
    collections: str = "",
    filter: str = "",  # noqa: A002 - the command line's name
    max_items: int = 0,
    model: str = "bundled",
    event: str = "",
    threshold: float = 0.0,
    min_area: float = 100.0,
    mosaic: str = "recent",
    runtime: str = "auto",
    precision: str = "float32",
    tta: str = "none",
    price_per_hour: float = 0.0,
    scenes_per_shard: int = 4,
) -> None:
    """Map the landslides of an event.

    Args:
        stac: STAC API, catalogue, file of items or stac-geoparquet to search.
        bbox: area of interest, W,S,E,N in degrees.
        datetime: dates to search, A/B; .. leaves an end open.
        out: URI prefix of the result.
        collections: collections to search, separated by commas; empty for all.
        filter: CQL2, such as eo:cloud_cover < 20; empty for none.
        max_items: most scenes to map; 0 for all.
        model: URI of a model folder, or bundled; several, separated by commas, look together.
        event: name of the event, for the report.
        threshold: probability of a landslide pixel; 0 takes the model's own.
        min_area: smallest area, m2; smaller ones are counted, not mapped.
        mosaic: which observation counts where scenes overlap: recent, confidence or maximum.
        runtime: what runs the model: auto, tensorflow or keras.
        precision: float32, or bfloat16, which is twice as fast where the processor has it.
        tta: sides from which the model sees each window: none, flips (4) or dihedral (8).
        price_per_hour: of a node, to state the cost; 0 states none.
        scenes_per_shard: scenes that one task maps, one after the other; more above 500 tasks.
    """
    finished = finish_run(pipeline="map_event", out=out, run=dsl.PIPELINE_JOB_ID_PLACEHOLDER)
    with dsl.ExitHandler(place(finished), name="map"):
        planned = place(
            plan_mapping(
                stac=stac,
                bbox=bbox,
                interval=datetime,
                out=out,
                collections=collections,
                filter_text=filter,
                max_items=max_items,
                model=model,
                event=event,
                threshold=threshold,
                min_area=min_area,
                mosaic=mosaic,
                runtime=runtime,
                precision=precision,
                tta=tta,
                price_per_hour=price_per_hour,
                scenes_per_shard=scenes_per_shard,
            )
        )
        plan = planned.outputs["plan"]
        with dsl.ParallelFor(
            items=planned.outputs["Output"], parallelism=at_once("map_scenes")
        ) as shard:
            mapped = place(map_scenes(plan=plan, shard=shard))
        published = publish_results(
            plan=plan, scenes=planned.outputs["scenes"], mapper=planned.outputs["mapper"]
        )
        place(published).after(mapped)
