"""``hrgldd train``."""

from __future__ import annotations

from typing import Any

import click

from hrgldd_core.commands.figures import training_text
from hrgldd_core.commands.options import json_option, out_option
from hrgldd_core.console import emit, progress_bar

__all__ = ["train"]


@click.command()
@click.option(
    "--data", required=True, help="Patches: built dataset, folder of .npy arrays or an .npz."
)
@click.option("--model", help="Architecture  [the recipe's, unet]")
@click.option("--recipe", default="default", show_default=True, help="Named recipe or YAML file.")
@click.option("--filters", type=click.IntRange(1), help="Filters of the first level.")
@click.option("--batch-size", type=click.IntRange(1), help="Patches a batch.")
@click.option("--learning-rate", type=float, help="Largest learning rate.")
@click.option("--epochs", type=click.IntRange(1), help="Epochs.")
@click.option("--seed", type=int, help="Seed of all that chance decides.")
@click.option("--devices", type=click.IntRange(1), help="Accelerators to train on  [all; CPU: one]")
@click.option("--tensorboard", is_flag=True, help="Log for TensorBoard too, in --out/tensorboard.")
@out_option
@json_option
def train(
    *,
    data: str,
    recipe: str,
    out: str,
    devices: int | None,
    tensorboard: bool,
    as_json: bool,
    **changes: Any,
) -> None:
    """Train a model; --out becomes a folder that --model takes.

    The state is kept in --out after each epoch: repeating the same call goes on with an
    interrupted training, or returns the result of a finished one.
    """
    from hrgldd_core.training.job import train_model
    from hrgldd_core.training.recipe import read_recipe

    with progress_bar() as progress:
        result = train_model(
            read_recipe(recipe, **changes),
            data=data,
            out=out,
            progress=progress,
            devices=devices,
            tensorboard=tensorboard,
        )
    emit(result, as_json=as_json, text=training_text(result))
