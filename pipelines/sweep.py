"""Train a grid of models in parallel and rank them on validation patches."""

from kfp import dsl

from components.plan_sweep.component import plan_sweep
from components.rank_runs.component import rank_runs
from components.train_runs.component import train_runs

__all__ = ["sweep"]

_PARALLEL = 16


@dsl.pipeline(name="sweep", description=__doc__)
def sweep(data: str, out: str, grid: str = "paper", prune: str = "none", shards: int = 16) -> None:
    """Train a grid of models and rank them.

    Args:
        data: URI of the patches.
        out: URI prefix of the result.
        grid: named grid, or a YAML file inside the image.
        prune: rule that ends runs early: none, median or halving.
        shards: parts that train in parallel.
    """
    planned = plan_sweep(
        grid=grid, data=data, out=out, prune=prune, shards=shards
    ).set_caching_options(enable_caching=False)
    # Which runs are finished is for the steps to see, not for KFP's cache.
    with dsl.ParallelFor(items=planned.outputs["Output"], parallelism=_PARALLEL) as shard:
        trained = train_runs(plan=planned.outputs["plan"], shard=shard)
        trained.set_caching_options(enable_caching=False)
        # A run goes on where it was: a lost pod costs an epoch.
        trained.set_retry(num_retries=2)
    ranked = rank_runs(
        plan=planned.outputs["plan"], failures=dsl.Collected(trained.outputs["failures"])
    )
    ranked.set_caching_options(enable_caching=False)
