"""A whole mapping run in one process: what ``hrgldd map`` does."""

from __future__ import annotations

from typing import Any

from hrgldd_core import storage
from hrgldd_core.errors import InputError, some
from hrgldd_core.mapping.cluster import map_on_cluster
from hrgldd_core.mapping.manifest import published_summary
from hrgldd_core.mapping.mapped import mapped_item
from hrgldd_core.mapping.plan import MappingPlan, is_finished, release_output
from hrgldd_core.mapping.publish import publish
from hrgldd_core.mapping.run import SceneMapper
from hrgldd_core.progress import Progress, no_progress

__all__ = ["map_event", "summary_text"]


def map_event(
    plan: MappingPlan,
    progress: Progress = no_progress,
    *,
    cluster: str | None = None,
    batch: int | None = None,
) -> dict[str, Any]:
    """Map all scenes of a plan and publish; a finished result is returned as it is.

    A scene that cannot be read costs that scene only, unless none can.

    Args:
        plan: what to map.
        progress: told the windows of each scene, or the strips of all on a cluster.
        cluster: address of a Dask scheduler whose workers map; this process otherwise.
        batch: windows that the model is given at a time; what fills the device otherwise.

    Raises:
        InputError: when nothing could be mapped, and nothing was written; when the cluster does
            not answer, or no longer.
        OutputExistsError: when the output belongs to another run.
    """
    if is_finished(plan):
        return {**published_summary(plan.out), "reused": True}
    storage.check_writable(plan.out)
    items = plan.scenes()
    if cluster:
        missing = map_on_cluster(plan, cluster, batch=batch, progress=progress)
    else:
        missing = SceneMapper(plan, batch=batch).map_all(items, progress)
    # The same command may be running twice: what the other one has mapped is not missing.
    missing = {k: why for k, why in missing.items() if mapped_item(plan, k) is None}
    if len(missing) == len(items):
        release_output(plan)
        raise InputError(some({**plan.unusable, **missing}.values(), between="\n"))
    return {**publish(plan, missing), "reused": False}


def summary_text(summary: dict[str, Any]) -> str:
    """A few lines for people."""
    kind = "SYNTHETIC event, generated images: " if summary["synthetic"] else ""
    lines = [
        f"{kind}{summary['event']}",
        f"  landslides  {summary['polygons']} polygons, {summary['area_m2'] / 1e4:.1f} ha",
        f"  largest     {summary['largest_m2'] / 1e4:.1f} ha",
        f"  left out    {summary['specks']} specks below the minimum area",
        f"  seen        {summary['mapped_share']:.1%} of {summary['aoi_km2']:.1f} km2",
        f"  speed       {summary['seconds']['map']:.1f} s, {summary['mpx_per_s']:.2f} Mpx/s",
        f"  memory      {summary['peak_memory_mb']} MB at most",
        f"  result      {summary['out']}",
        f"  report      {storage.join(summary['out'], 'report.html')}",
    ]
    if truth := summary.get("truth"):
        objects = f"{truth['found']} found, {truth['missed']} missed, {truth['false']} false"
        lines.append(f"  truth       F1 {truth['f1']:.3f} by pixels; of those seen {objects}")
    if summary["reused"]:
        lines.insert(1, "  (was there already; nothing was done again)")
    lines += [f"  WARNING     {warning}" for warning in summary["warnings"]]
    lines += [f"  MISSING     {scene}: {why}" for scene, why in summary["missing"].items()]
    return "\n".join(lines)
