"""``hrgldd dataset build``."""

from __future__ import annotations

from typing import Any

import click

from hrgldd_core.commands.options import json_option, out_option
from hrgldd_core.console import emit, progress_bar

__all__ = ["build"]


@click.command()
@click.option("--event", "events", multiple=True, required=True, help="Event file; repeatable.")
@click.option("--bands", default="", help="Bands of the dataset  [blue,green,red and nir if all]")
@click.option("--size", type=int, default=128, show_default=True, help="Side of a patch, pixels.")
@click.option("--stride", type=click.IntRange(1), help="Pixels between patches  [size]")
@click.option("--overlap", type=click.IntRange(0), help="Instead of --stride: pixels shared.")
@click.option(
    "--negatives",
    type=float,
    default=0,
    show_default=True,
    help="Patches without a landslide for each with one.",
)
@click.option(
    "--min-usable",
    type=float,
    default=0.5,
    show_default=True,
    help="Least share of usable pixels of a patch.",
)
@click.option("--all-touched", is_flag=True, help="Label every pixel that a polygon touches.")
@click.option(
    "--split",
    type=click.Choice(["blocks", "random", "sites"]),
    default="blocks",
    show_default=True,
    help="How patches are split.",
)
@click.option(
    "--block",
    type=click.IntRange(1),
    default=4,
    show_default=True,
    help="Patches a side of a spatial block.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Seed of all that chance decides."
)
@click.option("--cluster", help="Address of a Dask scheduler  [threads of this process]")
@click.option("--threads", type=click.IntRange(1), help="Threads  [one a core]")
@out_option
@json_option
def build(
    *,
    events: tuple[str, ...],
    bands: str,
    size: int,
    stride: int | None,
    overlap: int | None,
    as_json: bool,
    **choices: Any,
) -> None:
    """Cut labelled patches from scenes and inventories of events.

    Leaves patches.zarr, index/*.parquet and dataset.json below --out. Repeating the command adds
    what the events hold by now, and nothing twice. docs/datasets.md describes event files.
    """
    from hrgldd_core.dataset.build import build_dataset
    from hrgldd_core.dataset.summary import summary_text

    if overlap is not None:
        if stride is not None:
            raise click.UsageError("give either --stride or --overlap")
        if overlap >= size:
            raise click.UsageError("--overlap must be smaller than --size")
        stride = size - overlap
    with progress_bar() as progress:
        result = build_dataset(
            events,
            bands=tuple(filter(None, (band.strip() for band in bands.split(",")))),
            size=size,
            stride=stride or size,
            progress=progress,
            **choices,
        )
    emit(result, as_json=as_json, text=summary_text(result))
