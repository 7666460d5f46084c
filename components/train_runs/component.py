"""Train the runs of one shard of a sweep."""

from kfp import dsl

from components.image import IMAGE

__all__ = ["train_runs"]


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def train_runs(plan: dsl.Input[dsl.Artifact], shard: str) -> None:
    """Train the runs of one shard, one after the other, each in a process of its own.

    Runs that are finished are not trained again and a begun one is gone on with, so a retry costs
    at most an epoch. Why a run failed is left in the bucket for the step that ranks.

    Args:
        plan: the decided sweep.
        shard: which of its runs.
    """
    from hrgldd_core.console import say
    from hrgldd_core.sweep.job import train_shard

    for run, reason in train_shard(plan.path, shard).items():
        say(f"MISSING {run}: {reason}")
