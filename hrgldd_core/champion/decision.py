"""Whether a new model takes the champion's place, and why, in words."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from hrgldd_core.champion.registry import Champion

__all__ = ["CANDIDATE", "CHAMPION", "Decision", "decide", "decision_text"]

CANDIDATE, CHAMPION = "candidate", "champion"
"""Their names in evaluations."""


class Decision(BaseModel):
    """What was decided."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    registered: bool
    reason: str
    f1: float | None = Field(None, description="of the candidate on the test patches")
    champion_f1: float | None = Field(None, description="of the champion on the same patches")


def decide(
    figures: dict[str, dict[str, Any]], champion: Champion | None, *, min_gain: float
) -> Decision:
    """Compare on test patches, on which neither model has chosen anything.

    Args:
        figures: ``metrics.json`` of ``candidate`` and, unless it is the first, of ``champion``.
        champion: the model in use.
        min_gain: by how much the candidate's F1 must be larger.
    """
    row = _test_row(figures[CANDIDATE])
    if row is None:
        return Decision(
            registered=False,
            reason="the data names no test patches: there is nothing fair to judge a model on",
        )
    f1 = float(row["f1"])
    if champion is None:
        return Decision(registered=True, reason="the registry has no champion yet", f1=f1)
    if CHAMPION not in figures:
        return Decision(registered=False, reason="it is the champion already", f1=f1)
    before = float((_test_row(figures[CHAMPION]) or row)["f1"])
    gain = f1 - before
    enough = gain > 0 and gain >= min_gain
    sides = f"F1 {f1:.4f} against the champion's {before:.4f} on {row['n_patches']} test patches"
    asked = f"at least {min_gain:g} more" if min_gain > 0 else "more"
    reason = sides if enough else f"{sides}; {asked} is asked for"
    return Decision(registered=enough, reason=reason, f1=f1, champion_f1=before)


def _test_row(metrics: dict[str, Any]) -> dict[str, Any] | None:
    """The mixed test set (collection 1), unless it had to be made of other patches."""
    rows = [r for r in metrics["collections"] if r["collection"] == 1 and not r["remark"]]
    return rows[0] if rows else None


def decision_text(
    decision: Decision,
    figures: dict[str, dict[str, Any]],
    *,
    model: str,
    champion: Champion | None,
    evaluation: str,
) -> str:
    """The decision in Markdown: in one line, then all collections side by side."""
    verdict = "Registered" if decision.registered else "Not registered"
    lines = [f"# {verdict}: {decision.reason}", "", f"- model: `{model}`"]
    if champion:
        lines.append(f"- champion: `{champion.model}` (number {champion.number}, {champion.since})")
    lines += [f"- figures: `{evaluation}`", ""]
    names = list(figures)
    lines += [
        f"| collection | patches | {' | '.join(f'F1 of {n}' for n in names)} |",
        f"|---|---:|{'---:|' * len(names)}",
    ]
    for rows in zip(*(figures[n]["collections"] for n in names), strict=True):
        cells = " | ".join(f"{row['f1']:.4f}" for row in rows)
        title = str(rows[0]["name"]).replace("|", "\\|")
        lines.append(f"| {rows[0]['collection']}: {title} | {rows[0]['n_patches']} | {cells} |")
    absent = figures[CANDIDATE]["unavailable_collections"]
    lines += ["", *(f"- Collection {number}: {why}" for number, why in absent.items())]
    return "\n".join(lines).rstrip() + "\n"
