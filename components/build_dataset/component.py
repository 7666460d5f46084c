"""Cut patches from the scenes and inventories of events."""

from kfp import dsl

from components.image import IMAGE

__all__ = ["build_dataset"]


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def build_dataset(
    event: str,
    out: str,
    bands: str,
    size: int,
    stride: int,
    negatives: float,
    min_usable: float,
    all_touched: bool,
    split: str,
    block: int,
    seed: int,
    dataset: dsl.Output[dsl.Dataset],
    metrics: dsl.Output[dsl.Metrics],
) -> str:
    """Add to a dataset what events hold that it does not; nothing twice.

    Args:
        event: URIs of event files, separated by commas.
        out: URI of the dataset.
        bands: of the dataset, separated by commas; empty takes blue,green,red and nir if all have.
        size: side of a patch, pixels.
        stride: pixels between patches; 0 takes the size.
        negatives: patches without a landslide for each with one.
        min_usable: least share of usable pixels of a patch.
        all_touched: label every pixel that a polygon touches.
        split: how patches are split: blocks, random or sites.
        block: patches a side of a spatial block.
        seed: of all that chance decides.
        dataset: the dataset, by URI and version (JSON).
        metrics: patches and scenes, for the UI.

    Returns:
        URI of the dataset.
    """
    from hrgldd_core.dataset.build import build_dataset
    from hrgldd_core.storage import write_json

    found = build_dataset(
        [word for word in event.split(",") if word],
        out=out,
        bands=tuple(word for word in bands.split(",") if word),
        size=size,
        stride=stride or size,
        negatives=negatives,
        min_usable=min_usable,
        all_touched=all_touched,
        split=split,
        block=block,
        seed=seed,
    )
    for name in ("patches", "new_patches", "new_scenes", "version"):
        metrics.log_metric(name, found[name])
    dataset.metadata = {"dataset": out, "version": found["version"]}
    write_json(dataset.path, {**dataset.metadata, "splits": found["splits"]})
    return out
