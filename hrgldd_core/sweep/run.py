"""One run of a sweep, in a process of its own: it fails alone, and is never trained twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from typing import Any

from hrgldd_core import storage
from hrgldd_core.errors import HrglddError
from hrgldd_core.progress import NotedProgress, no_progress
from hrgldd_core.sweep.plan import Run, SweepPlan
from hrgldd_core.training.job import train_model

__all__ = ["finished", "run_isolated", "train_run"]

_RESULT = "result.json"
_THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


def finished(plan: SweepPlan, run: Run) -> dict[str, Any] | None:
    """The result of a run that has ended well."""
    uri = storage.join(plan.folder(run), _RESULT)
    return dict(storage.read_json(uri)) if storage.exists(uri) else None


def train_run(
    plan: SweepPlan, run: Run, *, progress: NotedProgress = no_progress
) -> dict[str, Any]:
    """Train a run, or go on with it; at once when it was finished before.

    Raises:
        InputError: when the training fails.
    """
    if (known := finished(plan, run)) is not None:
        return known
    rule = None
    if plan.prune != "none":
        from hrgldd_core.sweep.pruning import PruningRule

        rule = PruningRule(plan, run)
    folder = plan.folder(run)
    figures = train_model(run.recipe, data=plan.data, out=folder, progress=progress, prune=rule)
    if rule is not None:
        rule.publish()
    storage.write_json(storage.join(folder, _RESULT), figures)
    return figures


def run_isolated(plan: SweepPlan, run: Run, *, threads: int | None) -> dict[str, Any]:
    """Train a run in a process of its own, which ends when this one does.

    Args:
        plan: of the sweep.
        run: one of its runs.
        threads: of the process; None: as the environment says, one otherwise.

    Returns:
        The result, or ``{"error": reason}``.
    """
    if (known := finished(plan, run)) is not None:
        return known
    alone = plan.model_copy(update={"runs": (run,)})
    environment = {**dict.fromkeys(_THREADS, str(threads or 1)), **os.environ}
    if threads:
        environment.update(dict.fromkeys(_THREADS, str(threads)))
    with subprocess.Popen(
        [sys.executable, "-m", "hrgldd_core.sweep.run"],
        env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as child:  # fmt: skip
        assert child.stdin is not None  # noqa: S101
        assert child.stdout is not None  # noqa: S101
        assert child.stderr is not None  # noqa: S101
        kept: list[bytes] = []
        reader = threading.Thread(target=lambda: kept.extend(child.stderr or ()))
        reader.start()
        # The pipe stays open: its end tells the child that nobody waits for it any more.
        child.stdin.write(alone.model_dump_json().encode() + b"\n")
        child.stdin.flush()
        output = child.stdout.read()
        reader.join()
    if child.returncode == 0:
        return dict(json.loads(output.splitlines()[-1]))
    said = b"".join(kept).decode(errors="replace").strip().splitlines()
    reason = said[-1] if said else ""
    if child.returncode < 0:
        reason = f"killed by signal {-child.returncode}; memory may have run out"
    return {"error": reason or f"ended with code {child.returncode}"}


def _end_with_parent() -> None:
    def wait() -> None:
        # Not through sys.stdin: its lock would be held when the interpreter ends, which aborts it.
        while os.read(0, 4096):
            pass
        os._exit(3)

    threading.Thread(target=wait, daemon=True).start()


def main() -> None:
    """The child process: a plan with one run on standard input, its result on standard output."""
    plan = SweepPlan.model_validate_json(sys.stdin.buffer.readline())
    _end_with_parent()
    try:
        result = train_run(plan, plan.runs[0])
    except HrglddError as error:
        sys.exit(str(error))
    sys.stdout.write(f"{json.dumps(result, default=str)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
