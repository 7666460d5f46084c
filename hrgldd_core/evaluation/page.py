"""``report.html`` of an evaluation: one file, no network, no script.

Names of models and sites come from folders and data sets: the template escapes everything, and a
content security policy allows nothing but the page's own style and pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hrgldd_core import __version__
from hrgldd_core.evaluation.comparison import Comparison
from hrgldd_core.evaluation.examples import COLOURS, QUANTILES, Example
from hrgldd_core.evaluation.plots.objects import learning_curves, size_recall
from hrgldd_core.evaluation.plots.probability import precision_recall_plot, reliability_plot
from hrgldd_core.evaluation.plots.ratios import bars_of_rows, radar
from hrgldd_core.evaluation.plots.style import Plot
from hrgldd_core.evaluation.published import Published, published
from hrgldd_core.evaluation.summary import PAPER_BATCH
from hrgldd_core.report import text
from hrgldd_core.report.html import asset, digest, environment

__all__ = ["render_comparison"]

_PACKAGE = "hrgldd_core.evaluation"
Table = Sequence[Sequence[dict[str, Any]]]


@dataclass(frozen=True)
class _PublishedLine:
    """A row of the paper's table, and our F1 there for models of the same architecture."""

    collection: int
    name: str
    f1: tuple[float, ...]
    ours: tuple[tuple[str, float, float], ...]


def render_comparison(
    found: Comparison, shown: Mapping[str, Sequence[Example]], *, created: datetime
) -> str:
    """The page as one self-contained HTML document.

    Args:
        found: all figures.
        shown: predictions to show, by the name of their row.
        created: when, UTC.
    """
    names = [about.name for about in found.about]
    table = [row for row in found.rows if row[0]["collection"]]
    if not table or 1 in found.layout.absent:
        # Else the headline is its first row already.
        table = list(found.rows)
    paper = published()
    css = asset("hrgldd_core.report", "report.css.j2") + asset(_PACKAGE, "evaluation.css.j2")
    return (
        environment(_PACKAGE)
        .get_template("evaluation.html.j2")
        .render(
            found=found,
            names=names,
            best=found.choice.best,
            head=found.rows[0],
            table=table,
            sure=_apart_from_sites(table),
            several=len(names) > 1,
            cautions=_cautions(found, table),
            plots=_plots(found, names, table),
            shown={name: chosen for name, chosen in shown.items() if chosen},
            colours=COLOURS,
            quantiles=[round(100 * q) for q in QUANTILES],
            paper=paper,
            paper_lines=_beside(found, paper),
            paper_batch=PAPER_BATCH,
            settings=found.settings,
            text=text,
            created=created,
            version=__version__,
            css=css,
            css_digest=digest(str(css)),
        )
    )


def _cautions(found: Comparison, table: Table) -> list[str]:
    """What must be known before any figure is read."""
    out = [about.warning for about in found.about if about.warning]
    rows = [found.rows[0], *table]
    out += list(dict.fromkeys(row[0]["remark"] for row in rows if row[0]["remark"]))
    out += [f"Collection {number}: {why}" for number, why in found.layout.absent.items()]
    few = [row[0]["name"] for row in table if row[0]["n_patches"] < PAPER_BATCH]
    if few:
        out.append(f"Fewer than {PAPER_BATCH} patches, so hardly a figure: {', '.join(few)}.")
    return out


def _apart_from_sites(table: Table) -> Table:
    """Rows of collections 1 and 3; those of single sites where there are no others."""
    return [row for row in table if row[0]["collection"] != 2] or table


def _plots(found: Comparison, names: Sequence[str], table: Table) -> dict[str, list[Plot]]:
    """Figures by the section they stand in."""
    wide = _apart_from_sites(table)
    curves = [wide[0], wide[-1]] if len(wide) > 1 else wide
    histories = {a.name: (i, a.history) for i, a in enumerate(found.about) if a.history}
    made: dict[str, list[Plot | None]] = {
        # One model's four figures are in the table; a radar compares shapes.
        "table": [radar(names, table) if len(names) > 1 else None, bars_of_rows(names, table)],
        "probability": [
            *(precision_recall_plot(names, row) for row in curves),
            reliability_plot(names, wide[0]),
        ],
        "objects": [size_recall(names, wide[0])],
        "learning": [learning_curves(histories) if histories else None],
    }
    return {section: [p for p in plots if p is not None] for section, plots in made.items()}


def _beside(found: Comparison, paper: Published) -> list[_PublishedLine]:
    rows = {(row[0]["collection"], row[0]["name"].casefold()): row for row in found.rows}
    out = []
    for line in paper.rows:
        row = rows.get((line.collection, line.name.casefold()), ())
        ours = tuple(
            (about.name, figures["f1"], figures["f1_per_batch_mean"])
            for about, figures in zip(found.about, row, strict=False)
            if about.architecture in paper.models
        )
        out.append(_PublishedLine(line.collection, line.name, line.f1, ours))
    return out
