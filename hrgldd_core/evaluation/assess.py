"""From contenders and patches to all figures and pictures, with nothing written."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hrgldd_core.dataset.patches import PatchSet
from hrgldd_core.evaluation.comparison import About, Comparison, choose_best, compare_scores
from hrgldd_core.evaluation.confusion import Confusion
from hrgldd_core.evaluation.examples import Example, examples
from hrgldd_core.evaluation.layout import Layout, Row
from hrgldd_core.evaluation.scores import Contender, Settings, score
from hrgldd_core.progress import Progress, no_progress

__all__ = ["assess"]


def assess(
    contenders: Sequence[Contender],
    about: Sequence[About],
    parts: Sequence[PatchSet],
    layout: Layout,
    *,
    validation: PatchSet | None = None,
    settings: Settings = Settings(),  # noqa: B008 - frozen
    progress: Progress = no_progress,
) -> tuple[Comparison, dict[str, list[Example]]]:
    """Score contenders on every part and compare them.

    Args:
        contenders: models or stored predictions.
        about: each of them.
        parts: the data, then further unseen events; each is read once.
        layout: of those parts.
        validation: patches to choose the best contender on; None leaves the choice to the figures
            that were recorded with each.
        settings: of objects and boundaries.
        progress: told patches done.

    Returns:
        All figures, and predictions to show by the name of their row.
    """
    with tempfile.TemporaryDirectory() as folder:
        scores = []
        for number, (part, cells) in enumerate(zip(parts, layout.of_patch, strict=True)):
            keep = Path(folder) / str(number)
            keep.mkdir()
            scores.append(
                score(
                    contenders,
                    part,
                    cells=cells,
                    settings=settings,
                    keep=keep,
                    task=f"predicting event {number}" if number else "predicting",
                    progress=progress,
                )
            )
        by_contender = list(zip(*scores, strict=True))
        choice = choose_best(about, _validation_f1(contenders, validation, settings, progress))
        found = compare_scores(about, by_contender, layout, choice=choice, settings=settings)
        shown = {
            row.name: examples(row, layout, parts, by_contender) for row in _pictured(layout.rows)
        }
    return found, shown


def _pictured(rows: Sequence[Row]) -> list[Row]:
    """Rows of which predictions are shown: the headline's and all unseen events together."""
    third = [row for row in rows if row.collection == 3]
    first = [row for row in rows if row.collection == 1]
    return [*(first or rows[: not third]), *third[-1:]]


def _validation_f1(
    contenders: Sequence[Contender],
    validation: PatchSet | None,
    settings: Settings,
    progress: Progress,
) -> list[float] | None:
    if validation is None:
        return None
    cells = np.zeros(len(validation), np.int64)
    found = score(
        contenders,
        validation,
        cells=cells,
        settings=settings,
        task="choosing on validation",
        progress=progress,
    )
    return [Confusion(*s.table[:, :4].sum(0).tolist()).f1 for s in found]
