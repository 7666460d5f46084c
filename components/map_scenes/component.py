"""Map the scenes of one shard."""

from kfp import dsl

from components.image import IMAGE

__all__ = ["map_scenes"]


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def map_scenes(plan: dsl.Input[dsl.Artifact], shard: str) -> None:
    """Map the scenes of one shard to probability and coverage COGs in the bucket.

    Scenes that this run has mapped already are not mapped again, and strips of a scene that was
    begun are kept, so a retry goes on where the last attempt stopped. Why a scene cannot be mapped
    is left in the bucket for the step that publishes.

    Args:
        plan: the decided run.
        shard: which of its scenes.
    """
    from hrgldd_core.console import say
    from hrgldd_core.mapping.shards import map_shard

    for scene, reason in map_shard(plan.path, shard).items():
        say(f"MISSING {scene}: {reason}")
