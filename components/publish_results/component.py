"""Inventory, report, manifest and collection of a run."""

from typing import NamedTuple

from kfp import dsl

from components.image import IMAGE

__all__ = ["publish_results"]


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def publish_results(
    plan: dsl.Input[dsl.Artifact],
    scenes: dsl.Input[dsl.Dataset],
    mapper: dsl.Input[dsl.Model],
    metrics: dsl.Output[dsl.Metrics],
    report: dsl.Output[dsl.HTML],
    inventory: dsl.Output[dsl.Dataset],
) -> NamedTuple("Outputs", out=str, polygons=int, status=str):  # type: ignore[valid-type]
    """Combine the mapped scenes into the published result; its collection is written last.

    Args:
        plan: the decided run.
        scenes: what was read, for the lineage.
        mapper: the model, for the lineage.
        metrics: what was found, for the UI.
        report: the run's report, for the UI.
        inventory: the landslides (GeoParquet), with where they are in the bucket.

    Returns:
        Where the result is, how many landslides it holds, and whether scenes are missing.
    """
    from collections import namedtuple

    from hrgldd_core.mapping.shards import publish_plan
    from hrgldd_core.storage import join, read_bytes, write_bytes

    summary = publish_plan(plan.path)
    for name in ("polygons", "area_m2", "mapped_share", "mpx_per_s"):
        metrics.log_metric(name, summary[name])
    write_bytes(report.path, read_bytes(join(summary["out"], "report.html")))
    found = join(summary["out"], "inventory.parquet")
    write_bytes(inventory.path, read_bytes(found))
    inventory.metadata = {**scenes.metadata, **mapper.metadata, "inventory": found}
    outputs = namedtuple("outputs", "out polygons status")
    return outputs(summary["out"], summary["polygons"], summary["status"])
