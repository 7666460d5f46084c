"""Options of where and how fast a model runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

__all__ = ["runtime_options"]

_OPTIONS = (
    click.option(
        "--runtime",
        type=click.Choice(["auto", "tensorflow", "keras"]),
        default="auto",
        show_default=True,
        help="What runs the model.",
    ),
    click.option(
        "--precision",
        type=click.Choice(["float32", "bfloat16"]),
        default="float32",
        show_default=True,
        help="bfloat16 is twice as fast where the processor has it, far slower elsewhere.",
    ),
    click.option(
        "--tta",
        type=click.Choice(["none", "flips", "dihedral"]),
        default="none",
        show_default=True,
        help="Mean over 4 (flips) or 8 (dihedral) sides of each window; as many times the work.",
    ),
    click.option("--batch", type=click.IntRange(1), help="Windows at a time  [fills the device]"),
    click.option("--cluster", help="Address of a Dask scheduler whose workers map."),
)


def runtime_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--runtime``, ``--precision``, ``--tta``, ``--batch`` and ``--cluster``."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
