"""What test-time augmentation gains and costs.

``.venv/bin/python benchmarks/tta.py [--patches NPZ] [--model URI]`` prints, over labelled patches,
F1 and IoU at the model's threshold by sides from which each patch is seen, and the time beside that
of one side. The bundled model was trained on some of the patches: only differences between the rows
say something, and they say nothing of unseen events.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from hrgldd_core.mapping.runtime import open_runtime
from hrgldd_core.mapping.tta import combined
from hrgldd_core.models.store import open_model
from hrgldd_core.normalise import band_statistics

BATCH = 16


def _mean(answer: np.ndarray) -> np.ndarray:
    """Probability of what a runtime gives, with or without its uncertainty."""
    return answer[:, 0] if answer.ndim == 4 else answer


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--patches", default="../shared/data/hrgldd/patches_dev.npz")
    parser.add_argument("--model", default="bundled")
    given = parser.parse_args()
    stored = open_model(given.model)
    threshold = stored.spec.threshold
    with np.load(given.patches) as data:
        images, labels = data["X"][..., :3], data["Y"].reshape(-1, 128, 128) > 0
    x = np.stack([stored.spec.normalisation.apply(i, band_statistics(i.reshape(-1, 3)))
                  for i in images])  # fmt: skip
    opened = open_runtime(stored)
    print(f"tta: {len(x)} patches, threshold {threshold}")
    one = 0.0
    for tta in ("none", "flips", "dihedral"):
        runtime = combined([opened], tta)
        runtime(x[:BATCH])
        started = time.process_time()
        p = np.concatenate([_mean(runtime(x[i : i + BATCH])) for i in range(0, len(x), BATCH)])
        taken = time.process_time() - started
        one = one or taken
        found = p >= threshold
        hits, wrong = (found & labels).sum(), (found != labels).sum()
        f1, iou = 2 * hits / (2 * hits + wrong), hits / (hits + wrong)
        print(f"  {tta:9s} F1 {f1:.4f}  IoU {iou:.4f}  {taken / one:.1f} times the CPU time")


if __name__ == "__main__":
    main()
