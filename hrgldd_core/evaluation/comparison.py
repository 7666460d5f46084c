"""Contenders side by side on the same patches: figures, choice of the best, files."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hrgldd_core.evaluation.layout import Layout
from hrgldd_core.evaluation.scores import Scores, Settings
from hrgldd_core.evaluation.summary import FIGURES, joined, row_figures

__all__ = ["About", "Choice", "Comparison", "choose_best", "compare_scores", "table_csv"]

_FLAT = ("n_patches", "n_sites", "precision", "recall", "f1", "iou")


@dataclass(frozen=True)
class About:
    """What the report says of a contender besides its figures.

    Attributes:
        name: in tables and figures.
        threshold: probability from which a pixel is landslide.
        model: id and version; empty for stored predictions.
        architecture: name in the registry; empty when unknown.
        validation: figures on its own validation patches.
        calibration: temperature and bias.
        history: columns of its learning curve.
        digest: of specification and weights.
        seen: in words, which of the scored patches took part in its training; empty: none.
    """

    name: str
    threshold: float
    model: str = ""
    architecture: str = ""
    validation: dict[str, Any] = field(default_factory=dict)
    calibration: dict[str, float] = field(default_factory=dict)
    history: dict[str, list[float]] = field(default_factory=dict)
    digest: str = ""
    seen: str = ""

    @property
    def warning(self) -> str:
        """What the reader must know of figures on patches that took part in the training."""
        return f"{self.name} {self.seen}: on others it is worse." if self.seen else ""


@dataclass(frozen=True)
class Choice:
    """The contender that did best on validation patches, and how that is known.

    Attributes:
        best: its number; the first one's where nothing is known.
        how: in words.
        f1: of each on validation patches; None where unknown.
        known: validation patches chose it.
    """

    best: int
    how: str
    f1: tuple[float | None, ...]
    known: bool = True


@dataclass(frozen=True)
class Comparison:
    """All figures.

    Attributes:
        about: each contender.
        rows: of the table, each with a document of figures a contender.
        layout: which patches are in which row.
        choice: of the best.
        settings: of objects and boundaries.
        sites: of each contender, patches and F1 of each site of the data, by its name.
    """

    about: tuple[About, ...]
    rows: tuple[tuple[dict[str, Any], ...], ...]
    layout: Layout
    choice: Choice
    settings: Settings
    sites: tuple[dict[str, dict[str, float]], ...]

    def of(self, contender: int) -> list[dict[str, Any]]:
        """All rows of one contender."""
        return [row[contender] for row in self.rows]


def compare_scores(
    about: Sequence[About],
    scores: Sequence[Sequence[Scores]],
    layout: Layout,
    *,
    choice: Choice,
    settings: Settings,
) -> Comparison:
    """Figures of every row.

    Args:
        about: each contender.
        scores: of each contender, of each part.
        layout: rows and cells.
        choice: the best on validation, which the others are compared with.
        settings: the scores were made with.
    """
    whole = [joined(parts) for parts in scores]
    rows = [
        tuple(row_figures(row, layout, whole, settings=settings, reference=choice.best))
        for row in layout.rows
    ]
    sites = tuple(_sites(s, layout) for s in whole)
    return Comparison(tuple(about), tuple(rows), layout, choice, settings, sites)


def _sites(scores: Scores, layout: Layout) -> dict[str, dict[str, float]]:
    cells = [(i, c.site) for i, c in enumerate(layout.cells) if c.part == 0]
    out = {}
    for site in dict.fromkeys(name for _, name in cells):
        table = scores.table[np.isin(scores.cells, [i for i, name in cells if name == site])]
        f1 = float(FIGURES["f1"](table.sum(0).astype(float)))
        out[site] = {"n_patches": len(table), "f1": f1}
    return out


def choose_best(about: Sequence[About], validation_f1: Sequence[float] | None) -> Choice:
    """The contender with the largest F1 on validation patches; test patches have no say.

    Args:
        about: each contender.
        validation_f1: of each on validation patches of the data; None when it has none.
    """
    if len(about) == 1:
        return Choice(0, "the only one", (_validation_f1(about[0]),))
    if validation_f1 is not None:
        best = max(range(len(about)), key=lambda i: validation_f1[i])
        how = "largest F1 on the validation patches of this data"
        return Choice(best, how, tuple(validation_f1))
    own = tuple(_validation_f1(a) for a in about)
    known = [i for i, f1 in enumerate(own) if f1 is not None]
    if len(known) < len(about):
        how = "the first given: not all have figures on validation patches"
        return Choice(0, how, own, known=False)
    best = max(known, key=lambda i: own[i] or 0.0)
    how = "largest F1 on validation patches, as recorded when each was trained"
    if len({str(a.validation.get("method")) for a in about}) > 1:
        how += " (validated in different ways: compare with care)"
    return Choice(best, how, own)


def _validation_f1(about: About) -> float | None:
    value = about.validation.get("f1")
    return float(value) if isinstance(value, int | float) else None


def table_csv(comparison: Comparison) -> str:
    """One line a row and contender, all figures that are one number."""
    lines: list[dict[str, Any]] = []
    for row in comparison.rows:
        for about, figures in zip(comparison.about, row, strict=True):
            line: dict[str, Any] = {
                "collection": figures["collection"] or "headline",
                "name": figures["name"],
                "model": about.name,
                "threshold": about.threshold,
                **{key: figures[key] for key in _FLAT},
            }
            for by, key in (("patches", "intervals"), ("sites", "site_intervals")):
                for name in ("precision", "recall", "f1", "iou"):
                    low, high = figures[key][name] if figures[key] else ("", "")
                    line |= {f"{name}_low_{by}": low, f"{name}_high_{by}": high}
            line |= {f"pixels_{name}": n for name, n in figures["confusion"].items()}
            line["f1_per_batch_mean"] = figures["f1_per_batch_mean"]
            line |= {key: figures[key] for key in ("average_precision", "roc_auc")}
            of = figures["calibration"] or {}
            line["expected_calibration_error"] = of.get("expected_calibration_error")
            line["brier"] = of.get("brier")
            line["boundary_f1"] = figures["boundary"]["f1"]
            objects = {k: v for k, v in figures["objects"].items() if not isinstance(v, list)}
            line |= {f"object_{k}": v for k, v in objects.items()}
            lines.append(line)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()
