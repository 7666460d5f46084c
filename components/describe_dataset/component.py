"""Describe a dataset."""

from kfp import dsl

from components.image import IMAGE

__all__ = ["describe_dataset"]


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def describe_dataset(
    data: str,
    dataset: dsl.Input[dsl.Dataset],
    metrics: dsl.Output[dsl.Metrics],
    statistics: dsl.Output[dsl.Markdown],
    figure: dsl.Output[dsl.HTML],
) -> None:
    """Tiles, areas and landslides of each site of a dataset, below statistics/ in it.

    Args:
        data: URI of the dataset.
        dataset: the same, for the lineage.
        metrics: of all sites together, for the UI.
        statistics: site by site, for the UI.
        figure: sizes of the landslides, for the UI.
    """
    from hrgldd_core.dataset.statistics_job import describe_dataset, figure_page
    from hrgldd_core.storage import join, write_bytes

    found = describe_dataset(data=data, out=join(data, "statistics"))
    for name in ("tiles", "landslides", "positive_share"):
        metrics.log_metric(name, found["total"][name] or 0)
    write_bytes(statistics.path, found["table"].encode())
    statistics.metadata = dict(dataset.metadata)
    write_bytes(figure.path, figure_page(found["out"]).encode())
