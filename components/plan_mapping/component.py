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
    filter_text: str,
    max_items: int,
    model: str,
    event: str,
    threshold: float,
    min_area: float,
    mosaic: str,
    runtime: str,
    precision: str,
    tta: str,
    price_per_hour: float,
    scenes_per_shard: int,
    plan: dsl.Output[dsl.Artifact],
    scenes: dsl.Output[dsl.Dataset],
    mapper: dsl.Output[dsl.Model],
) -> list[str]:
    """Search scenes and decide the run; nothing is written to the bucket yet.

    Args:
        stac: STAC API, catalogue, file of items or stac-geoparquet.
        bbox: area of interest, W,S,E,N in degrees.
        interval: dates to search, A/B; .. leaves an end open.
        out: URI prefix of the result.
        collections: collections to search, separated by commas; empty for all.
        filter_text: CQL2; empty for none.
        max_items: most scenes to map; 0 for all.
        model: URI of a model folder, or bundled; several, separated by commas, look together.
        event: name of the event.
        threshold: probability of a landslide pixel; 0 takes the model's own.
        min_area: smallest area, m2.
        mosaic: which observation counts where scenes overlap.
        runtime: what runs the model.
        precision: numbers that the model computes with.
        tta: sides from which the model sees each window.
        price_per_hour: of a node, to state the cost; 0 states none.
        scenes_per_shard: scenes that one task maps.
        plan: the decided run (JSON).
        scenes: files that the run reads, each with its size and checksum or etag (JSON).
        mapper: the models, by URI and checksum (JSON).

    Returns:
        Names of the shards to map in parallel; none when all scenes are mapped.
    """
    from hrgldd_core.mapping.request import plan_mapping
    from hrgldd_core.mapping.shards import lineage, shard_names
    from hrgldd_core.storage import write_bytes, write_json

    decided = plan_mapping(
        stac=stac,
        bbox=bbox or None,
        interval=interval or None,
        out=out,
        collections=collections,
        filter_text=filter_text or None,
        max_items=max_items or None,
        models=tuple(filter(None, model.split(","))),
        event=event,
        threshold=threshold or None,
        min_area=min_area,
        mosaic=mosaic,
        runtime=runtime,
        precision=precision,
        tta=tta,
        price_per_hour=price_per_hour or None,
    )
    write_bytes(plan.path, decided.model_dump_json().encode())
    write_json(scenes.path, decided.inputs)
    write_json(mapper.path, [model.model_dump() for model in decided.models])
    scenes.metadata, mapper.metadata = lineage(decided)
    return shard_names(decided, scenes_per_shard)
