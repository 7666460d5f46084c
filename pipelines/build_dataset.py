"""Build a dataset from events, or add events to it, and describe it."""

from kfp import dsl

from components.build_dataset.component import build_dataset as build
from components.describe_dataset.component import describe_dataset
from components.finish_run.component import finish_run
from pipelines.placement import place

__all__ = ["build_dataset"]


@dsl.pipeline(name="build-dataset", description=__doc__)
def build_dataset(
    event: str,
    out: str,
    bands: str = "",
    size: int = 128,
    stride: int = 0,
    negatives: float = 0.0,
    min_usable: float = 0.5,
    all_touched: bool = False,
    split: str = "blocks",
    block: int = 4,
    seed: int = 0,
) -> None:
    """Cut labelled patches from scenes and inventories of events.

    Args:
        event: URIs of event files, separated by commas.
        out: URI of the dataset; what is there already is kept, and nothing is added twice.
        bands: of the dataset, separated by commas; empty takes blue,green,red and nir if all have.
        size: side of a patch, pixels.
        stride: pixels between patches; 0 takes the size.
        negatives: patches without a landslide for each with one.
        min_usable: least share of usable pixels of a patch.
        all_touched: label every pixel that a polygon touches.
        split: how patches are split: blocks, random or sites.
        block: patches a side of a spatial block.
        seed: of all that chance decides.
    """
    finished = finish_run(pipeline="build_dataset", out=out, run=dsl.PIPELINE_JOB_ID_PLACEHOLDER)
    with dsl.ExitHandler(place(finished), name="build"):
        built = build(
            event=event,
            out=out,
            bands=bands,
            size=size,
            stride=stride,
            negatives=negatives,
            min_usable=min_usable,
            all_touched=all_touched,
            split=split,
            block=block,
            seed=seed,
        )
        place(built)
        place(describe_dataset(data=built.outputs["Output"], dataset=built.outputs["dataset"]))
