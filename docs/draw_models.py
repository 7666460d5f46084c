"""Draw the architectures as they are built, and count their parameters, for docs/models.md.

``python docs/draw_models.py`` writes ``docs/img/<model>.svg`` and prints the table.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt

from hrgldd_core.models.backend import keras
from hrgldd_core.models.family import LEVELS
from hrgldd_core.models.registry import MODEL_NAMES, build_model

_OUT = Path(__file__).parent / "img"
_FILTERS, _SIDE, _BANDS = 16, 128, 4
_Point = tuple[float, float]
_BLOCK, _GATE, _PYRAMID, _OUTPUT = "#4477aa", "#ccbb44", "#66ccee", "#aa3377"


class _Picture:
    """Boxes and arrows; the level of a box is its row."""

    def __init__(self) -> None:
        self.figure, self.axes = plt.subplots(figsize=(9.2, 4.4))
        self.axes.set(xlim=(-1.6, 11.9), ylim=(-LEVELS - 0.75, 0.9))
        self.axes.axis("off")

    def box(self, x: float, level: int, text: str, colour: str, width: float = 0.9) -> None:
        corner = (x - width / 2, -level - 0.26)
        self.axes.add_patch(plt.Rectangle(corner, width, 0.52, color=colour, zorder=3))
        dark = colour in (_GATE, _PYRAMID)
        ink = {"color": "black" if dark else "white", "fontsize": 7}
        self.axes.text(x, -level, text, ha="center", va="center", zorder=4, **ink)

    def arrow(self, start: _Point, end: _Point, colour: str = "#555555") -> None:
        style = {"arrowstyle": "-|>", "color": colour, "lw": 1.1, "shrinkA": 0, "shrinkB": 0}
        self.axes.annotate("", end, start, arrowprops=style, zorder=2)

    def way_around(self, x: float, level: int) -> None:
        start, end = (x - 0.5, -level + 0.12), (x + 0.5, -level + 0.12)
        style = {"connectionstyle": "arc3,rad=-0.55", "arrowstyle": "-|>", "mutation_scale": 8}
        self.axes.add_patch(mpl.patches.FancyArrowPatch(start, end, color="#ee6677", **style))


def draw(name: str) -> None:
    """One picture of what the built model holds."""
    model = build_model(
        name, bands=_BANDS, filters=_FILTERS, batch_norm=True, deep_supervision=True
    )
    has = {layer.name for layer in model.layers}
    picture = _Picture()
    axes, box, arrow = picture.axes, picture.box, picture.arrow
    down = [0.3 + 0.95 * level for level in range(LEVELS)]
    up = [10.0 - 0.95 * level for level in range(LEVELS)]
    bottom = (down[-1] + up[-1]) / 2
    arrow((-0.9, 0), (down[0] - 0.45, 0))
    axes.text(-0.95, 0, f"image\n{_BANDS} bands", ha="right", va="center", fontsize=8)
    for level in range(LEVELS):
        width = f"{_side(model, f'down{level}')}² · {_filters(model, f'down{level}')}"
        box(down[level], level, width, _BLOCK)
        box(up[level], level, width, _BLOCK)
        if f"down{level}_sum" in has:
            picture.way_around(down[level], level)
            picture.way_around(up[level], level)
        last = level == LEVELS - 1
        below = (bottom - 0.5, -LEVELS) if last else (down[level + 1] - 0.1, -level - 0.74)
        arrow((down[level] + 0.2, -level - 0.26), below)
        above = (bottom + 0.5, -LEVELS) if last else (up[level + 1] + 0.1, -level - 0.74)
        arrow(above, (up[level] - 0.2, -level - 0.26))
        if f"gate{level}_gated" in has:
            middle = up[level] - 1.15
            arrow((down[level] + 0.45, -level), (middle - 0.32, -level))
            arrow((middle + 0.32, -level), (up[level] - 0.45, -level))
            box(middle, level, "gate", _GATE, 0.64)
            arrow((above[0] - 0.25, above[1] + 0.02), (middle + 0.05, -level - 0.26), _GATE)
        else:
            arrow((down[level] + 0.45, -level), (up[level] - 0.45, -level))
        if f"input{level}_join" in has:
            box(down[level] - 1.35, level, f"image / {1 << level}", _PYRAMID, 0.9)
            arrow((down[level] - 0.9, -level), (down[level] - 0.45, -level), _PYRAMID)
        output = "probability" if level == 0 else f"probability{level}"
        if output in has:
            arrow((up[level] + 0.45, -level), (up[level] + 0.75, -level), _OUTPUT)
            size = "probability" if level == 0 else f"1/{1 << level} (training)"
            axes.text(up[level] + 0.8, -level, size, va="center", fontsize=8, color=_OUTPUT)
    box(bottom, LEVELS, f"{_SIDE >> LEVELS}² · {_filters(model, 'bottleneck')}", _BLOCK)
    if "bottleneck_sum" in has:
        picture.way_around(bottom, LEVELS)
    axes.set_title(f"{name}: {_FILTERS} first filters, {_SIDE} x {_SIDE} pixels", fontsize=10)
    picture.figure.savefig(_OUT / f"{name}.svg", bbox_inches="tight", metadata={"Date": None})
    plt.close(picture.figure)


def _side(model: keras.Model, block: str) -> int:
    pools = sum(layer.name.endswith("_pool") for layer in _before(model, block))
    return _SIDE >> pools


def _before(model: keras.Model, block: str) -> list[keras.Layer]:
    names = [layer.name for layer in model.layers]
    return model.layers[: names.index(f"{block}_2_conv")]


def _filters(model: keras.Model, block: str) -> int:
    return int(model.get_layer(f"{block}_2_conv").filters)


def main() -> None:
    """Draw all, print the table of parameters."""
    mpl.rcParams["svg.hashsalt"] = "hrgldd"
    sizes = (8, 16, 32, 64)
    print("| model | " + " | ".join(f"{f} filters" for f in sizes) + " |")
    print("|---|" + "---:|" * len(sizes))
    for name in MODEL_NAMES:
        draw(name)
        counts = [build_model(name, bands=_BANDS, filters=f).count_params() for f in sizes]
        print(f"| `{name}` | " + " | ".join(f"{c:,}" for c in counts) + " |")


if __name__ == "__main__":
    main()
