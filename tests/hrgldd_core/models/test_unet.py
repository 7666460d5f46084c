"""The architectures: shapes, sizes, names."""

from __future__ import annotations

import numpy as np
import pytest

from hrgldd_core.errors import InputError
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


@pytest.mark.parametrize(("height", "width"), [(16, 16), (48, 128), (16, 272)])
def test_any_size_divisible_by_16(height, width):
    model = build_model("unet", bands=3, filters=2)
    x = np.random.default_rng(0).normal(size=(2, height, width, 3)).astype(np.float32)
    y = np.asarray(model(x, training=False))
    assert y.shape == (2, height, width, 1)
    assert y.dtype == np.float32
    assert ((y > 0) & (y < 1)).all()


def test_batch_norm_and_dropout():
    model = build_model("unet", bands=3, filters=2, batch_norm=True, dropout=0.3)
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds.count("BatchNormalization") == kinds.count("Conv2D") - 1 == 22
    assert kinds.count("SpatialDropout2D") == 2
    plain = [type(layer).__name__ for layer in build_model("unet", bands=3, filters=2).layers]
    assert not {"BatchNormalization", "SpatialDropout2D"} & set(plain)
    for kind in ("MaxPooling2D", "UpSampling2D", "Concatenate"):
        assert plain.count(kind) == 4


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_every_registered_model_gives_probabilities(name):
    model = build_model(name, bands=4, filters=2)
    y = np.asarray(model(np.zeros((1, 32, 48, 4), np.float32), training=False))
    assert y.shape == (1, 32, 48, 1)


@pytest.mark.parametrize(
    ("name", "hint"), [("unett", "Did you mean 'unet'"), ("", "Choose one of")]
)
def test_unknown_name(name, hint):
    with pytest.raises(InputError, match=hint) as error:
        build_model(name, bands=3, filters=2)
    assert all(known in str(error.value) for known in MODEL_NAMES)
