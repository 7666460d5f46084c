"""Folding batch normalisation away changes nothing but the last digits."""

from __future__ import annotations

import numpy as np
import pytest

from hrgldd_core.mapping.runtime import chosen_runtime, open_runtime
from hrgldd_core.models.backend import keras
from hrgldd_core.models.calibration import Calibration
from hrgldd_core.models.fold import folded
from hrgldd_core.models.registry import MODEL_NAMES, build_model
from hrgldd_core.models.store import ModelSpec, open_model, save_model


@pytest.fixture(params=MODEL_NAMES)
def stored(request, tmp_path):
    """A model whose batch normalisations have seen something."""
    rng = np.random.default_rng(5)
    keras.utils.set_random_seed(5)
    options = {"filters": 4, "batch_norm": True, "dropout": 0.1}
    model = build_model(request.param, bands=3, **options)
    for layer in model.layers:
        if layer.name.endswith("_bn"):
            shape = layer.gamma.shape
            layer.set_weights(
                [rng.uniform(0.5, 2, shape), rng.normal(0, 0.3, shape),
                 rng.normal(0, 0.3, shape), rng.uniform(0.3, 3, shape)]
            )  # fmt: skip
    spec = ModelSpec(
        id="t", version="1", architecture=request.param, bands=("blue", "green", "red"),
        threshold=0.5, calibration=Calibration(temperature=1.7, bias=0.2), **options,
    )  # fmt: skip
    save_model(model, spec, str(tmp_path / "model"))
    return open_model(str(tmp_path / "model"))


def test_outputs_are_equal(stored):
    x = np.random.default_rng(1).normal(size=(2, 48, 64, 3)).astype(np.float32)
    expected = np.asarray(stored.load()(x, training=False))[..., 0]
    assert np.ptp(expected) > 0.02
    model = folded(stored)
    assert not [layer for layer in model.layers if "normalization" in type(layer).__name__.lower()]
    for name in ("tensorflow", "keras"):
        np.testing.assert_allclose(open_runtime(stored, name=name)(x), expected, atol=2e-6)
    half = open_runtime(stored, precision="bfloat16")(x)
    assert half.dtype == np.float32
    assert 1e-6 < np.abs(half - expected).max() < 0.05


def test_what_auto_is(monkeypatch):
    assert chosen_runtime() == "tensorflow"
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert chosen_runtime() == "keras"
