"""Decide the runs of a sweep."""

from kfp import dsl

from components.image import IMAGE

__all__ = ["plan_sweep"]


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def plan_sweep(
    grid: str, data: str, out: str, prune: str, shards: int, plan: dsl.Output[dsl.Artifact]
) -> list[str]:
    """Decide the runs of a sweep; nothing is written to the bucket yet.

    Args:
        grid: named grid, or URI of a YAML file.
        data: URI of the patches.
        out: URI prefix of the result; runs and leaderboard come below sweep/.
        prune: rule that ends runs early: none, median or halving.
        shards: parts that train in parallel.
        plan: the decided sweep (JSON).

    Returns:
        Names of the shards to train in parallel; none when all runs are trained.
    """
    from hrgldd_core.storage import join, write_bytes
    from hrgldd_core.sweep.job import shard_names
    from hrgldd_core.sweep.plan import plan_sweep

    decided = plan_sweep(grid=grid, data=data, out=join(out, "sweep"), prune=prune)
    write_bytes(plan.path, decided.model_dump_json().encode())
    return shard_names(decided, shards)
