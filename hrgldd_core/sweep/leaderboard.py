"""The runs of a sweep, ranked by F1 on validation patches, never by any other figure."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from hrgldd_core import storage
from hrgldd_core.sweep.plan import Run, SweepPlan

__all__ = ["ranking", "write_leaderboard"]

_FIGURES = ("f1", "precision", "recall", "iou", "threshold", "epochs", "best_epoch")
_COST = ("parameters", "seconds")


def ranking(plan: SweepPlan, results: Mapping[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows, best first; runs without a result last, with the reason.

    Args:
        plan: the sweep.
        results: what is known of each run, by its id.
    """
    rows = [_row(plan, run, results.get(run.id, {"error": "not trained yet"})) for run in plan.runs]
    # Of equal runs the smaller model is the better one; the id makes the order complete.
    rows.sort(key=lambda r: (-(r["f1"] or 0), r["parameters"] or 0, r["run"]))
    rows.sort(key=lambda r: r["status"] in ("failed", "missing"))
    return [{"rank": i, **row} for i, row in enumerate(rows, 1)]


def _row(plan: SweepPlan, run: Run, result: dict[str, Any]) -> dict[str, Any]:
    document = run.recipe.model_dump(mode="json")
    chosen = {name: _field(document, name) for name in dict.fromkeys(("model", *plan.axes))}
    error = result.get("error", "")
    status = "done"
    if error:
        status = "missing" if error == "not trained yet" else "failed"
    elif result.get("pruned"):
        status = "pruned"
    return {
        "run": run.id,
        **chosen,
        **{name: result.get(name) for name in _FIGURES},
        "seed": run.recipe.seed,
        **{name: result.get(name) for name in _COST},
        "status": status,
        "reason": error,
    }


def _field(document: dict[str, Any], name: str) -> Any:
    value: Any = document
    for part in name.split("."):
        value = value[part]
    return value


def write_leaderboard(plan: SweepPlan, results: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Write ``leaderboard.csv``, ``.json``, ``.md`` and ``best.json``; what to tell the user."""
    rows = ranking(plan, results)
    trained = [row for row in rows if row["status"] in ("done", "pruned")]
    missing = {r["run"]: r["reason"] for r in rows if r["status"] in ("failed", "missing")}
    best = None
    if trained:
        first = next(run for run in plan.runs if run.id == trained[0]["run"])
        best = {
            "run": first.id,
            "model": plan.folder(first),
            "f1": trained[0]["f1"],
            "chosen_by": "F1 on validation patches",
            "recipe": first.recipe.model_dump(mode="json"),
        }
        storage.write_json(storage.join(plan.out, "best.json"), best)
    else:
        storage.remove(storage.join(plan.out, "best.json"))
    document = {"sweep": plan.name, "data": plan.data, "prune": plan.prune, "runs": rows}
    for name, text in (("csv", _csv(rows)), ("md", _markdown(plan, rows))):
        storage.write_bytes(storage.join(plan.out, f"leaderboard.{name}"), text.encode())
    storage.write_json(storage.join(plan.out, "leaderboard.json"), document)
    return {
        "sweep": plan.name,
        "out": plan.out,
        "runs": len(rows),
        "trained": len(trained),
        "best": best,
        "missing": missing,
        "status": "incomplete" if missing else "done",
    }


def _csv(rows: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _markdown(plan: SweepPlan, rows: list[dict[str, Any]]) -> str:
    names = [name for name in rows[0] if name != "reason"]
    lines = [
        f"# Sweep {plan.name}",
        "",
        f"{len(rows)} runs on {plan.data}, ranked by F1 on validation patches.",
        "",
        f"| {' | '.join(names)} |",
        f"|{' --- |' * len(names)}",
        *(f"| {' | '.join(_cell(row[name]) for name in names)} |" for row in rows),
    ]
    failed = [f"- {row['run']}: {row['reason']}" for row in rows if row["reason"]]
    if failed:
        lines += ["", "Not trained:", "", *failed]
    return "\n".join(lines) + "\n"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
