"""The figures of a row of the table, for all contenders side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hrgldd_core.evaluation.calibration import brier_score, calibration_error, reliability
from hrgldd_core.evaluation.curves import average_precision, precision_recall, roc_auc
from hrgldd_core.evaluation.intervals import LEAST_SITES, interval, resample, site_sums
from hrgldd_core.evaluation.layout import Layout, Row
from hrgldd_core.evaluation.objects import area_class_names
from hrgldd_core.evaluation.scores import COLUMNS, Scores, Settings

__all__ = ["FIGURES", "PAPER_BATCH", "joined", "row_figures"]

FloatArray = npt.NDArray[np.float64]
Figure = Callable[[FloatArray], FloatArray]

PAPER_BATCH = 16
"""Patches a batch in the published notebook, which averages the F1 of batches."""


def _sum(*names: str) -> Figure:
    columns = [COLUMNS.index(name) for name in names]
    return lambda sums: sums[..., columns].sum(-1)


def _ratio(part: Figure, whole: Figure) -> Figure:
    return lambda sums: part(sums) / np.maximum(whole(sums), 1)


def _harmonic(a: Figure, b: Figure) -> Figure:
    def mean(sums: FloatArray) -> FloatArray:
        x, y = a(sums), b(sums)
        return 2 * x * y / np.maximum(x + y, 1e-12)

    return mean


_EDGE = (
    _ratio(_sum("edge_right"), _sum("edge_predicted")),
    _ratio(_sum("edge_found"), _sum("edge_true")),
)
_OBJECT = (_ratio(_sum("right"), _sum("areas")), _ratio(_sum("found"), _sum("landslides")))
FIGURES: dict[str, Figure] = {
    "precision": _ratio(_sum("tp"), _sum("tp", "fp")),
    "recall": _ratio(_sum("tp"), _sum("tp", "fn")),
    "f1": _ratio(_sum("tp", "tp"), _sum("tp", "tp", "fp", "fn")),
    "iou": _ratio(_sum("tp"), _sum("tp", "fp", "fn")),
    "boundary_f1": _harmonic(*_EDGE),
    "object_precision": _OBJECT[0],
    "object_recall": _OBJECT[1],
    "object_f1": _harmonic(*_OBJECT),
}
"""Figures of (..., K) sums of counts, each with an interval."""


def joined(parts: Sequence[Scores]) -> Scores:
    """Scores of all parts of a layout as one."""
    return Scores(
        np.concatenate([p.table for p in parts]),
        {cell: h for p in parts for cell, h in p.histograms.items()},
        np.concatenate([p.cells for p in parts]),
        all(p.binary for p in parts),
    )


def row_figures(
    row: Row,
    layout: Layout,
    scores: Sequence[Scores],
    *,
    settings: Settings,
    reference: int = 0,
) -> list[dict[str, Any]]:
    """Figures of each contender over the patches of a row.

    Args:
        row: which patches.
        layout: it belongs to.
        scores: of each contender over all parts (`joined`).
        settings: they were made with.
        reference: number of the contender that the others' F1 is compared with.
    """
    here = np.isin(scores[0].cells, row.cells)
    names = dict.fromkeys((c.part, c.site) for c in layout.cells)
    of_cell = {name: i for i, name in enumerate(names)}
    site = np.array([of_cell[c.part, c.site] for c in layout.cells])[scores[0].cells[here]]
    tables = [s.table[here] for s in scores]
    sites = len(np.unique(site))
    by_patch = _resampled(tables)
    by_site = _resampled([site_sums(t, site) for t in tables]) if sites >= LEAST_SITES else None
    out = []
    for i, (table, scored) in enumerate(zip(tables, scores, strict=True)):
        sums = table.sum(0)
        count = dict(zip(COLUMNS, sums.tolist(), strict=True))
        ratios = {name: float(of(sums.astype(float))) for name, of in FIGURES.items()}
        document: dict[str, Any] = {
            "collection": row.collection,
            "name": row.name,
            "remark": row.remark,
            "n_patches": len(table),
            "n_sites": sites,
            **{name: ratios[name] for name in ("precision", "recall", "f1", "iou")},
            "confusion": {name: count[name] for name in ("tp", "fp", "fn", "tn")},
            "intervals": _intervals(by_patch[i]),
            "site_intervals": None if by_site is None else _intervals(by_site[i]),
            "f1_per_batch_mean": _per_batch(table),
            "boundary": _boundary(count, ratios, settings),
            "objects": _objects(count, ratios, settings),
            **_of_probabilities(row, scored),
        }
        document["f1_difference"] = None
        if i != reference:
            document["f1_difference"] = {
                "f1": ratios["f1"] - float(FIGURES["f1"](tables[reference].sum(0).astype(float))),
                "interval": _difference(by_patch[i], by_patch[reference]),
                "site_interval": None
                if by_site is None
                else _difference(by_site[i], by_site[reference]),
            }
        out.append(document)
    return out


def _resampled(tables: Sequence[npt.NDArray[np.int64]]) -> list[FloatArray]:
    """The same draws of patches for every contender, so that differences are paired."""
    together = resample(np.concatenate(tables, axis=1))
    return np.split(together, len(tables), axis=1)


def _intervals(samples: FloatArray) -> dict[str, tuple[float, float]]:
    return {name: interval(samples, of) for name, of in FIGURES.items()}


def _difference(a: FloatArray, b: FloatArray) -> tuple[float, float]:
    low, high = np.percentile(FIGURES["f1"](a) - FIGURES["f1"](b), (2.5, 97.5))
    return float(low), float(high)


def _per_batch(table: npt.NDArray[np.int64]) -> float:
    starts = np.arange(0, len(table), PAPER_BATCH)
    return float(FIGURES["f1"](np.add.reduceat(table, starts, axis=0).astype(float)).mean())


def _boundary(
    count: dict[str, int], ratios: dict[str, float], settings: Settings
) -> dict[str, float]:
    return {
        "f1": ratios["boundary_f1"],
        "precision": count["edge_right"] / max(count["edge_predicted"], 1),
        "recall": count["edge_found"] / max(count["edge_true"], 1),
        "tolerance_px": settings.tolerance_px,
    }


def _objects(count: dict[str, int], ratios: dict[str, float], settings: Settings) -> dict[str, Any]:
    return {
        **{name: ratios[f"object_{name}"] for name in ("precision", "recall", "f1")},
        "landslides": count["landslides"],
        "found": count["found"],
        "missed": count["landslides"] - count["found"],
        "split": count["split"],
        "in_merged": count["in_merged"],
        "cut_by_patch_or_nodata": count["cut"],
        "mapped_areas": count["areas"],
        "right": count["right"],
        "false": count["areas"] - count["right"],
        "merging": count["merging"],
        "matched": count["matched"],
        "matched_f1": 2 * count["matched"] / max(count["landslides"] + count["areas"], 1),
        "by_area_m2": [
            {
                "area_m2": name,
                "landslides": count[f"class{i}"],
                "found": count[f"class{i}_found"],
                "recall": count[f"class{i}_found"] / count[f"class{i}"]
                if count[f"class{i}"]
                else None,
            }
            for i, name in enumerate(area_class_names())
        ],
        "share": settings.share,
        "min_size_px": settings.min_size_px,
        "pixel_m": settings.pixel_m,
    }


def _of_probabilities(row: Row, scored: Scores) -> dict[str, Any]:
    """Curves and calibration; None for masks, which hold no probabilities."""
    if scored.binary:
        return {"average_precision": None, "roc_auc": None, "calibration": None, "curve": None}
    histogram = scored.histogram(row.cells)
    curve = None
    if row.collection != 2:
        points = precision_recall(histogram).thinned()
        curve = {
            name: np.round(getattr(points, name), 5).tolist()
            for name in ("threshold", "precision", "recall")
        }
    return {
        "average_precision": average_precision(histogram),
        "roc_auc": roc_auc(histogram),
        "calibration": {
            "expected_calibration_error": calibration_error(histogram),
            "expected_calibration_error_equal_mass": calibration_error(histogram, equal="mass"),
            "brier": brier_score(histogram),
            "bins": [vars(point) for point in reliability(histogram)],
        },
        "curve": curve,
    }
