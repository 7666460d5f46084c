"""How fast training is, against a plain Keras fit and against its own input: one run, two ratios.

``.venv/bin/python benchmarks/train.py [ROUNDS] [FILTERS]`` trains the same U-Net (16 filters unless
told otherwise, 128 x 128 patches, batches of 16) as ``hrgldd train`` does with the default
recipe, and as Keras does when nothing is set: float32, ``jit_compile="auto"``, ``model.fit`` on
arrays that are ready. The two take turns, as does the input pipeline alone; medians over the rounds
are compared.

Data are random: speed does not depend on what the patches show.
"""

import statistics
import sys
import time
from multiprocessing.pool import ThreadPool

import numpy as np

from hrgldd_core.dataset.patches import PatchSet
from hrgldd_core.models.backend import keras
from hrgldd_core.models.registry import build_model
from hrgldd_core.training.fit import WORKERS, Watch, fit, training_batches
from hrgldd_core.training.losses import LOSSES
from hrgldd_core.training.recipe import Recipe, read_recipe

BANDS = ("blue", "green", "red", "nir")
OUR_STEPS, PLAIN_STEPS, PIPELINE_BATCHES = 20, 6, 40


def random_patches(count: int = 160) -> PatchSet:
    rng = np.random.default_rng(0)
    images = rng.normal(2000, 400, (count, 128, 128, len(BANDS))).clip(1, 9999).astype(np.uint16)
    labels = (images[..., 2] > 2500).astype(np.uint8)
    return PatchSet(images, labels, np.arange(count) // 20, BANDS)


class PlainKeras:
    """The same model and loss, everything else left as Keras has it."""

    def __init__(self, recipe: Recipe, patches: PatchSet) -> None:
        self.model = build_model(
            recipe.model, bands=len(BANDS), filters=recipe.filters,
            batch_norm=recipe.batch_norm, dropout=recipe.dropout,
        )  # fmt: skip
        self.model.compile("adam", LOSSES[recipe.loss])
        count = PLAIN_STEPS * recipe.batch_size
        self.x = patches.images[:count].astype(np.float32) / 1e4
        self.y = patches.labels[:count, ..., None].astype(np.float32)
        self.batch_size = recipe.batch_size
        self.speed()

    def speed(self) -> float:
        started = time.perf_counter()
        self.model.fit(self.x, self.y, batch_size=self.batch_size, verbose=0)
        return len(self.x) / (time.perf_counter() - started)


def pipeline_speed(recipe: Recipe, patches: PatchSet) -> float:
    """Patches a second, made by as many threads as Keras is told to use."""
    batches = training_batches(recipe, patches, steps=PIPELINE_BATCHES)
    started = time.perf_counter()
    with ThreadPool(WORKERS) as pool:
        for _ in pool.imap(batches.__getitem__, range(PIPELINE_BATCHES)):
            pass
    return PIPELINE_BATCHES * recipe.batch_size / (time.perf_counter() - started)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    filters = int(sys.argv[2]) if len(sys.argv) > 2 else 16
    recipe = read_recipe("default", filters=filters, epochs=rounds + 1, steps_per_epoch=OUR_STEPS)
    patches = random_patches()
    plain = PlainKeras(recipe, patches)
    speeds: dict[str, list[float]] = {"ours": [], "plain": [], "pipeline": []}

    def others_turn(epoch, logs):
        # The first epoch compiles.
        if epoch:
            speeds["ours"].append(logs["patches_per_second"])
            speeds["plain"].append(plain.speed())
            speeds["pipeline"].append(pipeline_speed(recipe, patches))

    turn = keras.callbacks.LambdaCallback(on_epoch_end=others_turn)
    fit(recipe, patches, watch=Watch(callbacks=[turn]))
    ours, theirs, pipeline = (statistics.median(v) for v in speeds.values())
    print(f"medians of {rounds} rounds, batches of {recipe.batch_size} patches of 128 x 128 x 4")
    print(f"plain Keras fit    {theirs:8.1f} patches/s")
    print(f"hrgldd train       {ours:8.1f} patches/s   {recipe.precision}, all augmentation")
    print(f"input alone        {pipeline:8.1f} patches/s   {WORKERS} threads")
    for name, ratio, target in (("training", ours / theirs, 2.5), ("input", pipeline / ours, 5.0)):
        met = "met" if ratio >= target else "MISSED"
        print(f"{name:<10} {ratio:6.2f}x  target {target:.1f}x {met}")


if __name__ == "__main__":
    main()
