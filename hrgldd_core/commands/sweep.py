"""``hrgldd sweep``."""

from __future__ import annotations

import click

from hrgldd_core.commands.options import json_option, out_option
from hrgldd_core.console import emit, progress_bar

__all__ = ["sweep"]


@click.command()
@click.option("--grid", default="paper", show_default=True, help="Named grid or YAML file.")
@click.option(
    "--data", required=True, help="Patches: built dataset, folder of .npy arrays or an .npz."
)
@click.option("--workers", type=click.IntRange(1), help="Processes at a time on this machine  [1]")
@click.option("--cluster", help="Address of a Dask scheduler whose workers train.")
@click.option("--shard", metavar="I/N", help="Train the I-th of N parts of the runs only.")
@click.option(
    "--prune",
    type=click.Choice(["none", "median", "halving"]),
    default="none",
    is_flag=False,
    flag_value="median",
    show_default=True,
    help="End runs early that fall behind.",
)
@out_option
@json_option
@click.pass_context
def sweep(
    ctx: click.Context,
    /,
    *,
    grid: str,
    data: str,
    workers: int | None,
    cluster: str | None,
    shard: str | None,
    prune: str,
    out: str,
    as_json: bool,
) -> None:
    """Train every combination of a grid; rank the models on validation patches.

    Each run is a model folder in --out/runs. Repeating the call goes on: finished runs, also those
    of other sweeps with the same --out, are not trained again.
    """
    from hrgldd_core.sweep.job import known_results, rank_plan, sweep_text, train_runs
    from hrgldd_core.sweep.plan import plan_sweep, shard_of

    plan = plan_sweep(grid=grid, data=data, out=out, prune=prune)
    runs = plan.runs if shard is None else shard_of(plan, shard)
    before = known_results(plan)
    with progress_bar() as progress:
        results = train_runs(plan, runs, count=workers, cluster=cluster, progress=progress)
    errors = {run: result["error"] for run, result in results.items() if "error" in result}
    summary = rank_plan(plan, errors)
    summary["trained_now"] = len(set(results) - set(before) - set(errors))
    emit(summary, as_json=as_json, text=sweep_text(summary))
    if errors or (shard is None and summary["missing"]):
        ctx.exit(3)
