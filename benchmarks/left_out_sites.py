"""How good models are on sites they have not seen, at equal training time.

``python benchmarks/left_out_sites.py --data ../shared/data/hrgldd/patches_dev.npz``

Whole sites are left out in turn (small ones together). The threshold of each site is the best over
the *other* left-out sites, so nothing is chosen on what it is reported for. Every training has the
same CPU time: how many steps fit is measured for each model first. Finished trainings are kept in
``--work``: a second call goes on. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np

from hrgldd_core.dataset.patches import PatchSet, open_patches
from hrgldd_core.evaluation.confusion import Confusion
from hrgldd_core.evaluation.intervals import resample
from hrgldd_core.evaluation.threshold import best_threshold, patch_confusions
from hrgldd_core.training.bundled import usable_patches
from hrgldd_core.training.crossval import LeftOut, cross_validate, training_processes
from hrgldd_core.training.recipe import Recipe, read_recipe

_MODELS = ("unet", "res_unet", "attention_unet", "attention_res_unet", "adsms_unet")
_TARGET = 0.08


def steps_within(recipe: Recipe, patches: PatchSet, seconds: float) -> int:
    """Training steps that fit into CPU seconds, measured in a process like those that train."""
    from hrgldd_core.training.fit import fit

    def spent(steps: int) -> float:
        short = recipe.model_copy(
            update={"epochs": 2, "steps_per_epoch": steps, "keep": "last", "generated": 0.0}
        )
        stamps = []
        before = time.process_time()
        fit(short, patches, progress=lambda *_: stamps.append(time.process_time() - before))
        return stamps[-1] - stamps[len(stamps) // 2 - 1]  # the second epoch: all is compiled

    return max(1, int(seconds / (spent(12) / 12)))


def fitted_to_time(
    recipe: Recipe, patches: PatchSet, seconds: float, *, work: Path, workers: int
) -> Recipe:
    """The recipe with as many epochs as fit; measured once and then kept."""
    kept = work / "steps.json"
    known = json.loads(kept.read_text()) if kept.exists() else {}
    key = f"{recipe.name} {recipe.model} {recipe.filters} {seconds:g}"
    if key not in known:
        with training_processes(workers, at_a_time=1) as pool:
            known[key] = pool.submit(steps_within, recipe, patches, seconds).result()
        work.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(known, indent=2))
    per_epoch = recipe.steps_per_epoch or -(-len(patches) * 4 // 5 // recipe.batch_size)
    epochs = max(1, round(known[key] / per_epoch))
    return recipe.model_copy(update={"epochs": epochs})


def site_scores(left_out: LeftOut, patches: PatchSet) -> tuple[list[Confusion], dict[int, float]]:
    """Counts of each patch, at the threshold that is best for the other sites; F1 of each site."""
    labels, groups = np.asarray(patches.labels), patches.groups
    counts: list[Confusion] = [Confusion()] * len(patches)
    f1 = {}
    for site in np.unique(groups):
        here = groups == site
        threshold, _ = best_threshold(left_out.score[~here], labels[~here])
        found = patch_confusions(left_out.score[here], labels[here], threshold)
        for i, confusion in zip(np.flatnonzero(here), found, strict=True):
            counts[i] = confusion
        f1[int(site)] = sum(found, Confusion()).f1
    return counts, f1


def mean_f1_draws(counts: list[Confusion], groups: np.ndarray, draws: int = 2000) -> np.ndarray:
    """Mean over sites of the F1 of resampled patches of each; same draws for every model."""
    per_site = []
    for site in np.unique(groups):
        table = np.array(
            [[c.tp, c.fp, c.fn] for c, g in zip(counts, groups, strict=True) if g == site]
        )
        tp, fp, fn = resample(table, draws=draws, seed=int(site)).T
        per_site.append(2 * tp / np.maximum(2 * tp + fp + fn, 1))
    return np.mean(per_site, axis=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--work", type=Path, default=Path("out/left-out-sites"))
    parser.add_argument("--seconds", type=float, default=240, help="CPU time of a training")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--models", nargs="+", default=_MODELS, help="with the default recipe")
    parser.add_argument("--only-paper", action="store_true", help="no model but the paper's")
    parser.add_argument("--workers", type=int, default=2, help="trainings at a time")
    given = parser.parse_args()
    patches = usable_patches(open_patches(given.data))
    models = () if given.only_paper else given.models
    rows = [("paper", "unet"), *(("default", m) for m in models)]
    sites = np.unique(patches.groups)
    samples: dict[str, list[np.ndarray]] = {}
    means: dict[str, list[float]] = {}
    by_site: dict[str, list[dict[int, float]]] = {}
    notes: dict[str, str] = {}
    for seed in range(given.seeds):
        for recipe_name, model in rows:
            recipe = read_recipe(recipe_name, model=model, seed=seed)
            recipe = fitted_to_time(
                recipe, patches, given.seconds, work=given.work, workers=given.workers
            )
            left_out = cross_validate(recipe, patches, given.work, workers=given.workers)
            counts, f1 = site_scores(left_out, patches)
            row = f"{recipe_name}, {model}"
            samples.setdefault(row, []).append(mean_f1_draws(counts, patches.groups))
            means.setdefault(row, []).append(float(np.mean(list(f1.values()))))
            by_site.setdefault(row, []).append(f1)
            notes[row] = f"{np.mean(left_out.seconds):.0f}"
            print(f"seed {seed} {row}: {means[row][-1]:.3f}, {notes[row]} s a training", flush=True)
    head = [f"site {s} ({(patches.groups == s).sum()})" for s in sites]
    print(f"\n| recipe, model | mean F1 | 95 % | each seed | CPU s | {' | '.join(head)} |")
    print("|---|---:|---|---|---:|" + "---:|" * len(head))
    for row, values in means.items():
        low, high = np.percentile(np.mean(samples[row], axis=0), (2.5, 97.5))
        seeds = ", ".join(f"{v:.3f}" for v in values)
        each = " | ".join(f"{np.mean([f[int(s)] for f in by_site[row]]):.3f}" for s in sites)
        mean, spread = f"{np.mean(values):.3f}", f"{low:.3f} to {high:.3f}"
        print(f"| {row} | {mean} | {spread} | {seeds} | {notes[row]} | {each} |")
    if "default, unet" not in samples:
        return
    ours, theirs = samples["default, unet"], samples["paper, unet"]
    gain = np.mean(means["default, unet"]) - np.mean(means["paper, unet"])
    low, high = np.percentile(np.mean(ours, axis=0) - np.mean(theirs, axis=0), (2.5, 97.5))
    met = "met" if gain >= _TARGET else "NOT met"
    print(f"\ndefault beats paper by {gain:.3f} ({low:.3f} to {high:.3f}); target {_TARGET}: {met}")


if __name__ == "__main__":
    main()
