"""The figures that a training keeps with its model."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hrgldd_core.dataset.patches import PatchSet
from hrgldd_core.evaluation.confusion import Confusion
from hrgldd_core.evaluation.threshold import bootstrap_f1, patch_confusions

__all__ = ["metrics_of"]

_BATCH = 16


def metrics_of(
    probability: npt.NDArray[np.floating], patches: PatchSet, threshold: float
) -> dict[str, Any]:
    """Figures of the landslide class over all pixels together.

    ``f1_per_batch_mean`` is what the paper's notebook reports (mean of the F1 of batches of 16); it
    is here for comparison only.
    """
    counts = patch_confusions(probability, np.asarray(patches.labels[:]), threshold)
    total = sum(counts, Confusion())
    batches = [sum(counts[i : i + _BATCH], Confusion()).f1 for i in range(0, len(counts), _BATCH)]
    result: dict[str, Any] = {
        **{name: getattr(total, name) for name in ("precision", "recall", "f1", "iou")},
        "f1_interval": bootstrap_f1(counts),
        "threshold": threshold,
        "n_patches": len(patches),
        "confusion": {"tp": total.tp, "fp": total.fp, "fn": total.fn, "tn": total.tn},
        "f1_per_batch_mean": float(np.mean(batches)),
    }
    sites = np.unique(patches.groups)
    if len(sites) > 1:
        result["sites"] = {
            patches.site_name(int(site)): {
                "n_patches": int((patches.groups == site).sum()),
                "f1": sum(
                    (c for c, g in zip(counts, patches.groups, strict=True) if g == site),
                    Confusion(),
                ).f1,
            }
            for site in sites
        }
    return result
