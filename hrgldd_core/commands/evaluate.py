"""``hrgldd evaluate``."""

from __future__ import annotations

from typing import Any

import click

from hrgldd_core.commands.figures import figures_text
from hrgldd_core.commands.options import json_option, out_option
from hrgldd_core.console import emit, progress_bar

__all__ = ["evaluate"]


@click.command()
@click.option("--data", required=True, help="Patches: folder of .npy arrays or an .npz.")
@click.option("--split", type=click.Choice(["train", "val", "test"]), help="Arrays of a folder.")
@click.option("--model", default="bundled", show_default=True, help="Model folder or URI.")
@click.option("--threshold", type=float, help="Probability of a landslide pixel  [model's own]")
@out_option
@json_option
def evaluate(*, as_json: bool, **options: Any) -> None:
    """Score a model on labelled patches: metrics.json below --out."""
    from hrgldd_core.evaluation.job import evaluate_model

    with progress_bar() as progress:
        result = evaluate_model(**options, progress=progress)
    emit(result, as_json=as_json, text=figures_text(result))
