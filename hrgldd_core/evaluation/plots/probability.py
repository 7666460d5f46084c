"""Precision-recall curves and reliability diagrams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hrgldd_core.evaluation.plots.style import Plot, draw, grid, stroke

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["precision_recall_plot", "reliability_plot"]

Figures = dict[str, Any]


def precision_recall_plot(names: Sequence[str], row: Sequence[Figures]) -> Plot | None:
    """Curves of a row, with the point of each contender's threshold; None without curves."""
    drawn = [i for i, figures in enumerate(row) if figures["curve"]]
    if not drawn:
        return None

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        for i in drawn:
            curve, style = row[i]["curve"], stroke(i)
            label = f"{names[i]} (AP {row[i]['average_precision'] or 0:.2f})"
            axes.step(
                [0.0, *curve["recall"]],
                [curve["precision"][0], *curve["precision"]],
                where="pre",
                **style.line(label=label),
            )
            axes.plot(
                row[i]["recall"], row[i]["precision"], style.marker, color=style.colour,
                markersize=8, markeredgecolor="white",
            )  # fmt: skip
        axes.set(xlim=(0, 1.01), ylim=(0, 1.01), xlabel="recall", ylabel="precision")
        grid(axes)
        axes.legend(loc="lower left")

    best = max(drawn, key=lambda i: row[i]["average_precision"] or 0)
    return draw(
        5.4,
        4.2,
        paint,
        title=f"Precision and recall at every threshold: {row[0]['name']}",
        summary=f"The largest average precision (AP) is "
        f"{row[best]['average_precision'] or 0:.2f} ({names[best]}).",
        note="The mark on each curve is the threshold in use.",
    )


def reliability_plot(names: Sequence[str], row: Sequence[Figures]) -> Plot | None:
    """What was promised against what was found; None without probabilities."""
    drawn = [i for i, figures in enumerate(row) if figures["calibration"]]
    if not drawn:
        return None

    def paint(figure: Figure) -> None:
        axes, below = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1.2))
        axes.plot([0, 1], [0, 1], color="#7a8894", linewidth=1, linestyle=(0, (4, 3)))
        for i in drawn:
            bins, style = row[i]["calibration"]["bins"], stroke(i)
            error = row[i]["calibration"]["expected_calibration_error"]
            x = [b["probability"] for b in bins]
            axes.plot(
                x,
                [b["observed"] for b in bins],
                **style.line(marker=style.marker, label=f"{names[i]} (error {error:.3f})"),
            )
            total = sum(b["count"] for b in bins)
            below.plot(x, [b["count"] / total for b in bins], **style.line())
        axes.set(xlim=(0, 1), ylim=(0, 1), ylabel="share that is landslide")
        below.set(xlabel="probability given", ylabel="pixels", yscale="log")
        grid(axes)
        grid(below)
        axes.legend(loc="upper left")

    best = min(drawn, key=lambda i: row[i]["calibration"]["expected_calibration_error"])
    error = row[best]["calibration"]["expected_calibration_error"]
    return draw(
        5.4,
        4.9,
        paint,
        title=f"Do probabilities mean what they say? {row[0]['name']}",
        summary=f"The smallest expected calibration error is {error:.3f} ({names[best]}).",
        note="On the dashed line they do; above it a model is too careful, below it too sure. "
        "Below: share of all pixels in each of 20 bins, logarithmic.",
    )
