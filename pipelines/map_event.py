"""Map the landslides of an event: search, map shards of scenes in parallel, publish."""

from kfp import dsl

from components.map_scenes.component import map_scenes
from components.plan_mapping.component import plan_mapping
from components.publish_results.component import publish_results

__all__ = ["map_event"]

_PARALLEL = 8


@dsl.pipeline(name="map-event", description=__doc__)
def map_event(
    stac: str,
    bbox: str,
    datetime: str,
    out: str,
    collections: str = "",
    model: str = "bundled",
    event: str = "",
    threshold: float = 0.0,
    min_area: float = 100.0,
    max_items: int = 0,
    scenes_per_shard: int = 4,
) -> None:
    """Map the landslides of an event.

    Args:
        stac: STAC API URL, or URI of a GeoJSON file of STAC items.
        bbox: area of interest, W,S,E,N in degrees.
        datetime: dates to search, A/B; .. leaves an end open.
        out: URI prefix of the result.
        collections: collections to search, separated by commas; empty for all.
        model: URI of a model folder, or bundled.
        event: name of the event, for the report.
        threshold: probability of a landslide pixel; 0 takes the model's own.
        min_area: smallest area, m2; smaller ones are counted, not mapped.
        max_items: most scenes to map; 0 for all.
        scenes_per_shard: scenes that one task maps, one after the other.
    """
    planned = plan_mapping(
        stac=stac,
        bbox=bbox,
        interval=datetime,
        out=out,
        collections=collections,
        model=model,
        event=event,
        threshold=threshold,
        min_area=min_area,
        max_items=max_items,
        scenes_per_shard=scenes_per_shard,
    ).set_caching_options(enable_caching=False)
    # The same prefix may have been emptied since: whether work is left is for the steps to see.
    with dsl.ParallelFor(items=planned.outputs["Output"], parallelism=_PARALLEL) as shard:
        mapped = map_scenes(plan=planned.outputs["plan"], shard=shard)
        mapped.set_caching_options(enable_caching=False)
    published = publish_results(
        plan=planned.outputs["plan"], failures=dsl.Collected(mapped.outputs["failures"])
    )
    published.set_caching_options(enable_caching=False)
