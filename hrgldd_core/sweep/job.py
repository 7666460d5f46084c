"""Training a grid: what ``hrgldd sweep`` does."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import as_completed
from typing import Any

from hrgldd_core import storage
from hrgldd_core.attempts import begin, given_up, settle
from hrgldd_core.dataset.workers import workers
from hrgldd_core.errors import InputError
from hrgldd_core.progress import Progress, no_progress
from hrgldd_core.sweep.leaderboard import write_leaderboard
from hrgldd_core.sweep.plan import Run, SweepPlan, read_plan, shard_of
from hrgldd_core.sweep.run import finished, run_isolated

__all__ = [
    "known_results",
    "rank_plan",
    "rank_shards",
    "shard_names",
    "sweep_text",
    "train_runs",
    "train_shard",
]

# A run takes hours, in which a spot node may well be taken away some times.
_TRIES = 5


def train_runs(
    plan: SweepPlan,
    runs: Sequence[Run],
    *,
    count: int | None = None,
    cluster: str | None = None,
    progress: Progress = no_progress,
) -> dict[str, dict[str, Any]]:
    """Train runs, each in a process of its own; the result or the error of each, by its id.

    Args:
        plan: the sweep.
        runs: some of its runs.
        count: processes at a time on this machine, which share its cores; one otherwise.
        cluster: address of a Dask scheduler whose workers train, as many runs at a time as they
            have threads; they must reach data and output.
        progress: told runs done.

    Raises:
        InputError: when the cluster does not answer or ``out`` cannot be written.
    """
    storage.check_writable(plan.out)
    results: dict[str, dict[str, Any]] = {}
    progress("runs", 0, len(runs))
    cores = len(os.sched_getaffinity(0))
    with workers(cluster, count or 1) as pool:
        threads = max(1, cores // pool.count) if cluster is None else None
        futures = {
            pool.executor.submit(run_isolated, plan, run, threads=threads): run for run in runs
        }
        try:
            for future in as_completed(futures):
                results[futures[future].id] = _result(future)
                progress("runs", len(results), len(runs))
        finally:
            for future in futures:
                future.cancel()
    return results


def _result(future: Any) -> dict[str, Any]:
    try:
        return dict(future.result())
    # A worker of the cluster may die with any error: the run fails alone.
    except Exception as error:  # noqa: BLE001
        return {"error": str(error) or type(error).__name__}


def known_results(plan: SweepPlan) -> dict[str, dict[str, Any]]:
    """Of all runs that have ended well, now or in an earlier sweep with the same output."""
    found = ((run.id, finished(plan, run)) for run in plan.runs)
    return {run_id: result for run_id, result in found if result is not None}


def shard_names(plan: SweepPlan, count: int) -> list[str]:
    """``1/N`` to ``N/N``, no more than there are runs; only those with a run to train."""
    total = max(1, min(count, len(plan.runs)))
    known = known_results(plan)
    names = [f"{number}/{total}" for number in range(1, total + 1)]
    return [name for name in names if any(r.id not in known for r in shard_of(plan, name))]


def train_shard(plan_uri: str, shard: str, *, progress: Progress = no_progress) -> dict[str, str]:
    """Train the runs of one shard, one after the other; the reason for each that failed, kept too.

    A run that ends the whole container is left out after some times.

    Raises:
        OutputError: when the output cannot be written.
    """
    plan = read_plan(plan_uri)
    failed: dict[str, str] = {}
    for run in shard_of(plan, shard):
        if finished(plan, run) is not None:
            continue
        attempts = storage.join(plan.out, "attempts", f"{run.id}.json")
        if begin(attempts, tries=_TRIES):
            result = train_runs(plan, [run], progress=progress)[run.id]
            settle(attempts)
        else:
            result = {"error": given_up(f"run {run.id}", tries=_TRIES)}
        if "error" in result:
            failed[run.id] = result["error"]
            storage.write_json(_failure(plan, run), {"error": failed[run.id]})
    return failed


def _failure(plan: SweepPlan, run: Run) -> str:
    """Beside its folder, which is a model or nothing."""
    return storage.join(plan.out, "failures", f"{run.id}.json")


def rank_plan(plan: SweepPlan, errors: dict[str, str]) -> dict[str, Any]:
    """Write the leaderboard of all that is known of a plan's runs.

    Args:
        plan: the sweep.
        errors: reason for each run that failed just now.
    """
    failed = {run: {"error": reason} for run, reason in errors.items()}
    return write_leaderboard(plan, {**failed, **known_results(plan)})


def rank_shards(plan_uri: str) -> dict[str, Any]:
    """Rank a sweep of which all shards have ended.

    Raises:
        InputError: when no run was trained, with the reason for each.
    """
    plan = read_plan(plan_uri)
    noted = {run.id: _failure(plan, run) for run in plan.runs}
    errors = {k: storage.read_json(uri)["error"] for k, uri in noted.items() if storage.exists(uri)}
    summary = rank_plan(plan, errors)
    if summary["best"] is None:
        raise InputError(
            "\n".join(f"{run}: {reason}" for run, reason in summary["missing"].items()),
            where=plan.out,
            remedy="Choose another grid",
        )
    return {**summary, "model": summary["best"]["model"], "f1": summary["best"]["f1"]}


def _when(summary: dict[str, Any]) -> str:
    """How many of the trained runs were trained by this call, where it knows."""
    now = summary.get("trained_now")
    if now is None or now == summary["trained"]:
        return ""
    return f", {now} of them now" if now else ", all of them before: nothing was trained now"


def sweep_text(summary: dict[str, Any]) -> str:
    """What a terminal shows."""
    lines = [f"{summary['trained']} of {summary['runs']} runs trained{_when(summary)}"]
    if best := summary["best"]:
        recipe = best["recipe"]
        sizes = f"{recipe['filters']} filters, batch {recipe['batch_size']}"
        lines += [
            f"  best       {recipe['model']}, {sizes}, learning rate {recipe['learning_rate']:g}",
            f"  f1         {best['f1']:.4f} on validation",
            f"  model      {best['model']}",
        ]
    lines += [
        f"  missing    {run}: {reason}" for run, reason in list(summary["missing"].items())[:9]
    ]
    return "\n".join([*lines, f"  result     {summary['out']}"])
