"""Fitting: what is validated, kept and told; what goes wrong; several devices."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from hrgldd_core import memory
from hrgldd_core.dataset.patches import PatchSet
from hrgldd_core.dataset.radiometry import normalise_patches
from hrgldd_core.errors import InputError
from hrgldd_core.models.registry import build_model
from hrgldd_core.training.devices import data_parallel
from hrgldd_core.training.fit import Watch, fit, predict_patches
from hrgldd_core.training.job import train_model
from hrgldd_core.training.recipe import read_recipe
from hrgldd_core.training.trouble import DivergedError, OutOfMemoryError, memory_limit
from hrgldd_core.training.validate import Validator, histogram_figures
from tests.support import ROOT, assert_refused, hrgldd

BANDS = ("blue", "green", "red")


def patches(count=12):
    rng = np.random.default_rng(1)
    images = rng.integers(1, 200, (count, 32, 32, 3), np.uint8)
    return PatchSet(images, (images[..., 2] > 150).astype(np.uint8), np.arange(count) // 4, BANDS)


def recipe(**changes):
    few = {"filters": 2, "batch_size": 4, "steps_per_epoch": 2, "epochs": 2, "generated": 0.0}
    return read_recipe("default", **{**few, **changes})


@pytest.fixture
def data(tmp_path):
    p = patches()
    np.savez(tmp_path / "patches.npz", X=p.images, Y=p.labels, block=p.groups)
    return tmp_path / "patches.npz"


def test_histogram_gives_the_figures_of_every_threshold():
    rng = np.random.default_rng(0)
    level = rng.integers(0, 101, 4000)
    truth = rng.uniform(0, 100, 4000) < level
    histogram = np.stack([np.bincount(level[truth == k], minlength=101) for k in (0, 1)])
    found = histogram_figures(histogram)

    def by_hand(threshold):
        mapped = level >= threshold
        tp = (mapped & truth).sum()
        return tp / mapped.sum(), tp / truth.sum(), 2 * tp / (mapped.sum() + truth.sum())

    names = ("precision", "recall", "f1")
    assert [found[f"val_{n}"] for n in names] == pytest.approx(by_hand(50))
    best = max(range(1, 100), key=lambda t: by_hand(t)[2])
    assert found["val_best_threshold"] == pytest.approx(best / 100)
    assert [found[f"val_best_{n}"] for n in names] == pytest.approx(by_hand(best))


def test_histogram_without_a_landslide():
    found = histogram_figures(np.array([[3, 2, 1, 0, 1], [0, 0, 0, 0, 0]]))
    assert found["val_best_f1"] == 0
    assert np.isfinite(list(found.values())).all()


def test_validation_is_of_the_averaged_weights_that_are_kept():
    chosen = recipe(ema=0.9, keep="best", monitor="f1", epochs=3)
    found = fit(chosen, patches(), validation=patches())
    f1 = found.history["val_best_f1"]
    assert found.best_epoch == 1 + f1.index(max(f1))
    score = Validator(
        patches(), normalisation=chosen.normalisation, loss=lambda _, p: p.mean(), batch_size=4
    )
    assert score(found.model)["val_best_f1"] == f1[found.best_epoch - 1]


def test_deep_supervision_is_for_training_only():
    found = fit(recipe(model="adsms_unet", epochs=1), patches(), validation=patches())
    plain = build_model("adsms_unet", bands=3, filters=2, batch_norm=True, dropout=0.2)
    plain.set_weights(found.model.get_weights())
    inputs = normalise_patches(patches(), recipe().normalisation)
    expected = predict_patches(found.model, inputs, batch_size=4)
    # The trained model computes in bfloat16.
    np.testing.assert_allclose(predict_patches(plain, inputs, batch_size=4), expected, atol=0.03)


def test_pruned_training_ends_and_says_so(data, tmp_path):
    told = []

    def rule(rows):
        told.append([row["epoch"] for row in rows])
        return len(rows) == 2

    result = train_model(recipe(epochs=9), data=str(data), out=str(tmp_path / "m"), prune=rule)
    assert told == [[1], [1, 2]]
    assert (result["pruned"], result["epochs"]) == (True, 2)


def test_tensorboard_gets_the_figures_of_validation(data, tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    out = tmp_path / "model"
    train_model(recipe(epochs=1), data=str(data), out=str(out), tensorboard=True)
    events = accumulator.EventAccumulator(str(out / "tensorboard/train")).Reload()
    assert {"epoch_loss", "epoch_learning_rate"} <= set(events.Tags()["tensors"])
    logged = accumulator.EventAccumulator(str(out / "tensorboard/validation")).Reload()
    assert {"epoch_loss", "epoch_best_f1"} <= set(logged.Tags()["tensors"])


def test_nothing_is_left_of_a_training_that_diverged(data, tmp_path):
    words = ("--filters", 2, "--batch-size", 4, "--epochs", 2, "--learning-rate", 3e38)
    done = hrgldd("train", "--data", data, "--recipe", "paper", *words, "--out", tmp_path / "out")
    assert_refused(done, r"loss became \w+ in epoch \d", "Lower --learning-rate")
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


class XlaRuntimeError(RuntimeError):
    """As JAX names it."""


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        XlaRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 17179869184 bytes."),
        RuntimeError("Graph execution error: OOM when allocating tensor with shape[64,64,128,128]"),
    ],
)
def test_out_of_memory_names_the_batch_size_to_try(error):
    message = r"batch of 64 patches\. Try --batch-size 32"
    with pytest.raises(OutOfMemoryError, match=message), memory_limit(64):
        raise error
    with pytest.raises(OutOfMemoryError, match="Try fewer --filters"), memory_limit(1):
        raise error


def test_other_errors_are_not_about_memory():
    with pytest.raises(RuntimeError, match="something else"), memory_limit(8):
        raise RuntimeError("something else")
    with pytest.raises(DivergedError), memory_limit(8):
        raise DivergedError(loss=float("nan"), epoch=1, step=2, learning_rate=1.0)


def test_out_of_memory_in_a_training(data, tmp_path, monkeypatch):
    from hrgldd_core.models.backend import keras

    def fail(*_, **__):
        raise XlaRuntimeError("RESOURCE_EXHAUSTED: Out of memory")

    monkeypatch.setattr(keras.Model, "fit", fail)
    words = ("--filters", 2, "--batch-size", 6)
    done = hrgldd("train", "--data", data, *words, "--out", tmp_path / "out")
    assert_refused(done, "out of memory with a batch of 6 patches", "Try --batch-size 3")
    assert not (tmp_path / "out").exists()


def test_a_batch_of_more_patches_than_there_are(data, tmp_path):
    words = ("--filters", 2, "--batch-size", 10_000)
    done = hrgldd("train", "--data", data, *words, "--out", tmp_path / "out")
    assert_refused(done, "a batch of 10000 patches, and 8 to train on", "Try --batch-size 8")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("free", "remedy"), [(1_500_000, "--batch-size [1-7]"), (9, "--filters")])
@pytest.mark.parametrize("model", ["unet", "adsms_unet"])
def test_memory_is_asked_for_before_the_first_step(
    data, tmp_path, monkeypatch, model, free, remedy
):
    """Linux would kill the process without a word."""
    monkeypatch.setattr(memory, "free_memory", lambda: free)
    words = ("--model", model, "--filters", 2, "--batch-size", 8)
    done = hrgldd("train", "--data", data, *words, "--out", tmp_path / "out")
    assert_refused(done, "memory are free, about .* GB needed with a batch of 8", f"Try .*{remedy}")
    assert not (tmp_path / "out").exists()


def test_weights_that_fit_no_machine_are_never_made(data, tmp_path):
    words = ("--filters", 5000, "--batch-size", 2)
    done = hrgldd("train", "--data", data, *words, "--out", tmp_path / "out")
    assert_refused(done, "GB needed with a batch of 2 patches", "Try fewer --filters")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("devices", "batch", "pattern"),
    [(7, 14, "7 devices asked for, 3 found.*fewer --devices"),
     (3, 16, "16 patches cannot be shared by 3 devices.*divides by 3")],
)  # fmt: skip
def test_devices_that_cannot_be_had(monkeypatch, devices, batch, pattern):
    from hrgldd_core.models.backend import keras

    names = SimpleNamespace(list_devices=lambda _=None: ["gpu:0", "gpu:1", "gpu:2"])
    monkeypatch.setattr(keras, "distribution", names)
    with pytest.raises(InputError, match=pattern), data_parallel(batch_size=batch, devices=devices):
        pass


CHILD = """
import json, os
if os.environ["KERAS_BACKEND"] == "tensorflow":
    import tensorflow as tf
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from tests.hrgldd_core.training.test_fit import patches, recipe
from hrgldd_core.training.fit import fit
chosen = recipe(precision="float32", dropout=0.0, batch_norm=False, ema=0.8, learning_rate=1e-4)
found = [fit(chosen, patches(), validation=patches(), devices=n).history for n in (1, 2)]
print(json.dumps([[h["loss"], h["val_loss"]] for h in found]))
"""


@pytest.mark.parametrize(
    ("backend", "tolerance"),
    [
        ("jax", 1e-4),
        # Each device has the Dice loss of its own half: nearly the same, not equal.
        pytest.param("tensorflow", 0.03, marks=pytest.mark.slow),
    ],
)
def test_two_devices_train_as_one(backend, tolerance):
    pytest.importorskip(backend)
    flags = "--xla_force_host_platform_device_count=2"
    done = subprocess.run(
        [sys.executable, "-c", CHILD], cwd=ROOT, capture_output=True, text=True, check=True,
        env={**os.environ, "KERAS_BACKEND": backend, "XLA_FLAGS": flags},
    )  # fmt: skip
    one, two = json.loads(done.stdout.splitlines()[-1])
    np.testing.assert_allclose(two, one, rtol=tolerance)
    assert np.ptp(one[0]) > 0


def test_progress_tells_loss_speed_and_validation():
    notes = []
    watch = Watch(progress=lambda *_, note="": notes.append((*_, note)))
    fit(recipe(), patches(), validation=patches(), watch=watch)
    assert [n[1:3] for n in notes] == [(1, 4), (2, 4), (3, 4), (3, 4), (4, 4)]
    assert notes[0][3].startswith("epoch 1/2  loss ")
    assert "val F1 0." in notes[2][3]
    assert "patches/s" in notes[3][3]
