"""Predictions side by side, as the paper's Figure 8; the patches are chosen by a rule."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hrgldd_core.dataset.patches import PatchSet
from hrgldd_core.evaluation.layout import Layout, Row
from hrgldd_core.evaluation.scores import COLUMNS, Scores

__all__ = ["COLOURS", "QUANTILES", "Example", "choose_patches", "examples"]

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
COLOURS = {
    "hit": "#f0e442",
    "false": "#d55e00",
    "missed": "#56b4e9",
    "unknown": "#7f7f7f",
    "experts": "#cc79a7",
}
"""Right, mapped where there is none, not mapped where there is one, not counted; experts' own."""

_DIM = 0.6
_GAMMA = 0.7


@dataclass(frozen=True)
class Example:
    """A patch: its image, the experts' mask, and what each contender made of it.

    Attributes:
        quantile: of F1 among the patches of the row that hold a landslide.
        site: name of the site or event; empty where it is unknown.
        patch: number of the patch in its data set.
        image: ``data:`` URI of the PNG in true colour.
        truth: the same with the experts' mask.
        predictions: F1 and URI for each contender.
    """

    quantile: float
    site: str
    patch: int
    image: str
    truth: str
    predictions: tuple[tuple[float, str], ...]


def choose_patches(tables: Sequence[npt.NDArray[np.int64]]) -> list[tuple[float, int]]:
    """Quantile and number of the patches to show.

    Of the patches with a landslide, those at the `QUANTILES` of F1, its mean over contenders; what
    is shown is neither the best nor the worst of the work, and nobody picks it.

    Args:
        tables: (N, K) counts of each contender, as in `COLUMNS`.
    """
    tp, fp, fn = (COLUMNS.index(name) for name in ("tp", "fp", "fn"))
    f1 = np.mean(
        [2 * t[:, tp] / np.maximum(2 * t[:, tp] + t[:, fp] + t[:, fn], 1) for t in tables], 0
    )
    with_one = np.flatnonzero(tables[0][:, tp] + tables[0][:, fn] > 0)
    if not len(with_one):
        return []
    ordered = with_one[np.argsort(f1[with_one], kind="stable")]
    chosen: dict[int, float] = {}
    for quantile in QUANTILES:
        chosen.setdefault(int(ordered[round(quantile * (len(ordered) - 1))]), quantile)
    return [(quantile, patch) for patch, quantile in chosen.items()]


def examples(
    row: Row,
    layout: Layout,
    parts: Sequence[PatchSet],
    scores: Sequence[Sequence[Scores]],
) -> list[Example]:
    """Pictures of the chosen patches of a row.

    Args:
        row: of which patches.
        layout: it belongs to.
        parts: the data and further events.
        scores: of each contender, of each part.
    """
    cells = np.concatenate(layout.of_patch)
    part_of = np.repeat(np.arange(len(parts)), [len(p) for p in parts])
    local = np.concatenate([np.arange(len(p)) for p in parts])
    here = np.flatnonzero(np.isin(cells, row.cells))
    tables = [np.concatenate([s.table for s in of_parts])[here] for of_parts in scores]
    out = []
    for quantile, number in choose_patches(tables):
        index = int(here[number])
        part, patch = int(part_of[index]), int(local[index])
        one = parts[part].subset(np.array([patch]))
        image, labels = (array[0] for array in next(iter(one.batches(1))))
        picture = _true_colour(image, labels, parts[part].bands)
        predictions = []
        for of_parts, table in zip(scores, tables, strict=True):
            mapped = of_parts[part].mapped(patch, labels.shape)
            predictions.append((_f1(table[number]), _png(_overlay(picture, labels, mapped))))
        truth = _png(_overlay(picture, labels, labels == 1, right="experts"))
        cell = layout.cells[int(cells[index])]
        known = parts[part].sites or len(np.unique(parts[part].groups)) > 1
        site = cell.event or (cell.site if known else "")
        out.append(Example(quantile, site, patch, _png(picture), truth, tuple(predictions)))
    return out


def _f1(counts: npt.NDArray[np.int64]) -> float:
    of = dict(zip(COLUMNS, counts.tolist(), strict=True))
    return float(2 * of["tp"] / max(2 * of["tp"] + of["fp"] + of["fn"], 1))


def _true_colour(
    image: npt.NDArray[Any], labels: npt.NDArray[np.uint8], bands: Sequence[str]
) -> npt.NDArray[np.uint8]:
    """(y, x, 3) from the 1st to the 99th percentile of the known pixels, brightened."""
    wanted = ("red", "green", "blue")
    named = all(band in bands for band in wanted)
    shown = image[..., [bands.index(b) for b in wanted] if named else [0, 0, 0]].astype(np.float64)
    known = shown[labels <= 1] if (labels <= 1).any() else shown.reshape(-1, 3)
    low, high = np.percentile(known, (1, 99))
    scaled = np.clip((shown - low) / max(high - low, 1e-9), 0, 1) ** _GAMMA
    return np.asarray((scaled * 255).astype(np.uint8))


def _overlay(
    picture: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.uint8],
    mapped: npt.NDArray[np.bool_],
    *,
    right: str = "hit",
) -> npt.NDArray[np.uint8]:
    grey = picture.mean(-1, keepdims=True) * _DIM
    out = grey.repeat(3, axis=-1).astype(np.uint8)
    truth, known = labels == 1, labels <= 1
    for name, mask in (
        (right, mapped & truth),
        ("false", mapped & known & ~truth),
        ("missed", truth & ~mapped),
        ("unknown", ~known),
    ):
        out[mask] = [int(COLOURS[name][i : i + 2], 16) for i in (1, 3, 5)]
    return np.asarray(out)


def _png(pixels: npt.NDArray[np.uint8]) -> str:
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}"
