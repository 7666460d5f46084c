"""What an evaluation leaves below its prefix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from hrgldd_core import __version__, storage
from hrgldd_core.evaluation.comparison import Comparison, table_csv
from hrgldd_core.evaluation.examples import Example
from hrgldd_core.evaluation.page import render_comparison
from hrgldd_core.evaluation.published import published

__all__ = ["metrics_document", "write_comparison"]

_FLAT = ("precision", "recall", "f1", "iou")


def write_comparison(
    found: Comparison,
    shown: Mapping[str, Sequence[Example]],
    *,
    asked: Mapping[str, Any],
    out: str,
) -> dict[str, Any]:
    """Write everything, ``metrics.json`` last, and return what that says.

    One model: ``metrics.json``, ``metrics.csv``, ``report.html``. Several: a folder for each with
    its ``metrics.json``, then ``comparison.json``, ``comparison.csv``, ``report.html``, and the
    ``metrics.json`` of the one that did best on validation.
    """
    several = len(found.about) > 1
    page = render_comparison(found, shown, created=datetime.now(UTC)).encode()
    documents = [metrics_document(found, i) for i in range(len(found.about))]
    if several:
        for about, document in zip(found.about, documents, strict=True):
            folder = storage.join(out, about.name)
            written = {**document, "asked": asked, "out": folder}
            storage.write_json(storage.join(folder, "metrics.json"), written)
    name = "comparison" if several else "metrics"
    storage.write_bytes(storage.join(out, f"{name}.csv"), table_csv(found).encode())
    storage.write_bytes(storage.join(out, "report.html"), page)
    best = {**documents[found.choice.best], "asked": asked, "out": out}
    if several:
        best["chosen"] = {"name": found.about[found.choice.best].name, "how": found.choice.how}
        best["compared"] = [
            {"name": a.name, **{key: figures[key] for key in _FLAT}, "threshold": a.threshold}
            for a, figures in zip(found.about, found.rows[0], strict=True)
        ]
        best["warnings"] = [a.warning for a in found.about if a.warning]
        comparison = {**_comparison_document(found), "asked": asked, "out": out}
        storage.write_json(storage.join(out, "comparison.json"), comparison)
    storage.write_json(storage.join(out, "metrics.json"), best)
    return best


def metrics_document(found: Comparison, contender: int) -> dict[str, Any]:
    """``metrics.json`` of a contender: figures of the headline, then of each collection."""
    about = found.about[contender]
    headline, *collections = found.of(contender)
    boundary, objects = headline["boundary"], headline["objects"]
    sites = found.sites[contender]
    return {
        **{name: headline[name] for name in _FLAT},
        "f1_interval": headline["intervals"]["f1"],
        "threshold": about.threshold,
        "patches": headline["name"],
        "n_patches": headline["n_patches"],
        "confusion": headline["confusion"],
        "f1_per_batch_mean": headline["f1_per_batch_mean"],
        **({"sites": sites} if len(sites) > 1 else {}),
        "intervals": headline["intervals"],
        "site_intervals": headline["site_intervals"],
        **{name: headline[name] for name in ("average_precision", "roc_auc", "calibration")},
        "boundary": boundary,
        "objects": objects,
        "collections": collections,
        "unavailable_collections": {str(k): why for k, why in found.layout.absent.items()},
        "remark": headline["remark"],
        "name": about.name,
        "model": about.model,
        "model_calibration": about.calibration,
        "trained_on_this_data": bool(about.seen),
        "warnings": [about.warning] if about.seen else [],
        "software": __version__,
    }


def _comparison_document(found: Comparison) -> dict[str, Any]:
    paper = published()
    return {
        "models": [
            {
                "name": a.name,
                "model": a.model,
                "architecture": a.architecture,
                "sha256": a.digest,
                "threshold": a.threshold,
                "calibration": a.calibration,
                "validation_f1": f1,
                "trained_on_this_data": bool(a.seen),
            }
            for a, f1 in zip(found.about, found.choice.f1, strict=True)
        ],
        "chosen": {"name": found.about[found.choice.best].name, "how": found.choice.how},
        "rows": [
            {
                "collection": row[0]["collection"],
                "name": row[0]["name"],
                "remark": row[0]["remark"],
                "n_patches": row[0]["n_patches"],
                "models": {a.name: f for a, f in zip(found.about, row, strict=True)},
            }
            for row in found.rows
        ],
        "unavailable_collections": {str(k): why for k, why in found.layout.absent.items()},
        "settings": asdict(found.settings),
        "published": {
            "source": paper.source,
            "doi": paper.doi,
            "how": paper.how,
            "rows": [
                {"name": r.name, "f1": dict(zip(paper.models, r.f1, strict=True))}
                for r in paper.rows
            ],
        },
        "software": __version__,
    }
