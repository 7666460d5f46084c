"""The model that comes with the package: cross-validated over sites, then trained on all.

``python -m hrgldd_core.training.bundled --data PATCHES --out hrgldd_core/models/bundled``

Whole sites (``block`` of the data) are left out in turn. The threshold is the best over all
left-out predictions together, at the prevalence of a scene; each site's own figures use the
threshold that is best over the *other* sites, so nothing that is reported was chosen on what it is
reported for.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hrgldd_core import __version__, storage
from hrgldd_core.console import say
from hrgldd_core.dataset.patches import IGNORE, PatchSet, open_patches
from hrgldd_core.evaluation.confusion import Confusion
from hrgldd_core.evaluation.threshold import best_threshold, bootstrap_f1, patch_confusions
from hrgldd_core.models.store import ModelSpec, half_precision, save_model
from hrgldd_core.training.card import model_card
from hrgldd_core.training.recipe import Recipe, read_recipe

__all__ = ["cross_validate", "site_folds", "train_bundled"]

_LEAST_USABLE = 0.25
_SMALL_SITE = 20

# Landslides cover a tenth of the patches; of a badly hit scene, some hundredths.
_SCENE_PREVALENCE = 0.05

_LIMITS = (
    "Trained on 8-bit blue, green and red quicklooks of few sites, without near infrared.",
    "River beds, gravel roads, villages and freshly cleared fields can be mapped as landslides.",
    "Landslides under closed canopy, in deep shade or long overgrown are missed.",
    "It cannot tell new landslides from old ones: compare with an image from before the event.",
    "Without a usable data mask, clouds are mapped as landslides.",
)


def usable_patches(patches: PatchSet) -> PatchSet:
    """Patches of which at least a quarter holds data."""
    return patches.subset((patches.labels != IGNORE).mean((1, 2)) >= _LEAST_USABLE)


def site_folds(groups: npt.NDArray[np.int64]) -> list[tuple[int, ...]]:
    """Sites to leave out together: large ones alone, the small ones in one fold."""
    sites, counts = np.unique(groups, return_counts=True)
    large: list[tuple[int, ...]] = [(int(s),) for s in sites[counts >= _SMALL_SITE]]
    small = tuple(int(s) for s in sites[counts < _SMALL_SITE])
    return [*large, small] if small else large


def cross_validate(recipe: Recipe, patches: PatchSet, work: Path) -> npt.NDArray[np.float32]:
    """Probabilities (N, y, x) of every patch by a model that has seen nothing of its site.

    Finished folds are kept in ``work`` and not trained again.
    """
    from hrgldd_core.training.batches import normalise_patches
    from hrgldd_core.training.fit import fit, predict_patches

    out = np.full(patches.labels.shape, np.nan, np.float32)
    # Folds of another recipe or of other patches are not these.
    digest = hashlib.sha256(recipe.model_dump_json().encode())
    for array in (patches.images, patches.labels, patches.groups):
        digest.update(np.ascontiguousarray(array).tobytes())
    work /= digest.hexdigest()[:16]
    work.mkdir(parents=True, exist_ok=True)
    for fold in site_folds(patches.groups):
        left_out = np.isin(patches.groups, fold)
        kept = work / f"left-out-{'-'.join(map(str, fold))}.npy"
        if not kept.exists():
            model = fit(recipe, patches.subset(~left_out)).model
            held = patches.subset(left_out)
            inputs = normalise_patches(held, recipe.normalisation, of="group")
            draft = kept.with_suffix(".part.npy")
            np.save(draft, predict_patches(model, inputs).astype(np.float16))
            draft.rename(kept)
        out[left_out] = np.load(kept)
        threshold, f1 = best_threshold(out[left_out], patches.labels[left_out])
        say(f"left out {fold}: {left_out.sum()} patches, F1 {f1:.3f} at best ({threshold:.2f})")
    return out


def site_figures(
    probability: npt.NDArray[np.float32], patches: PatchSet, *, prevalence: float | None
) -> tuple[float, dict[str, Any]]:
    """The best threshold at a prevalence, and the figures of each left-out site and of all."""
    labels, groups = patches.labels, patches.groups
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


def _ratios(counts: Confusion) -> dict[str, float]:
    names = ("precision", "recall", "f1", "iou")
    return {name: round(getattr(counts, name), 4) for name in names}


def train_bundled(recipe: Recipe, data: str, out: str, work: Path) -> ModelSpec:
    """Cross-validate, train on everything, store in half precision."""
    from hrgldd_core.training.fit import fit

    patches = usable_patches(open_patches(data))
    left_out = cross_validate(recipe, patches, work)
    threshold, figures = site_figures(left_out, patches, prevalence=_SCENE_PREVALENCE)
    _, figures["at_patch_prevalence"] = site_figures(left_out, patches, prevalence=None)
    say(json.dumps(figures, indent=2))
    spec = ModelSpec(
        id=f"hrgldd-{recipe.model}-{''.join(b[0] for b in patches.bands)}",
        version=__version__,
        bands=patches.bands,
        **recipe.model_fields_of_spec(),
        threshold=round(threshold, 3),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        training={
            "data": f"{len(patches)} patches of HR-GLDD (Zenodo 7189381), 8-bit "
            + ", ".join(patches.bands),
            "sha256": storage.identity(data)["sha256"],
            "seed": recipe.seed,
            "recipe": recipe.model_dump(mode="json"),
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
    given = parser.parse_args()
    spec = train_bundled(read_recipe(given.recipe), given.data, given.out, Path(given.work))
    say(f"{spec.id} {spec.version}: threshold {spec.threshold}, F1 {spec.validation['f1']}")


if __name__ == "__main__":
    main()
