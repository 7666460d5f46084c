"""Train the runs of one shard of a sweep."""

from kfp import dsl

from components.image import IMAGE

__all__ = ["train_runs"]


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def train_runs(
    plan: dsl.Input[dsl.Artifact], shard: str, failures: dsl.Output[dsl.Artifact]
) -> None:
    """Train the runs of one shard, one after the other, each in a process of its own.

    Runs that are finished are not trained again and a begun one is gone on with, so a retry costs
    at most an epoch.

    Args:
        plan: the decided sweep.
        shard: which of its runs.
        failures: reason for each run that failed (JSON).
    """
    from hrgldd_core.storage import write_json
    from hrgldd_core.sweep.job import train_shard

    write_json(failures.path, train_shard(plan.path, shard))
