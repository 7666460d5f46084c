"""``hrgldd evaluate``."""

from __future__ import annotations

from typing import Any

import click

from hrgldd_core.commands.figures import evaluation_text
from hrgldd_core.commands.options import json_option, out_option
from hrgldd_core.console import emit, progress_bar

__all__ = ["evaluate"]


@click.command()
@click.option("--data", required=True, help="Built dataset, folder of .npy arrays, or an .npz.")
@click.option(
    "--split",
    type=click.Choice(["train", "val", "test", "unseen"]),
    help="Patches of one split  [test and unseen, where the data names splits]",
)
@click.option(
    "--model",
    "models",
    multiple=True,
    default=("bundled",),
    show_default="bundled",
    metavar="[NAME=]URI",
    help="Model folder or URI; repeat it to compare models.",
)
@click.option(
    "--unseen",
    multiple=True,
    metavar="NAME=URI",
    help="Patches of an event not trained on; repeat.",
)
@click.option("--collections", metavar="1,2,3", help="Of the paper's Table 2  [all there are]")
@click.option("--threshold", type=float, help="Probability of a landslide pixel  [model's own]")
@click.option(
    "--pixel-size", type=float, default=3.0, show_default=True, help="Side of a pixel, metres."
)
@click.option(
    "--min-object", type=int, default=4, show_default=True, help="Smallest landslide, pixels."
)
@out_option
@json_option
def evaluate(*, as_json: bool, pixel_size: float, min_object: int, **options: Any) -> None:
    """Score models on labelled patches: metrics.json and report.html below --out."""
    from hrgldd_core.errors import InputError
    from hrgldd_core.evaluation.job import evaluate_models
    from hrgldd_core.evaluation.scores import Settings

    if not 0 < pixel_size < 1e5 or min_object < 1:
        raise InputError(
            f"--pixel-size {pixel_size:g} or --min-object {min_object} makes no sense",
            remedy="Give metres and pixels above 0",
        )
    settings = Settings(pixel_m=pixel_size, min_size_px=min_object)
    with progress_bar() as progress:
        result = evaluate_models(**options, settings=settings, progress=progress)
    emit(result, as_json=as_json, text=evaluation_text(result))
