"""A model as a folder: what goes in comes out, and what does not fit is told."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from hrgldd_core.errors import InputError
from hrgldd_core.models.backend import keras
from hrgldd_core.models.calibration import Calibration
from hrgldd_core.models.registry import MODEL_NAMES, build_model
from hrgldd_core.models.store import BUNDLED, ModelSpec, open_model, save_model
from hrgldd_core.normalise import Normalisation

X = np.random.default_rng(0).normal(size=(1, 32, 32, 4)).astype(np.float32)


def spec(**changes):
    return ModelSpec(
        **{
            "id": "tiny", "version": "3", "architecture": "unet",
            "bands": ("blue", "green", "red", "nir"), "filters": 2, "threshold": 0.37, **changes,
        }
    )  # fmt: skip


@pytest.mark.parametrize("options", [{}, {"batch_norm": True, "dropout": 0.2}])
def test_round_trip(tmp_path, options):
    model = build_model("unet", bands=4, filters=2, **options)
    saved = spec(normalisation=Normalisation("none"), limits=("One.", "Two."), **options)
    save_model(model, saved, str(tmp_path / "m"))
    stored = open_model(str(tmp_path / "m"))
    assert stored.spec == saved
    np.testing.assert_array_equal(
        np.asarray(stored.load()(X, training=False)), np.asarray(model(X, training=False))
    )


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_a_loaded_model_gives_calibrated_probabilities(tmp_path, name):
    keras.utils.set_random_seed(0)
    model = build_model(name, bands=4, filters=2)
    calibration = Calibration(temperature=2.5, bias=-1.2)
    save_model(model, spec(architecture=name, calibration=calibration), str(tmp_path))
    score = np.asarray(model(X, training=False))
    loaded = np.asarray(open_model(str(tmp_path)).load()(X, training=False))
    # A score near 1 in float32 tells its logit, which the loaded model has, to a few digits alone.
    np.testing.assert_allclose(loaded, calibration.apply(score), atol=1e-4)
    assert np.abs(loaded - score).max() > 0.05


def test_calibration_by_hand():
    p = np.array([0.5, 0.9, 1e-12, 1.0])
    found = Calibration(temperature=2.0, bias=1.0).apply(p)
    assert found[0] == pytest.approx(1 / (1 + np.exp(-0.5)))
    assert found[1] == pytest.approx(1 / (1 + np.exp(-(np.log(9) + 1) / 2)))
    assert 0 < found[2] < found[0] < found[1] < found[3] < 1
    np.testing.assert_allclose(Calibration().apply(p[:2]), p[:2], atol=1e-6)


def test_digest_tells_models_apart(tmp_path):
    for name, change in (("a", {}), ("b", {"threshold": 0.4}), ("c", {})):
        save_model(build_model("unet", bands=4, filters=2), spec(**change), str(tmp_path / name))
    shutil.copytree(tmp_path / "a", tmp_path / "copy")
    digest = {p.name: open_model(str(p)).digest for p in tmp_path.iterdir()}
    assert digest["a"] == digest["copy"]
    assert len(set(digest.values())) == 3


def test_folder_without_description_is_no_model(tmp_path):
    save_model(build_model("unet", bands=4, filters=2), spec(), str(tmp_path))
    (tmp_path / "model.json").unlink()
    with pytest.raises(InputError, match=r"not a model folder.*hrgldd train"):
        open_model(str(tmp_path))


@pytest.mark.parametrize("change", [{"filters": 4}, {"batch_norm": True}, {"bands": ["red"]}])
def test_weights_of_another_model(tmp_path, change):
    # Keras itself only warns, and goes on with random weights.
    save_model(build_model("unet", bands=4, filters=2), spec(), str(tmp_path))
    path = tmp_path / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(
        InputError, match=r"do not fit unet \(\d filters, \d bands\)\. .*of one training"
    ):
        open_model(str(tmp_path)).load()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "model.json: is no JSON. Restore"),
        ("{}", "model.json: id is missing. Add id"),
        ('{"id": 3}', "model.json: id is 3. Give a text"),
    ],
)
def test_a_description_that_says_nothing_sensible(tmp_path, text, words):
    save_model(build_model("unet", bands=4, filters=2), spec(), str(tmp_path))
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(InputError, match=words):
        open_model(str(tmp_path))


def test_bundled_model():
    stored = open_model(BUNDLED)
    assert stored.spec.architecture == "unet"
    assert 0 < stored.spec.threshold < 1
    y = np.asarray(stored.load()(X[..., : len(stored.spec.bands)], training=False))
    assert y.shape == (1, 32, 32, 1)
    assert np.isfinite(y).all()
    assert open_model().digest == stored.digest


def test_bundled_model_is_small_enough_to_ship():
    from importlib import resources

    folder = resources.files("hrgldd_core.models") / "bundled"
    assert sum(len(f.read_bytes()) for f in folder.iterdir() if f.is_file()) < 6e6
