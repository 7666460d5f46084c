"""The model that comes with the package: cross-validated over sites, then trained on all.

``python -m hrgldd_core.training.bundled --data PATCHES --out hrgldd_core/models/bundled``

Whole sites (``block`` of the data) are left out in turn. Calibration and threshold are the best
over all left-out predictions together, at the prevalence of a scene; the figures of a site use the
threshold that is best over the *other* sites, so nothing that is reported was chosen on what it is
reported for.
"""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hrgldd_core import __version__, storage
from hrgldd_core.console import say
from hrgldd_core.dataset.patches import IGNORE, PatchSet, open_patches
from hrgldd_core.evaluation.calibration import expected_calibration_error, fit_calibration
from hrgldd_core.evaluation.confusion import Confusion
from hrgldd_core.evaluation.threshold import best_threshold, bootstrap_f1, patch_confusions
from hrgldd_core.models.precision import keras_policy
from hrgldd_core.models.store import ModelSpec, half_precision, save_model
from hrgldd_core.training.card import model_card
from hrgldd_core.training.crossval import cross_validate
from hrgldd_core.training.recipe import Recipe, read_recipe

__all__ = ["site_figures", "train_bundled", "usable_patches"]

_LEAST_USABLE = 0.25

# Landslides cover a tenth of the patches; of a badly hit scene, some hundredths.
_SCENE_PREVALENCE = 0.03

_LIMITS = (
    "Trained on 8-bit blue, green and red quicklooks of few sites, without near infrared.",
    "River beds, gravel roads, villages and freshly cleared fields can be mapped as landslides.",
    "Landslides under closed canopy, in deep shade or long overgrown are missed.",
    "It cannot tell new landslides from old ones: compare with an image from before the event.",
    "Without a usable data mask, clouds are mapped as landslides.",
)


def usable_patches(patches: PatchSet) -> PatchSet:
    """Patches of which at least a quarter holds data."""
    return patches.subset((np.asarray(patches.labels) != IGNORE).mean((1, 2)) >= _LEAST_USABLE)


def site_figures(
    probability: npt.NDArray[np.float32], patches: PatchSet, *, prevalence: float | None
) -> tuple[float, dict[str, Any]]:
    """The best threshold at a prevalence, and the figures of each left-out site and of all."""
    labels, groups = np.asarray(patches.labels), patches.groups
    threshold, _ = best_threshold(probability, labels, prevalence=prevalence)
    sites: dict[str, Any] = {}
    everything: list[Confusion] = []
    for site in np.unique(groups):
        here = groups == site
        chosen, _ = best_threshold(probability[~here], labels[~here], prevalence=prevalence)
        counts = patch_confusions(probability[here], labels[here], chosen)
        total = sum(counts, Confusion())
        everything += counts
        sites[str(site)] = {
            "patches": int(here.sum()),
            "threshold": round(chosen, 3),
            **_ratios(total),
            "f1_interval": [round(v, 4) for v in bootstrap_f1(counts)],
        }
    figures = {
        "method": "leave-site-out cross-validation; threshold of each site chosen on the others",
        **_ratios(sum(everything, Confusion())),
        "f1_interval": [round(v, 4) for v in bootstrap_f1(everything)],
        "patches": len(labels),
        "mean_site_f1": round(float(np.mean([s["f1"] for s in sites.values()])), 4),
        "sites": sites,
    }
    return threshold, figures


def calibration_errors(score: npt.NDArray[np.float32], patches: PatchSet) -> dict[str, float]:
    """Expected calibration error of left-out sites, before and after calibration on the others."""
    labels, groups = np.asarray(patches.labels), patches.groups
    calibrated = np.empty_like(score)
    for site in np.unique(groups):
        here = groups == site
        calibrated[here] = fit_calibration(score[~here], labels[~here]).apply(score[here])
    return {
        "before": round(expected_calibration_error(score, labels), 4),
        "after": round(expected_calibration_error(calibrated, labels), 4),
    }


def _ratios(counts: Confusion) -> dict[str, float]:
    names = ("precision", "recall", "f1", "iou")
    return {name: round(getattr(counts, name), 4) for name in names}


def train_bundled(
    recipe: Recipe, data: str, out: str, work: Path, *, workers: int = 1
) -> ModelSpec:
    """Cross-validate, train on everything, store in half precision."""
    from hrgldd_core.training.fit import fit

    patches = usable_patches(open_patches(data))
    score = cross_validate(recipe, patches, work, workers=workers).score
    labels = np.asarray(patches.labels)
    calibration = fit_calibration(score, labels, prevalence=_SCENE_PREVALENCE)
    left_out = calibration.apply(score)
    threshold, figures = site_figures(left_out, patches, prevalence=_SCENE_PREVALENCE)
    _, figures["at_patch_prevalence"] = site_figures(left_out, patches, prevalence=None)
    figures["scene_prevalence"] = _SCENE_PREVALENCE
    figures["calibration_error"] = calibration_errors(score, patches)
    say(json.dumps(figures, indent=2))
    spec = ModelSpec(
        id=f"hrgldd-{recipe.model}-{''.join(b[0] for b in patches.bands)}",
        version=__version__,
        bands=patches.bands,
        **recipe.model_fields_of_spec(),
        calibration=calibration,
        threshold=round(threshold, 3),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        training={
            "data": f"{len(patches)} patches of HR-GLDD (Zenodo 7189381), 8-bit "
            + ", ".join(patches.bands),
            "sha256": storage.identity(data)["sha256"],
            "seed": recipe.seed,
            "recipe": recipe.model_dump(mode="json"),
            "precision": keras_policy(recipe.precision),
        },
        validation=figures,
        limits=_LIMITS,
    )
    save_model(half_precision(fit(recipe, patches).model, spec), spec, out)
    storage.write_bytes(storage.join(out, "README.md"), model_card(spec).encode())
    return spec


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", required=True, help="patches, with the site of each as 'block'")
    parser.add_argument("--out", required=True, help="model folder")
    parser.add_argument("--recipe", default="default")
    parser.add_argument("--work", default="out/bundled", help="finished folds are kept here")
    parser.add_argument("--workers", type=int, default=2, help="trainings at a time")
    given = parser.parse_args()
    spec = train_bundled(
        read_recipe(given.recipe), given.data, given.out, Path(given.work), workers=given.workers
    )
    say(f"{spec.id} {spec.version}: threshold {spec.threshold}, F1 {spec.validation['f1']}")


if __name__ == "__main__":
    main()
