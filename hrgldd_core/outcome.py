"""How a run of a pipeline ended, read from what it left: in figures and in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from hrgldd_core import storage

__all__ = ["Outcome", "outcome_markdown", "outcome_text", "read_outcome"]

_SHOWN = 50
# Where a browser that is signed in sees a prefix, and an object itself.
_CONSOLE = "https://console.cloud.google.com/storage/browser/"
_OBJECT = "https://storage.cloud.google.com/"


class Outcome(BaseModel):
    """The summary of a run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pipeline: str
    status: Literal["done", "incomplete", "failed"]
    out: str = Field(description="URI prefix of the result")
    figures: dict[str, float | int | str] = {}
    missing: dict[str, str] = Field({}, description="what the result lacks, and why")
    files: tuple[str, ...] = Field((), description="URIs to look at first")
    error: str = ""


def read_outcome(pipeline: str, out: str, *, failed: bool = False, error: str = "") -> Outcome:
    """How a run ended.

    Args:
        pipeline: its name.
        out: prefix of its result.
        failed: a step did.
        error: of that step, when it is known.

    Raises:
        InputError: when the prefix cannot be read.
    """
    found = _READERS[pipeline](out)
    if failed:
        return found.model_copy(update={"status": "failed", "error": error or "a step failed"})
    return found


def _outcome(
    pipeline: str,
    out: str,
    document: dict[str, Any],
    *,
    figures: tuple[str, ...],
    missing: dict[str, str],
    files: tuple[str, ...],
) -> Outcome:
    return Outcome(
        pipeline=pipeline,
        status="incomplete" if missing else "done",
        out=out,
        figures={k: document[k] for k in figures if document.get(k) is not None},
        missing=missing,
        files=tuple(storage.join(out, name) for name in files),
    )


def _none(pipeline: str, out: str) -> Outcome:
    return Outcome(pipeline=pipeline, status="failed", out=out, error="it left no result")


def _mapped(out: str) -> Outcome:
    # The collection is written last: a manifest without it is not yet a result.
    if not storage.exists(storage.join(out, "collection.json")):
        return _none("map_event", out)
    summary = storage.read_json(storage.join(out, "manifest.json"))["summary"]
    figures = ("event", "scenes", "polygons", "area_m2", "mapped_share", "mpx_per_s")
    files = ("report.html", "inventory.parquet", "collection.json", "manifest.json")
    return _outcome(
        "map_event", out, summary, figures=figures, missing=summary["missing"], files=files
    )


def _trained(out: str) -> Outcome:
    decision = storage.join(out, "decision.json")
    if not storage.exists(decision):
        return _none("train_benchmark", out)
    document = storage.read_json(decision)
    rows = storage.read_json(storage.join(out, "sweep", "leaderboard.json"))["runs"]
    lost = {r["run"]: r["reason"] for r in rows if r["status"] in ("failed", "missing")}
    document |= {"runs": len(rows), "trained": len(rows) - len(lost)}
    document["registered"] = "yes" if document["registered"] else "no"
    figures = ("runs", "trained", "f1", "champion_f1", "registered", "reason", "model")
    files = ("decision.md", "sweep/leaderboard.md")
    found = _outcome("train_benchmark", out, document, figures=figures, missing=lost, files=files)
    report = storage.join(document["evaluation"], "report.html")
    return found.model_copy(update={"files": (report, *found.files)})


def _built(out: str) -> Outcome:
    document = storage.join(out, "dataset.json")
    if not storage.exists(document):
        return _none("build_dataset", out)
    figures = ("patches", "version")
    files = ("dataset.json", "statistics/statistics.md", "statistics/statistics.png")
    return _outcome(
        "build_dataset", out, storage.read_json(document), figures=figures, missing={}, files=files
    )


_READERS: dict[str, Callable[[str], Outcome]] = {
    "map_event": _mapped,
    "train_benchmark": _trained,
    "build_dataset": _built,
}


def outcome_text(outcome: Outcome) -> str:
    """A summary for a terminal."""
    lines = [f"{outcome.pipeline}: {outcome.status}"]
    lines += [f"  ERROR      {outcome.error}"] if outcome.error else []
    lines += [f"  {name:<10} {value}" for name, value in outcome.figures.items()]
    lines += [f"  MISSING    {name}: {why}" for name, why in list(outcome.missing.items())[:_SHOWN]]
    lines.append(f"  result     {outcome.out}")
    if outcome.status != "failed":
        lines += [f"             {uri}" for uri in outcome.files]
    return "\n".join(lines)


def outcome_markdown(outcome: Outcome, *, notes: tuple[str, ...] = ()) -> str:
    """A summary for people; places in ``gs://`` buckets are links to their console."""
    lines = [f"# {outcome.pipeline}: {outcome.status}", ""]
    if outcome.error:
        lines += [outcome.error, ""]
    if outcome.figures:
        lines += ["| figure | value |", "|---|---|"]
        lines += [f"| {k} | {_cell(v)} |" for k, v in outcome.figures.items()] + [""]
    if outcome.missing:
        lines += [f"Missing ({len(outcome.missing)}):", ""]
        shown = list(outcome.missing.items())[:_SHOWN]
        lines += [f"- {name}: {reason}" for name, reason in shown]
        if len(outcome.missing) > _SHOWN:
            lines.append(f"- and {len(outcome.missing) - _SHOWN} more, in the result's own files")
        lines.append("")
    lines += [f"Result: {_link(outcome.out, _CONSOLE)}", ""]
    if outcome.status != "failed":
        lines += [f"- {_link(uri, _OBJECT)}" for uri in outcome.files]
    return "\n".join([*lines, *notes]).rstrip() + "\n"


def _cell(value: float | int | str) -> str:
    text = str(value)
    if isinstance(value, float):
        text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.4g}"
    return text.replace("|", "\\|")


def _link(uri: str, page: str) -> str:
    if not uri.startswith("gs://"):
        return f"`{uri}`"
    return f"[{uri}]({page}{uri.removeprefix('gs://')})"
