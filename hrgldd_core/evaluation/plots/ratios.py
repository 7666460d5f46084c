"""Radar charts as the paper's Figure 7, and F1 of each site with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hrgldd_core.evaluation.plots.style import Plot, draw, grid, stroke

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["bars_of_rows", "radar"]

Figures = dict[str, Any]

_AXES = (("precision", "precision"), ("recall", "recall"), ("f1", "F1"), ("iou", "IoU"))
_MOST_CHARTS = 12


def radar(names: Sequence[str], rows: Sequence[Sequence[Figures]]) -> Plot:
    """Precision, recall, F1 and IoU of each contender; a chart a row, at most twelve."""
    left_out = f"; the first {_MOST_CHARTS} rows" if len(rows) > _MOST_CHARTS else ""
    rows = rows[:_MOST_CHARTS]
    columns = min(3, len(rows))
    lines = -(-len(rows) // columns)
    angle = np.linspace(0, 2 * np.pi, len(_AXES), endpoint=False)
    closed = np.append(angle, angle[0])

    def paint(figure: Figure) -> None:
        engine: Any = figure.get_layout_engine()
        engine.set(h_pad=0.14)  # between a lowest label and the title below it
        for number, row in enumerate(rows, 1):
            axes: Any = figure.add_subplot(lines, columns, number, projection="polar")
            axes.set_theta_offset(np.pi / 2)
            axes.set_theta_direction(-1)
            axes.set_ylim(0, 1)
            axes.set_yticks([0.25, 0.5, 0.75, 1.0], ["", "0.5", "", "1"], fontsize=8)
            axes.set_rlabel_position(45)
            axes.set_xticks(angle, [label for _, label in _AXES])
            axes.spines["polar"].set_visible(False)
            grid(axes)
            for i, figures in enumerate(row):
                values = [figures[key] for key, _ in _AXES]
                style = stroke(i)
                axes.plot(closed, [*values, values[0]], **style.line(marker=style.marker))
            axes.set_title(_short(row[0]["name"]), pad=12)
        handles = figure.axes[0].get_lines()
        figure.legend(handles, names, loc="outside lower center", ncols=min(3, len(names)))

    best = max(range(len(names)), key=lambda i: rows[0][i]["f1"])
    return draw(
        max(4.2, 2.9 * columns),
        2.9 * lines + 0.3 * (1 + len(names) // 3),
        paint,
        title="Precision, recall, F1 and IoU",
        summary=f"On {rows[0][0]['name']} the largest F1 is {rows[0][best]['f1']:.2f} "
        f"({names[best]}).",
        note=f"As the paper's Figure 7, with IoU; the rim is 1{left_out}.",
    )


def bars_of_rows(names: Sequence[str], rows: Sequence[Sequence[Figures]]) -> Plot:
    """F1 of each row and contender with its 95 % interval by patches."""
    step = 0.8 / len(names)

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        for i, name in enumerate(names):
            f1 = np.array([row[i]["f1"] for row in rows])
            ends = np.array([row[i]["intervals"]["f1"] for row in rows]).T
            at = np.arange(len(rows)) + (i - (len(names) - 1) / 2) * step
            style = stroke(i)
            # Percentile intervals of few patches need not hold the figure itself.
            reach = np.maximum(np.stack([f1 - ends[0], ends[1] - f1]), 0)
            axes.errorbar(
                f1, at, xerr=reach, fmt=style.marker, color=style.colour, elinewidth=1.4,
                capsize=2.5, label=name,
            )  # fmt: skip
        labels = [f"{_short(row[0]['name'])} ({row[0]['n_patches']:,})" for row in rows]
        axes.set_yticks(range(len(rows)), labels)
        axes.invert_yaxis()
        axes.set_xlim(0, 1)
        axes.set_xlabel("F1, 95 % interval by patches")
        grid(axes, axis="x")
        if len(names) > 1:
            figure.legend(loc="outside lower center", ncols=min(3, len(names)))

    # A mean that counts no patch twice: of sites, or of what there is.
    sites = [row for row in rows if row[0]["collection"] == 2]
    apart, over = (sites, "sites") if sites else (rows, "these rows")
    means = [float(np.mean([row[i]["f1"] for row in apart])) for i in range(len(names))]
    words = ", ".join(f"{name} {mean:.2f}" for name, mean in zip(names, means, strict=True))
    return draw(
        5.4,
        1.1 + len(rows) * max(0.34, 0.17 * len(names)) + 0.25 * (len(names) // 3 + 1),
        paint,
        title="F1 of each row of the table",
        summary=f"Mean F1 over {over}: {words}.",
        note="In brackets the number of patches.",
    )


def _short(name: str, most: int = 26) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"
