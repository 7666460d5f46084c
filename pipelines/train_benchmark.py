"""Train a grid of models in parallel, evaluate the best, and register it where it is better."""

from kfp import dsl

from components.evaluate_models.component import evaluate_models
from components.finish_run.component import finish_run
from components.plan_sweep.component import plan_sweep
from components.rank_runs.component import rank_runs
from components.register_model.component import register_model
from components.train_runs.component import train_runs
from pipelines.placement import at_once, place

__all__ = ["train_benchmark"]


@dsl.pipeline(name="train-benchmark", description=__doc__)
def train_benchmark(
    data: str,
    out: str,
    grid: str = "paper",
    prune: str = "none",
    shards: int = 16,
    unseen: str = "",
    collections: str = "",
    pixel_size: float = 3.0,
    min_object: int = 4,
    registry: str = "",
    min_gain: float = 0.0,
) -> None:
    """Train a grid of models, evaluate the best on validation, compare it with the champion.

    Args:
        data: URI of the patches: built dataset, folder of .npy arrays or an .npz.
        out: URI prefix of the result.
        grid: named grid, or URI of a YAML file.
        prune: rule that ends runs early: none, median or halving.
        shards: parts that train in parallel.
        unseen: patches of events not trained on, NAME=URI, separated by commas.
        collections: of the paper's Table 2, such as 1,2,3; empty for all there are.
        pixel_size: side of a pixel, metres.
        min_object: smallest landslide, pixels.
        registry: URI prefix of the registry of models; empty compares and registers nothing.
        min_gain: by how much F1 on test patches must be larger than the champion's.
    """
    finished = finish_run(pipeline="train_benchmark", out=out, run=dsl.PIPELINE_JOB_ID_PLACEHOLDER)
    with dsl.ExitHandler(place(finished), name="train"):
        planned = place(plan_sweep(grid=grid, data=data, out=out, prune=prune, shards=shards))
        plan = planned.outputs["plan"]
        with dsl.ParallelFor(
            items=planned.outputs["Output"], parallelism=at_once("train_runs")
        ) as shard:
            trained = place(train_runs(plan=plan, shard=shard))
        ranked = place(rank_runs(plan=plan)).after(trained)
        evaluated = evaluate_models(
            model=ranked.outputs["best"],
            data=data,
            out=out,
            registry=registry,
            unseen=unseen,
            collections=collections,
            pixel_size=pixel_size,
            min_object=min_object,
        )
        place(evaluated)
        registered = register_model(
            judged=evaluated.outputs["judged"],
            candidate=evaluated.outputs["candidate"],
            out=out,
            registry=registry,
            min_gain=min_gain,
        )
        place(registered)
