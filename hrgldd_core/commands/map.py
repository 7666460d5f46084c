"""``hrgldd map``."""

from __future__ import annotations

from typing import Any

import click

from hrgldd_core.commands.options import json_option, out_option
from hrgldd_core.commands.runtime import runtime_options
from hrgldd_core.console import emit, progress_bar

__all__ = ["map_command"]


@click.command(name="map")
@click.option("--scene", "scenes", multiple=True, metavar="PATH", help="Scene file; repeatable.")
@click.option("--bands", default="", help="Names of all bands of the --scene files, in order.")
@click.option("--stac", help="STAC API, catalogue, item file or stac-geoparquet.")
@click.option("--collections", default="", help="Collections to search, separated by commas.")
@click.option("--bbox", help="Area of interest: W,S,E,N in degrees.")
@click.option("--datetime", "interval", help="Dates to search: A/B, with .. for an open end.")
@click.option("--filter", "filter_text", help="CQL2, such as: eo:cloud_cover < 20")
@click.option("--max-items", type=click.IntRange(1), help="Most scenes to map.")
@click.option(
    "--model",
    "models",
    multiple=True,
    default=("bundled",),
    show_default="bundled",
    help="Model folder or URI; several look together.",
)
@click.option("--threshold", type=float, help="Probability of a landslide pixel  [model's own]")
@click.option("--min-area", type=float, default=100.0, show_default=True, help="Smallest area, m2.")
@click.option(
    "--mosaic",
    type=click.Choice(("recent", "confidence", "maximum")),
    default="recent",
    show_default=True,
    help="Which observation counts where scenes overlap.",
)
@click.option("--event", default="", help="Name of the event, for the report.")
@runtime_options
@click.option("--price-per-hour", type=click.FloatRange(0), help="Of a node, to state the cost.")
@out_option
@json_option
@click.pass_context
def map_command(
    ctx: click.Context,
    /,
    *,
    as_json: bool,
    cluster: str | None,
    batch: int | None,
    **options: Any,
) -> None:
    """Map landslides in scene files or STAC scenes.

    Leaves probability and coverage maps (COG), an inventory (GeoParquet, GeoPackage, FlatGeobuf,
    Shapefile), STAC metadata, a report and a manifest below --out. Repeating the same call goes on
    with an interrupted run, strip by strip, or returns the finished one.
    """
    from hrgldd_core.mapping.job import map_event, summary_text
    from hrgldd_core.mapping.request import plan_mapping
    from hrgldd_core.models.precision import has_bfloat16

    plan = plan_mapping(**options)
    if plan.parameters.precision == "bfloat16" and not (cluster or has_bfloat16()):
        click.echo(
            "WARNING     no bfloat16 in this device: without --precision it is far faster", err=True
        )
    with progress_bar() as progress:
        summary = map_event(plan, progress, cluster=cluster, batch=batch)
    emit(summary, as_json=as_json, text=summary_text(summary))
    if summary["status"] != "done":
        ctx.exit(3)
