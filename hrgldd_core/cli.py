"""The ``hrgldd`` command: options in, one function called, result out."""

from __future__ import annotations

import importlib.metadata
from typing import Any

import click

from hrgldd_core import __version__
from hrgldd_core.console import emit, fail, progress_bar, say
from hrgldd_core.errors import HrglddError

__all__ = ["main"]

_json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print the result as one JSON line on standard output."
)
_out_option = click.option("--out", required=True, help="Folder or URI prefix for the result.")


_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class _Commands(click.Group):
    """Commands of this package and those that others add (entry point ``hrgldd.commands``)."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        added = (entry.name for entry in importlib.metadata.entry_points(group="hrgldd.commands"))
        return sorted({*super().list_commands(ctx), *added})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if command := super().get_command(ctx, cmd_name):
            return command
        for entry in importlib.metadata.entry_points(group="hrgldd.commands", name=cmd_name):
            loaded: click.Command = entry.load()
            return loaded
        return None

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except HrglddError as error:
            fail(error)
        except KeyboardInterrupt:
            say("hrgldd: interrupted; repeat the command to go on")
            raise SystemExit(130) from None


@click.group(cls=_Commands, context_settings=_SETTINGS)
@click.version_option(__version__, prog_name="hrgldd")
def main() -> None:
    """Map landslides from high-resolution satellite scenes."""


@main.command(name="map")
@click.option("--scene", "scenes", multiple=True, metavar="PATH", help="Scene file; repeatable.")
@click.option("--bands", default="", help="Names of all bands of the --scene files, in order.")
@click.option("--stac", help="STAC API URL, or a GeoJSON file of STAC items.")
@click.option("--collections", default="", help="Collections to search, separated by commas.")
@click.option("--bbox", help="Area of interest: W,S,E,N in degrees.")
@click.option("--datetime", "interval", help="Dates to search: A/B, with .. for an open end.")
@click.option("--max-items", type=click.IntRange(1), help="Most scenes to map.")
@click.option("--model", default="bundled", show_default=True, help="Model folder or URI.")
@click.option("--threshold", type=float, help="Probability of a landslide pixel  [model's own]")
@click.option("--min-area", type=float, default=100.0, show_default=True, help="Smallest area, m2.")
@click.option("--event", default="", help="Name of the event, for the report.")
@_out_option
@_json_option
@click.pass_context
def map_command(ctx: click.Context, /, *, as_json: bool, **options: Any) -> None:
    """Map landslides in scene files or STAC scenes.

    Leaves probability and coverage maps (COG), an inventory (GeoParquet, GeoPackage, FlatGeobuf,
    Shapefile), STAC metadata, a report and a manifest below --out. Repeating the same call goes on
    with an interrupted run, or returns the finished one.
    """
    from hrgldd_core.mapping.job import map_event, summary_text
    from hrgldd_core.mapping.request import plan_mapping

    plan = plan_mapping(**options)
    with progress_bar() as progress:
        summary = map_event(plan, progress)
    emit(summary, as_json=as_json, text=summary_text(summary))
    if summary["status"] != "done":
        ctx.exit(3)


@main.command()
@click.option("--data", required=True, help="Patches: folder of .npy arrays or an .npz.")
@click.option("--model", default="unet", show_default=True, help="Architecture.")
@click.option("--recipe", default="default", show_default=True, help="Named recipe or YAML file.")
@click.option("--filters", type=click.IntRange(1), help="Filters of the first level.")
@click.option("--batch-size", type=click.IntRange(1), help="Patches a batch.")
@click.option("--learning-rate", type=float, help="Largest learning rate.")
@click.option("--epochs", type=click.IntRange(1), help="Epochs.")
@click.option("--seed", type=int, help="Seed of all that chance decides.")
@_out_option
@_json_option
def train(*, data: str, recipe: str, out: str, as_json: bool, **changes: Any) -> None:
    """Train a model; --out becomes a folder that --model takes."""
    from hrgldd_core.training.job import train_model
    from hrgldd_core.training.recipe import read_recipe

    with progress_bar() as progress:
        result = train_model(read_recipe(recipe, **changes), data=data, out=out, progress=progress)
    emit(result, as_json=as_json, text=_figures(result))


@main.command()
@click.option("--data", required=True, help="Patches: folder of .npy arrays or an .npz.")
@click.option("--split", type=click.Choice(["train", "val", "test"]), help="Arrays of a folder.")
@click.option("--model", default="bundled", show_default=True, help="Model folder or URI.")
@click.option("--threshold", type=float, help="Probability of a landslide pixel  [model's own]")
@_out_option
@_json_option
def evaluate(*, as_json: bool, **options: Any) -> None:
    """Score a model on labelled patches: metrics.json below --out."""
    from hrgldd_core.evaluation.job import evaluate_model

    with progress_bar() as progress:
        result = evaluate_model(**options, progress=progress)
    emit(result, as_json=as_json, text=_figures(result))


def _figures(result: dict[str, Any]) -> str:
    names = ("precision", "recall", "f1", "iou", "threshold")
    lines = [f"  {name:<10} {result[name]:.4f}" for name in names if name in result]
    if result.get("trained_on_this_data"):
        lines.append("  The model was trained on these patches: on others it is worse.")
    return "\n".join(
        [f"{result.get('n_patches', '')} patches", *lines, f"  result     {result['out']}"]
    )
