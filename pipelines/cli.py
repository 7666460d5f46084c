"""``hrgldd pipeline``: compile packages, run them here."""

from __future__ import annotations

from pathlib import Path

import click

from hrgldd_core import storage
from hrgldd_core.console import say
from hrgldd_core.errors import InputError
from pipelines import PIPELINES

__all__ = ["pipeline"]


@click.group()
def pipeline() -> None:
    """Compile Kubeflow pipelines, or run them on this machine."""


@pipeline.command(name="compile")
@click.argument("name", type=click.Choice(sorted(PIPELINES)))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Package to write.")
def compile_command(name: str, out: Path) -> None:
    """Compile a pipeline to a KFP package (YAML)."""
    if out.suffix not in (".yaml", ".yml"):
        raise InputError("a KFP package ends in .yaml", where=str(out))
    from kfp import compiler

    from pipelines.local import load_pipeline

    storage.check_writable(str(out.parent))
    out.parent.mkdir(parents=True, exist_ok=True)
    compiler.Compiler().compile(load_pipeline(name), str(out))
    say(f"{name} -> {out}")
    from components.image import IMAGE

    if "@sha256:" not in IMAGE:
        say(f"WARNING: the image is {IMAGE!r}, not pinned by digest: set HRGLDD_IMAGE")


@pipeline.command(name="run")
@click.argument("name", type=click.Choice(sorted(PIPELINES)))
@click.argument("arguments", nargs=-1, metavar="KEY=VALUE...")
@click.option(
    "--work",
    type=click.Path(path_type=Path),
    default=Path("out/pipelines"),
    show_default=True,
    help="Folder for intermediate artifacts.",
)
def run_command(name: str, arguments: tuple[str, ...], work: Path) -> None:
    """Run a pipeline on this machine with KFP's local runner."""
    from pipelines.arguments import parse_arguments
    from pipelines.local import load_pipeline, run_locally

    given = parse_arguments(load_pipeline(name), arguments)
    complete = run_locally(name, given, work)
    say(f"result: {given['out']}")
    if not complete:
        say("the result is incomplete: its manifest names what is missing")
        raise SystemExit(3)
