"""How all figures look."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Plot", "Stroke", "draw", "grid", "stroke"]

# Okabe and Ito (2008), "Color universal design"; their yellow is too pale for a line on white.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS = "osD^vPX"
_PHONE = 560
_DASHES = ("-", "--", "-.", ":")

_RC: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#4d5c69",
    "axes.labelcolor": "#17222c",
    "xtick.color": "#17222c",
    "ytick.color": "#17222c",
    "grid.color": "#d3dbe1",
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.8,
    "lines.markersize": 4.5,
    "svg.hashsalt": "hrgldd",
}


@dataclass(frozen=True)
class Plot:
    """A finished figure.

    Attributes:
        href: ``data:`` URI of an SVG.
        size: width and height, CSS pixels.
        title: what it shows.
        summary: what is to be seen in it, in words.
        note: how to read it.
    """

    href: str
    size: tuple[int, int]
    title: str
    summary: str
    note: str = ""

    @property
    def wide(self) -> bool:
        """Too wide for a phone, where it must be scrolled."""
        return self.size[0] > _PHONE


@dataclass(frozen=True)
class Stroke:
    """Colour, line and marker of a contender: the same in every figure."""

    colour: str
    dash: str
    marker: str

    def line(self, **more: Any) -> dict[str, Any]:
        """Keywords of ``Axes.plot``."""
        return {"color": self.colour, "linestyle": self.dash, **more}


def stroke(number: int) -> Stroke:
    """Of contender ``number``; with more contenders than colours, lines are dashed."""
    turn, colour = divmod(number, len(_COLOURS))
    return Stroke(_COLOURS[colour], _DASHES[turn % len(_DASHES)], _MARKERS[colour])


def draw(
    width: float,
    height: float,
    paint: Callable[[Figure], None],
    *,
    title: str,
    summary: str,
    note: str = "",
) -> Plot:
    """Paint a figure of a size in inches."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_RC):
        figure = Figure(figsize=(width, height), layout="constrained")
        paint(figure)
        out = io.BytesIO()
        figure.savefig(out, format="svg", metadata={"Date": None})
    text = base64.b64encode(out.getvalue()).decode()
    size = (round(width * 96), round(height * 96))
    return Plot(f"data:image/svg+xml;base64,{text}", size, title, summary, note)


def grid(axes: Axes, *, axis: Literal["both", "x", "y"] = "both") -> None:
    """Faint lines behind the data."""
    axes.grid(visible=True, axis=axis, linewidth=0.7)
    axes.set_axisbelow(True)
