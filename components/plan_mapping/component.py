"""Search scenes and decide the run."""

from kfp import dsl

from components.image import IMAGE

__all__ = ["plan_mapping"]


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def plan_mapping(
    stac: str,
    bbox: str,
    interval: str,
    out: str,
    collections: str,
    model: str,
    event: str,
    threshold: float,
    min_area: float,
    max_items: int,
    scenes_per_shard: int,
    plan: dsl.Output[dsl.Artifact],
) -> list[str]:
    """Search scenes and decide the run; nothing is written to the bucket yet.

    Args:
        stac: STAC API URL, or URI of a GeoJSON file of STAC items.
        bbox: area of interest, W,S,E,N in degrees.
        interval: dates to search, A/B; .. leaves an end open.
        out: URI prefix of the result.
        collections: collections to search, separated by commas; empty for all.
        model: URI of a model folder, or bundled.
        event: name of the event.
        threshold: probability of a landslide pixel; 0 takes the model's own.
        min_area: smallest area, m2.
        max_items: most scenes to map; 0 for all.
        scenes_per_shard: scenes that one task maps.
        plan: the decided run (JSON).

    Returns:
        Names of the shards to map in parallel.
    """
    from hrgldd_core.mapping.request import plan_mapping
    from hrgldd_core.mapping.shards import shard_names
    from hrgldd_core.storage import write_bytes

    decided = plan_mapping(
        stac=stac,
        bbox=bbox or None,
        interval=interval or None,
        out=out,
        collections=collections,
        model=model,
        event=event,
        threshold=threshold or None,
        min_area=min_area,
        max_items=max_items or None,
    )
    write_bytes(plan.path, decided.model_dump_json().encode())
    return shard_names(decided, scenes_per_shard)
