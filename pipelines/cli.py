"""``hrgldd pipeline``: compile packages, run them here, submit them to a cluster."""

from __future__ import annotations

from pathlib import Path

import click

from hrgldd_core import storage
from hrgldd_core.commands.options import json_option
from hrgldd_core.console import emit, say
from hrgldd_core.errors import InputError
from pipelines import PIPELINES
from pipelines.submit_command import submit

__all__ = ["pipeline"]


@click.group()
def pipeline() -> None:
    """Compile Kubeflow pipelines, run them on this machine, or submit them to a cluster."""


pipeline.add_command(submit)


@pipeline.command(name="compile")
@click.argument("name", type=click.Choice(sorted(PIPELINES)))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Package to write.")
def compile_command(name: str, out: Path) -> None:
    """Compile a pipeline to a KFP package (YAML).

    HRGLDD_IMAGE and HRGLDD_GPU_IMAGE name the images, by digest; HRGLDD_PROFILES another profile
    file than the package's own.
    """
    if out.suffix not in (".yaml", ".yml"):
        raise InputError("a KFP package ends in .yaml", where=str(out))
    from pipelines.local import load_pipeline

    storage.check_writable(str(out.parent))
    loaded = load_pipeline(name)
    out.parent.mkdir(parents=True, exist_ok=True)
    from kfp import compiler

    compiler.Compiler().compile(loaded, str(out))
    say(f"{name} -> {out}")
    from components.image import GPU_IMAGE, IMAGE

    for image in dict.fromkeys((IMAGE, GPU_IMAGE)):
        if "@sha256:" not in image:
            say(f"WARNING: the image is {image!r}, not pinned by digest: set HRGLDD_IMAGE")
    if GPU_IMAGE == IMAGE and (steps := _gpu_steps(out)):
        say(
            f"WARNING: {', '.join(steps)}: asks for a GPU, but HRGLDD_GPU_IMAGE is not set, and "
            "the image for CPUs uses none. Build the other one, or take profiles without GPUs"
        )


def _gpu_steps(package: Path) -> list[str]:
    """Steps of a package whose pods get a GPU."""
    import yaml

    spec = next(iter(yaml.safe_load_all(package.read_text())))
    executors = spec["deploymentSpec"]["executors"]
    return [
        name.removeprefix("exec-").replace("-", "_")
        for name, executor in executors.items()
        if "accelerator" in executor.get("container", {}).get("resources", {})
    ]


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
@json_option
def run_command(name: str, arguments: tuple[str, ...], work: Path, *, as_json: bool) -> None:
    """Run a pipeline on this machine with KFP's local runner."""
    from hrgldd_core.outcome import outcome_text
    from pipelines.arguments import parse_arguments
    from pipelines.local import load_pipeline, run_locally

    given = parse_arguments(load_pipeline(name), arguments)
    outcome = run_locally(name, given, work)
    emit(outcome.model_dump(), as_json=as_json, text=outcome_text(outcome))
    if outcome.status != "done":
        raise SystemExit(3)
