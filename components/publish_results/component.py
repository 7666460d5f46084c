"""Inventory, report, manifest and collection of a run."""

from typing import NamedTuple

from kfp import dsl

from components.image import IMAGE

__all__ = ["publish_results"]


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def publish_results(
    plan: dsl.Input[dsl.Artifact],
    failures: dsl.Input[list[dsl.Artifact]],
    metrics: dsl.Output[dsl.Metrics],
    report: dsl.Output[dsl.HTML],
) -> NamedTuple("Outputs", out=str, polygons=int, status=str):  # type: ignore[valid-type]
    """Combine the mapped scenes into the published result; its collection is written last.

    Args:
        plan: the decided run.
        failures: of all shards.
        metrics: what was found, for the UI.
        report: the run's report, for the UI.

    Returns:
        Where the result is, how many landslides it holds, and whether scenes are missing.
    """
    from collections import namedtuple

    from hrgldd_core.mapping.shards import publish_plan
    from hrgldd_core.storage import join, read_bytes, write_bytes

    summary = publish_plan(plan.path, [f.path for f in failures])
    for name in ("polygons", "area_m2", "mapped_share", "mpx_per_s"):
        metrics.log_metric(name, summary[name])
    write_bytes(report.path, read_bytes(join(summary["out"], "report.html")))
    outputs = namedtuple("outputs", "out polygons status")
    return outputs(summary["out"], summary["polygons"], summary["status"])
