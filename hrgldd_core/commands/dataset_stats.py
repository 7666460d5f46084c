"""``hrgldd dataset stats``."""

from __future__ import annotations

import click

from hrgldd_core.commands.options import json_option, out_option
from hrgldd_core.console import emit, progress_bar

__all__ = ["stats"]


@click.command()
@click.option("--data", required=True, help="Built dataset, folder of .npy arrays, or an .npz.")
@click.option(
    "--event",
    "events",
    multiple=True,
    metavar="FILE",
    help="Event file, to count in its inventory  [those the dataset was built from]",
)
@click.option("--pixel-size", type=float, help="Metres, for arrays without georeference  [3]")
@out_option
@json_option
def stats(
    *, data: str, events: tuple[str, ...], pixel_size: float | None, out: str, as_json: bool
) -> None:
    """Describe a dataset, site by site: tiles, area, landslides, positive share.

    Leaves statistics.csv, .md, .png and .json below --out.
    """
    from hrgldd_core.dataset.statistics_job import describe_dataset

    with progress_bar() as progress:
        result = describe_dataset(
            data=data, out=out, events=events, pixel_size=pixel_size, progress=progress
        )
    table = result.pop("table")
    emit(result, as_json=as_json, text=f"{table}  result     {out}")
