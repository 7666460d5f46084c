"""What bfloat16 costs in accuracy: the same training in both precisions, on left-out sites.

``.venv/bin/python benchmarks/precision.py --data ../shared/data/hrgldd/patches_dev.npz``

Whole sites are left out in turn; thresholds are chosen on the other sites. Prints F1 of both, the
interval of their difference over resampled patches, and the CPU time of a training.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from left_out_sites import mean_f1_draws, site_scores

from hrgldd_core.dataset.patches import open_patches
from hrgldd_core.training.bundled import usable_patches
from hrgldd_core.training.crossval import cross_validate
from hrgldd_core.training.recipe import read_recipe


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--work", type=Path, default=Path("out/precision"))
    parser.add_argument("--filters", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2, help="trainings at a time")
    given = parser.parse_args()
    patches = usable_patches(open_patches(given.data))
    draws: dict[str, list[np.ndarray]] = {}
    print(
        "| precision | seed | mean F1 of left-out sites | CPU s a training |\n|---|---|---:|---:|"
    )
    for precision in ("float32", "mixed_bfloat16"):
        for seed in range(given.seeds):
            recipe = read_recipe(
                "default",
                filters=given.filters,
                epochs=given.epochs,
                precision=precision,
                seed=seed,
            )
            left_out = cross_validate(recipe, patches, given.work, workers=given.workers)
            counts, f1 = site_scores(left_out, patches)
            draws.setdefault(precision, []).append(mean_f1_draws(counts, patches.groups))
            mean, seconds = np.mean(list(f1.values())), np.mean(left_out.seconds)
            print(f"| {precision} | {seed} | {mean:.3f} | {seconds:.0f} |", flush=True)
    gain = np.mean(draws["mixed_bfloat16"], axis=0) - np.mean(draws["float32"], axis=0)
    low, high = np.percentile(gain, (2.5, 97.5))
    print(f"bfloat16 less float32: {gain.mean():+.3f} ({low:+.3f} to {high:+.3f})")


if __name__ == "__main__":
    main()
