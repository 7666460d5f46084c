"""Map the scenes of one shard."""

from kfp import dsl

from components.image import IMAGE

__all__ = ["map_scenes"]


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def map_scenes(
    plan: dsl.Input[dsl.Artifact], shard: str, failures: dsl.Output[dsl.Artifact]
) -> None:
    """Map the scenes of one shard to probability and coverage COGs in the bucket.

    Scenes that this run has mapped already are not mapped again, so a retry goes on where the
    last attempt stopped.

    Args:
        plan: the decided run.
        shard: which of its scenes.
        failures: reason for each scene that cannot be mapped (JSON).
    """
    from hrgldd_core.mapping.shards import map_shard
    from hrgldd_core.storage import write_json

    write_json(failures.path, map_shard(plan.path, shard))
