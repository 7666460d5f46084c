"""How fast training is, against a plain Keras fit and against its own input: one run, two ratios.

``.venv/bin/python benchmarks/train.py [ROUNDS] [FILTERS]`` trains the same U-Net (16 filters unless
told otherwise, 128 x 128 patches, batches of 16) as ``hrgldd train`` does with the default
recipe, and as Keras does when nothing is set: float32, ``jit_compile="auto"``, ``model.fit`` on
arrays that are ready, in a process of its own. The two take turns, as does the input pipeline
alone; medians over the rounds are compared.

Data are random: speed does not depend on what the patches show.
"""

import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from multiprocessing.pool import ThreadPool
from unittest import mock

import numpy as np

from hrgldd_core.dataset.patches import PatchSet
from hrgldd_core.models import blocks
from hrgldd_core.models.backend import keras
from hrgldd_core.models.precision import keras_policy
from hrgldd_core.models.registry import build_model
from hrgldd_core.training.fit import WORKERS, Watch, fit, training_batches
from hrgldd_core.training.losses import LOSSES
from hrgldd_core.training.recipe import Recipe, read_recipe

BANDS = ("blue", "green", "red", "nir")
OUR_STEPS, PLAIN_STEPS, PIPELINE_BATCHES = 20, 10, 40


def random_patches(count: int = 160) -> PatchSet:
    rng = np.random.default_rng(0)
    images = rng.normal(2000, 400, (count, 128, 128, len(BANDS))).clip(1, 9999).astype(np.uint16)
    labels = (images[..., 2] > 2500).astype(np.uint8)
    return PatchSet(images, labels, np.arange(count) // 20, BANDS)


@cache
def plain_keras(filters: int):
    """The same model of Keras' own layers and the same loss, everything else left as it is."""
    recipe, layers = read_recipe("default"), keras.layers

    def upsampled(*words, **names):
        return lambda x: layers.Conv2D(*words, **names)(layers.UpSampling2D(2)(x))

    with mock.patch.multiple(
        blocks, FusedBatchNormalization=layers.BatchNormalization, UpsampledConv2D=upsampled
    ):
        model = build_model(
            recipe.model, bands=len(BANDS), filters=filters,
            batch_norm=recipe.batch_norm, dropout=recipe.dropout,
        )  # fmt: skip
    model.compile("adam", LOSSES[recipe.loss])
    patches = random_patches(PLAIN_STEPS * recipe.batch_size)
    x = patches.images.astype(np.float32) / 1e4
    y = patches.labels[..., None].astype(np.float32)
    model.fit(x, y, batch_size=recipe.batch_size, verbose=0)
    return model, x, y, recipe.batch_size


def plain_speed(filters: int) -> float:
    """Patches a second of a plain fit, in a process of its own."""
    model, x, y, batch_size = plain_keras(filters)
    started = time.perf_counter()
    model.fit(x, y, batch_size=batch_size, verbose=0)
    return len(x) / (time.perf_counter() - started)


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
    speeds: dict[str, list[float]] = {"ours": [], "plain": [], "pipeline": []}

    def others_turn(epoch, logs):
        # The first epoch compiles.
        if epoch:
            speeds["ours"].append(logs["patches_per_second"])
            speeds["plain"].append(plain.submit(plain_speed, filters).result())
            speeds["pipeline"].append(pipeline_speed(recipe, patches))

    turn = keras.callbacks.LambdaCallback(on_epoch_end=others_turn)
    with ProcessPoolExecutor(1, get_context("spawn")) as plain:
        plain.submit(plain_speed, filters).result()
        fit(recipe, patches, watch=Watch(callbacks=[turn]))
    ours, theirs, pipeline = (statistics.median(v) for v in speeds.values())
    print(f"medians of {rounds} rounds, batches of {recipe.batch_size} patches of 128 x 128 x 4")
    print(f"plain Keras fit    {theirs:8.1f} patches/s")
    policy = keras_policy(recipe.precision)
    print(f"hrgldd train       {ours:8.1f} patches/s   {policy}, all augmentation")
    print(f"input alone        {pipeline:8.1f} patches/s   {WORKERS} threads")
    for name, ratio, target in (("training", ours / theirs, 2.5), ("input", pipeline / ours, 5.0)):
        met = "met" if ratio >= target else "MISSED"
        print(f"{name:<10} {ratio:6.2f}x  target {target:.1f}x {met}")


if __name__ == "__main__":
    main()
