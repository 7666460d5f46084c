"""A training that is stopped at any moment goes on and ends as if nobody had stopped it.

The moments are counted, not timed: the process kills itself (SIGKILL) at the n-th event, an event
being a step of the training, or a file opened or renamed in the output.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

from hrgldd_core.dataset.patches import open_patches
from hrgldd_core.errors import InputError
from hrgldd_core.training.checkpoint import CheckpointFile
from hrgldd_core.training.fit import Watch, fit
from hrgldd_core.training.job import train_model
from hrgldd_core.training.recipe import read_recipe
from tests.support import ROOT, assert_refused, hrgldd, tree

EPOCHS = 3
STEPS = 2

CHILD = """
import os, signal, sys
from tests.hrgldd_core.training.test_resume import recipe
from hrgldd_core.training.job import train_model

data, out, moment = sys.argv[1:]
seen = 0

def kill(*_, note=""):
    global seen
    seen += 1
    if seen == int(moment):
        os.kill(os.getpid(), signal.SIGKILL)

def audit(name, arguments):
    if name in {"os.rename", "open"} and out in str(arguments):
        kill()

sys.addaudithook(audit)
train_model(recipe(), data=data, out=out, progress=kill)
"""


class Stopped(Exception):  # noqa: N818 - reads as what happened
    """As if somebody had pulled the plug."""


def recipe(**changes):
    """Everything that chance decides is in it: dropout, augmentation, generated order, averages."""
    return read_recipe(
        "default",
        **{
            "filters": 2, "batch_size": 4, "steps_per_epoch": STEPS, "epochs": EPOCHS,
            "generated": 0.0, "ema": 0.8, "keep": "best", "dropout": 0.3, "seed": 7, **changes,
        },
    )  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    rng = np.random.default_rng(0)
    images = rng.integers(1, 200, (16, 32, 32, 3), np.uint8)
    labels = (images[..., 2] > 150).astype(np.uint8)
    path = tmp_path_factory.mktemp("data") / "patches.npz"
    np.savez(path, X=images, Y=labels, block=np.repeat([1, 2, 3, 4], 4))
    return str(path)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, data):
    """Output and events of a training that nobody stops."""
    out = tmp_path_factory.mktemp("undisturbed") / "model"
    train_model(recipe(), data=data, out=str(out))
    return out


def assert_same(out, expected):
    # What a killed process left behind is hidden.
    assert {n for n in tree(out) if not n.startswith(".")} == set(tree(expected))
    assert (out / "model.weights.h5").read_bytes() == (expected / "model.weights.h5").read_bytes()
    one, other = (json.loads((p / "history.json").read_text()) for p in (out, expected))
    timed = {"seconds", "patches_per_second"}
    assert {k: v for k, v in one.items() if k not in timed} == {
        k: v for k, v in other.items() if k not in timed
    }
    rows = list(csv.DictReader((out / "history.csv").read_text().splitlines()))
    assert [int(row["epoch"]) for row in rows] == list(range(1, EPOCHS + 1))
    one, other = (json.loads((p / "model.json").read_text()) for p in (out, expected))
    for changing in ("created", "version"):
        del one[changing], other[changing]
    del one["validation"]["seconds"], other["validation"]["seconds"]
    assert one == other


def test_nothing_but_the_model_is_left(undisturbed):
    assert set(tree(undisturbed)) == {
        "model.json", "model.weights.h5", "item.json", "history.csv", "history.json"
    }  # fmt: skip


@pytest.mark.parametrize(
    "moment", [9, *(pytest.param(m, marks=pytest.mark.slow) for m in (4, 13, 17, 22))]
)
def test_killed_and_gone_on_with(data, undisturbed, tmp_path, moment):
    out = tmp_path / "model"
    killed = subprocess.run(
        [sys.executable, "-c", CHILD, data, str(out), str(moment)],
        cwd=ROOT, env={**os.environ, "TMPDIR": str(tmp_path)},  # what is killed does not tidy up
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert "model.json" not in tree(out)
    train_model(recipe(), data=data, out=str(out))
    assert_same(out, undisturbed)


@pytest.mark.parametrize(
    "step", [4, *(pytest.param(s, marks=pytest.mark.slow) for s in (1, 2, 3, 6))]
)
def test_stopped_at_a_step_and_gone_on_with(data, undisturbed, tmp_path, step):
    out, seen = tmp_path / "model", []

    def stop(name, done, total, /, note=""):
        seen.append(done)
        if len(seen) == step:
            raise Stopped

    with pytest.raises(Stopped):
        train_model(recipe(), data=data, out=str(out), progress=stop)
    # Whole epochs are kept; what was begun is trained again.
    assert ("checkpoint.npz" in tree(out) if out.exists() else False) == (step > STEPS)
    steps = []
    train_model(
        recipe(), data=data, out=str(out), progress=lambda _, done, __, note="": steps.append(done)
    )
    assert len(steps) - 1 == STEPS * (EPOCHS - (step - 1) // STEPS)
    assert_same(out, undisturbed)


def test_stopped_between_the_last_epoch_and_the_model(data, undisturbed, tmp_path, monkeypatch):
    out = tmp_path / "model"
    monkeypatch.setattr("hrgldd_core.training.job.save_model", _raise)
    with pytest.raises(Stopped):
        train_model(recipe(), data=data, out=str(out))
    monkeypatch.undo()
    train_model(recipe(), data=data, out=str(out))
    assert_same(out, undisturbed)


def _raise(*_):
    raise Stopped


@pytest.mark.parametrize(
    ("keep", "ema"),
    [
        ("last", 0.8),
        *(pytest.param(*p, marks=pytest.mark.slow) for p in (("best", 0.8), ("last", 0.0))),
    ],
)
def test_state_after_the_end_gives_the_same_model(data, tmp_path, keep, ema):
    chosen, patches = recipe(keep=keep, ema=ema, epochs=2), open_patches(data)
    kept = CheckpointFile(str(tmp_path), {})
    first, second = (
        fit(chosen, patches, validation=patches, watch=Watch(checkpoint=kept)) for _ in range(2)
    )
    assert first.history == second.history
    for a, b in zip(first.model.get_weights(), second.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.slow
def test_patience_left_is_remembered(data, tmp_path):
    # A rate so low that rounding decides: nothing improves by much, the best is long ago.
    chosen = recipe(patience=2, epochs=30, learning_rate=1e-12, schedule="constant", ema=0.0)
    whole = fit(chosen, open_patches(data), validation=open_patches(data))
    assert len(whole.history["loss"]) < 30
    kept = CheckpointFile(str(tmp_path), {})
    watch = Watch(checkpoint=kept, callbacks=[_stop_after(len(whole.history["loss"]) - 1)])
    with pytest.raises(Stopped):
        fit(chosen, open_patches(data), validation=open_patches(data), watch=watch)
    again = fit(chosen, open_patches(data), validation=open_patches(data),
                watch=Watch(checkpoint=kept))  # fmt: skip
    assert again.history["val_loss"] == whole.history["val_loss"]
    assert again.best_epoch == whole.best_epoch


def _stop_after(epochs):
    from hrgldd_core.models.backend import keras

    def stop(epoch, logs):
        if epoch + 1 == epochs:
            raise Stopped

    return keras.callbacks.LambdaCallback(on_epoch_end=stop)


@pytest.fixture(scope="module")
def begun(data, tmp_path_factory):
    """A folder with the checkpoint of a training."""
    out = tmp_path_factory.mktemp("begun") / "model"
    with pytest.raises(Stopped):
        train_model(recipe(), data=data, out=str(out), progress=_stop_at(STEPS + 1))
    return out


@pytest.fixture
def half_way(begun, tmp_path):
    return shutil.copytree(begun, tmp_path / "model")


def _stop_at(step):
    def progress(name, done, total, /, note=""):
        if done >= step:
            raise Stopped

    return progress


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"filters": 4}, "filters 2 there, 4 here"),
        ({"model": "res_unet"}, "model unet there, res_unet here"),
        ({"seed": 8}, "seed 7 there, 8 here"),
    ],
)
def test_checkpoint_of_another_training_is_refused(data, half_way, changes, difference):
    before = tree(half_way)
    with pytest.raises(InputError, match=f"{difference}.*another --out"):
        train_model(recipe(**changes), data=data, out=str(half_way))
    assert tree(half_way) == before


def test_checkpoint_of_other_data_is_refused(data, half_way, tmp_path):
    with np.load(data) as arrays:
        np.savez(tmp_path / "other.npz", X=arrays["X"][::-1], Y=arrays["Y"][::-1])
    with pytest.raises(InputError, match=r"another training \(data "):
        train_model(recipe(), data=str(tmp_path / "other.npz"), out=str(half_way))


def test_broken_checkpoint_is_refused(data, half_way):
    path = half_way / "checkpoint.npz"
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(InputError, match="is not a checkpoint"):
        train_model(recipe(), data=data, out=str(half_way))


def test_state_of_another_model_is_refused(data, tmp_path):
    kept = CheckpointFile(str(tmp_path), {})
    fit(recipe(epochs=1, steps_per_epoch=1), open_patches(data), watch=Watch(checkpoint=kept))
    with pytest.raises(InputError, match="checkpoint is of another model"):
        fit(recipe(filters=4), open_patches(data), watch=Watch(checkpoint=kept))


def test_finished_training_is_left_alone(data, undisturbed):
    before = tree(undisturbed)
    result = train_model(recipe(), data=data, out=str(undisturbed), progress=_stop_at(0))
    assert tree(undisturbed) == before
    assert result["f1"] == json.loads((undisturbed / "model.json").read_text())["validation"]["f1"]
    done = hrgldd("train", "--data", data, "--filters", 3, "--out", undisturbed)
    assert_refused(done, "model of another training", "another --out")
    assert tree(undisturbed) == before
