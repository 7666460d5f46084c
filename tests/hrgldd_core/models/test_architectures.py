"""The architectures: shapes, sizes, names."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

from hrgldd_core.errors import InputError
from hrgldd_core.models.backend import keras
from hrgldd_core.models.registry import MODEL_NAMES, build_model


def parameters(bands, filters):
    """Weights of the paper's U-Net (section 4.1), counted layer by layer."""

    def conv(inputs, outputs, side=3):
        return side * side * inputs * outputs + outputs

    widths = [filters * 2**level for level in range(5)]
    total, inputs = 0, bands
    for width in widths:
        total += conv(inputs, width) + conv(width, width)
        inputs = width
    for width in reversed(widths[:-1]):
        # Upsampling's convolution, then a block on it and the skip connection together.
        total += conv(2 * width, width) + conv(2 * width, width) + conv(width, width)
    return total + conv(filters, 1, side=1)


@pytest.mark.parametrize(("bands", "filters"), [(4, 16), (4, 64), (3, 2)])
def test_parameters_are_those_of_the_paper(bands, filters):
    model = build_model("unet", bands=bands, filters=filters)
    assert model.count_params() == parameters(bands, filters)


def test_parameters_of_the_setting_that_the_paper_calls_best():
    # 4 bands, 16 first filters; by hand, level by level.
    down = 2_912 + 13_888 + 55_424 + 221_440
    up = 737_664 + 184_512 + 46_176 + 11_568
    assert parameters(4, 16) == down + 885_248 + up + 17 == 2_158_849


@pytest.mark.parametrize("name", MODEL_NAMES)
@pytest.mark.parametrize(("height", "width"), [(16, 16), (16, 272)])
def test_any_size_divisible_by_16(name, height, width):
    model = build_model(name, bands=3, filters=2)
    x = np.random.default_rng(0).normal(size=(2, height, width, 3)).astype(np.float32)
    y = np.asarray(model(x, training=False))
    assert y.shape == (2, height, width, 1)
    assert y.dtype == np.float32
    assert ((y > 0) & (y < 1)).all()


def test_batch_norm_and_dropout():
    model = build_model("unet", bands=3, filters=2, batch_norm=True, dropout=0.3)
    found = [type(layer).__name__ for layer in model.layers]
    convolutions = found.count("Conv2D") + found.count("UpsampledConv2D")
    assert found.count("FusedBatchNormalization") == convolutions - 1 == 22
    assert found.count("SpatialDropout2D") == 2
    plain = [type(layer).__name__ for layer in build_model("unet", bands=3, filters=2).layers]
    assert not {"FusedBatchNormalization", "SpatialDropout2D"} & set(plain)
    for kind in ("MaxPooling2D", "UpsampledConv2D", "Concatenate"):
        assert plain.count(kind) == 4


def kinds(name, **options):
    layers = build_model(name, bands=3, filters=2, **options).layers
    return Counter(type(layer).__name__ for layer in layers)


def test_what_tells_the_architectures_apart():
    assert MODEL_NAMES == (
        "adsms_unet",
        "attention_res_unet",
        "attention_unet",
        "res_unet",
        "unet",
    )
    counts = {name: kinds(name) for name in MODEL_NAMES}
    # Gates over three skips; around nine blocks; the image at three smaller sizes.
    assert {n: c["Multiply"] for n, c in counts.items() if c["Multiply"]} == {
        "adsms_unet": 3,
        "attention_res_unet": 3,
        "attention_unet": 3,
    }
    assert counts["res_unet"]["Add"] == 9
    assert counts["attention_res_unet"]["Add"] == 9 + 3
    assert {n for n, c in counts.items() if c["AveragePooling2D"]} == {"adsms_unet"}
    assert counts["adsms_unet"]["AveragePooling2D"] == 3


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_any_number_of_bands(name):
    model = build_model(name, bands=8, filters=2)
    y = np.asarray(model(np.zeros((1, 32, 48, 8), np.float32), training=False))
    assert y.shape == (1, 32, 48, 1)


def test_deep_supervision_gives_coarser_outputs_and_shares_the_weights(tmp_path):
    deep = build_model("adsms_unet", bands=3, filters=2, batch_norm=True, deep_supervision=True)
    x = np.random.default_rng(0).normal(size=(1, 64, 32, 3)).astype(np.float32)
    outputs = [np.asarray(y) for y in deep(x, training=False)]
    assert [y.shape[1:3] for y in outputs] == [(64, 32), (32, 16), (16, 8), (8, 4)]
    path = tmp_path / "a.weights.h5"
    keras.Model(deep.input, deep.outputs[0]).save_weights(path)
    plain = build_model("adsms_unet", bands=3, filters=2, batch_norm=True)
    plain.load_weights(path)
    np.testing.assert_array_equal(np.asarray(plain(x, training=False)), outputs[0])


def test_deep_supervision_changes_nothing_elsewhere():
    assert len(build_model("unet", bands=3, filters=2, deep_supervision=True).outputs) == 1


def test_a_residual_block_passes_its_input_on():
    model = build_model("res_unet", bands=3, filters=2)
    block = keras.Model(model.input, model.get_layer("down0_relu").output)
    for layer in ("down0_1_conv", "down0_2_conv"):
        weights = model.get_layer(layer).get_weights()
        model.get_layer(layer).set_weights([np.zeros_like(w) for w in weights])
    kernel, bias = model.get_layer("down0_around_conv").get_weights()
    x = np.random.default_rng(0).normal(size=(1, 16, 16, 3)).astype(np.float32)
    expected = np.maximum(x @ kernel[0, 0] + bias, 0)
    np.testing.assert_allclose(np.asarray(block(x)), expected, rtol=1e-5, atol=1e-6)


def test_a_closed_gate_lets_nothing_through():
    model = build_model("attention_unet", bands=3, filters=2)
    gate = model.get_layer("gate1_weight")
    kernel, bias = gate.get_weights()
    gated = keras.Model(model.input, model.get_layer("gate1_gated").output)
    x = np.random.default_rng(0).normal(size=(1, 32, 32, 3)).astype(np.float32)
    assert np.abs(np.asarray(gated(x))).max() > 1e-3
    gate.set_weights([np.zeros_like(kernel), np.full_like(bias, -50)])
    assert np.abs(np.asarray(gated(x))).max() < 1e-12


BACKENDS = """
import sys, numpy as np
from hrgldd_core.models.backend import keras
from hrgldd_core.models.registry import MODEL_NAMES, build_model
found = {}
for name in MODEL_NAMES:
    keras.utils.set_random_seed(1)
    model = build_model(name, bands=4, filters=4, batch_norm=True, dropout=0.1)
    rng = np.random.default_rng(2)
    model.set_weights(
        [
            rng.normal(0, (2 / w[..., 0].size) ** 0.5, w.shape)
            if w.ndim > 1
            else rng.uniform(0.5, 1.5, w.shape)
            for w in model.get_weights()
        ]
    )
    x = rng.normal(size=(2, 64, 48, 4)).astype(np.float32)
    found[name] = keras.ops.convert_to_numpy(model(x, training=False))
np.savez(sys.argv[1], backend=keras.backend.backend(), **found)
"""


def test_tensorflow_and_jax_give_equal_outputs(tmp_path):
    pytest.importorskip("jax")
    results = []
    for backend in ("tensorflow", "jax"):
        path = tmp_path / f"{backend}.npz"
        subprocess.run(
            [sys.executable, "-c", BACKENDS, path],
            check=True,
            env={**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"},
        )
        results.append(np.load(path))
        assert str(results[-1]["backend"]) == backend
    for name in MODEL_NAMES:
        tensorflow, jax = (r[name] for r in results)
        assert np.ptp(tensorflow) > 1e-3, name
        np.testing.assert_allclose(tensorflow, jax, atol=2e-4, err_msg=name)


@pytest.mark.parametrize(
    ("name", "hint"), [("unett", "Did you mean 'unet'"), ("", "Choose one of")]
)
def test_unknown_name(name, hint):
    with pytest.raises(InputError, match=hint) as error:
        build_model(name, bands=3, filters=2)
    assert all(known in str(error.value) for known in MODEL_NAMES)
