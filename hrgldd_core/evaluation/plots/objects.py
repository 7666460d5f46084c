"""Which landslides are found, by their size; and how models learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hrgldd_core.evaluation.plots.style import Plot, draw, grid, stroke

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["learning_curves", "size_recall"]

Figures = dict[str, Any]

_WATCHED = (
    ("val_f1", "F1 on validation, at 0.5"),
    ("val_loss", "loss on validation"),
    ("loss", "loss in training"),
)


def size_recall(names: Sequence[str], row: Sequence[Figures]) -> Plot | None:
    """Share of landslides found in each area class of a row; None without a landslide."""
    classes = row[0]["objects"]["by_area_m2"]
    if not any(c["landslides"] for c in classes):
        return None
    step = 0.7 / len(names)

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        for i, name in enumerate(names):
            values = [c["recall"] for c in row[i]["objects"]["by_area_m2"]]
            at = np.arange(len(classes)) + (i - (len(names) - 1) / 2) * step
            style = stroke(i)
            shown = [(x, v) for x, v in zip(at, values, strict=True) if v is not None]
            axes.vlines(
                [x for x, _ in shown], 0, [v for _, v in shown], color=style.colour, linewidth=1
            )
            axes.plot(*zip(*shown, strict=True), style.marker, color=style.colour, label=name)
        labels = [f"{c['area_m2']}\n({c['landslides']:,})" for c in classes]
        axes.set_xticks(range(len(classes)), labels)
        axes.set(ylim=(0, 1.03), xlabel="area, m² (landslides)", ylabel="share found")
        grid(axes, axis="y")
        if len(names) > 1:
            figure.legend(loc="outside upper center", ncols=min(3, len(names)))

    words = [
        f"{c['area_m2']} m²: {max(r['objects']['by_area_m2'][i]['recall'] for r in row):.0%}"
        for i, c in enumerate(classes)
        if c["landslides"]
    ]
    return draw(
        5.4,
        3.4 + 0.25 * (len(names) // 4),
        paint,
        title=f"Landslides found, by size: {row[0]['name']}",
        summary=f"At best found: {'; '.join(words)}.",
    )


def learning_curves(histories: Mapping[str, tuple[int, dict[str, list[float]]]]) -> Plot | None:
    """Validation F1 and losses by epoch, of the contenders whose folder has a history.

    Args:
        histories: number of the contender and columns of its history, by name.
    """
    watched = [
        (key, label) for key, label in _WATCHED if any(h.get(key) for _, h in histories.values())
    ]
    if not watched:
        return None

    several = len(histories) > 1

    from matplotlib.ticker import MaxNLocator

    def paint(figure: Figure) -> None:
        for number, (key, label) in enumerate(watched, 1):
            axes = figure.add_subplot(1, len(watched), number)
            for name, (i, history) in histories.items():
                values = history.get(key)
                if values:
                    if several and key.endswith("loss"):
                        values = _scaled(values)
                    marker = stroke(i).marker if len(values) == 1 else None
                    axes.plot(
                        range(1, len(values) + 1),
                        values,
                        **stroke(i).line(label=name, marker=marker),
                    )
            own = " (each its own)" if several and key.endswith("loss") else ""
            axes.set_title(f"{label}{own}")
            if own:
                # Losses of other recipes are other quantities: their heights do not compare.
                axes.set_yticks([])
            axes.set_xlabel("epoch")
            axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
            grid(axes)
        lines = {str(line.get_label()): line for axes in figure.axes for line in axes.get_lines()}
        figure.legend(
            list(lines.values()), list(lines), loc="outside lower center", ncols=min(3, len(lines))
        )

    longest = max(len(h.get(watched[0][0], [])) for _, h in histories.values())
    return draw(
        3.1 * len(watched) + 0.6,
        3.2 + 0.25 * (len(histories) // 3),
        paint,
        title="Learning curves",
        summary=f"{len(histories)} model{'s' if several else ''}, at most "
        f"{longest} epoch{'s' if longest > 1 else ''}.",
        note="Each loss from its own lowest to its own highest value: losses of different "
        "recipes do not compare."
        if several
        else "",
    )


def _scaled(values: Sequence[float]) -> list[float]:
    """From 0, the lowest, to 1, the highest."""
    low, high = min(values), max(values)
    return [(value - low) / ((high - low) or 1.0) for value in values]
