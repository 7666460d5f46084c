"""The figure of a data set's statistics."""

from __future__ import annotations

import io

import numpy as np

from hrgldd_core.dataset.statistics import DatasetStatistics

__all__ = ["statistics_figure"]

# Okabe and Ito (2008), "Color universal design".
_BLUE, _ORANGE = "#0072B2", "#D55E00"
_LABELLED = 30


def statistics_figure(found: DatasetStatistics) -> bytes:
    """A PNG: tiles, areas of landslides and positive share of each site."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = found.rows
    figure = Figure(figsize=(10, 1.6 + 0.32 * len(rows)), layout="constrained")
    FigureCanvasAgg(figure)
    tiles, areas, share = figure.subplots(1, 3, sharey=True)
    at = np.arange(len(rows))
    tiles.barh(at, [row.tiles for row in rows], color=_BLUE)
    tiles.set(xlabel="tiles", yticks=at, yticklabels=[row.site for row in rows])
    tiles.set_ylabel(found.by)
    tiles.invert_yaxis()
    for i, row in enumerate(rows):
        if row.landslides:
            low, median, high = np.quantile(row.areas_m2, (0, 0.5, 1))
            areas.plot([low, high], [i, i], color=_ORANGE, linewidth=2)
            areas.plot(median, i, "o", color=_ORANGE)
            if len(rows) <= _LABELLED:
                areas.annotate(
                    f"{row.landslides:,}",
                    (high, i),
                    (4, 0),
                    textcoords="offset points",
                    va="center",
                )
    if found.total.landslides:
        areas.set_xscale("log")
    areas.set_xlabel("landslide area, m²: range, median, number")
    areas.margins(x=0.15)
    share.barh(at, [100 * (row.positive_share or 0) for row in rows], color=_BLUE)
    share.set_xlabel("landslide pixels, %")
    for axes in (tiles, areas, share):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(visible=True, axis="x", color="#d3dbe1", linewidth=0.6)
        axes.set_axisbelow(True)
    buffer = io.BytesIO()
    # No date inside: the same statistics are the same file.
    figure.savefig(buffer, format="png", dpi=120, metadata={"Software": None})
    return buffer.getvalue()
