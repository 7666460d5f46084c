"""Leaderboard of a sweep."""

from typing import NamedTuple

from kfp import dsl

from components.image import IMAGE

__all__ = ["rank_runs"]


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def rank_runs(
    plan: dsl.Input[dsl.Artifact],
    metrics: dsl.Output[dsl.Metrics],
    leaderboard: dsl.Output[dsl.Markdown],
) -> NamedTuple("Outputs", out=str, best=str, status=str):  # type: ignore[valid-type]
    """Rank the trained runs by F1 on validation patches.

    Args:
        plan: the decided sweep.
        metrics: of the sweep, for the UI.
        leaderboard: the ranked runs, for the UI.

    Returns:
        Where the result is, the folder of the best model, and whether runs are missing.
    """
    from collections import namedtuple

    from hrgldd_core.storage import join, read_bytes, write_bytes
    from hrgldd_core.sweep.job import rank_shards

    summary = rank_shards(plan.path)
    for name in ("runs", "trained", "f1"):
        metrics.log_metric(name, summary[name])
    write_bytes(leaderboard.path, read_bytes(join(summary["out"], "leaderboard.md")))
    outputs = namedtuple("outputs", "out best status")
    return outputs(summary["out"], summary["model"], summary["status"])
