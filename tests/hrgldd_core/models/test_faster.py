"""The faster layers compute what Keras' own compute: values, gradients, moving statistics."""

import numpy as np
import pytest

from hrgldd_core.models.backend import keras, layers, ops
from hrgldd_core.models.faster import FusedBatchNormalization, UpsampledConv2D


@pytest.fixture
def policy():
    before = keras.config.dtype_policy()
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy(before)


def values_and_gradients(layer, x, weights):
    """Output of a training step, gradients of its weighted sum by input and weights."""
    import tensorflow as tf

    given = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(given)
        y = tf.cast(layer(given, training=True), tf.float32)
        total = tf.reduce_sum(y * weights)
    trained = [v.value for v in layer.trainable_variables]
    return [np.asarray(y), *(np.asarray(g) for g in tape.gradient(total, [given, *trained]))]


@pytest.mark.parametrize("channels", [16, 12])
@pytest.mark.parametrize(("precision", "rounding"), [("float32", 1e-5), ("mixed_bfloat16", 1e-2)])
def test_batch_normalisation_trains_as_that_of_keras(policy, precision, rounding, channels):
    policy(precision)
    rng = np.random.default_rng(0)
    x = rng.normal(3, 2, (4, 12, 10, channels)).astype(np.float32)
    weights = rng.normal(size=x.shape).astype(np.float32)
    found = []
    for kind in (layers.BatchNormalization, FusedBatchNormalization):
        layer = kind(momentum=0.9)
        layer.build(x.shape)
        layer.gamma.assign(np.linspace(0.5, 2, channels))
        layer.beta.assign(np.linspace(-1, 1, channels))
        both = values_and_gradients(layer, x, weights)
        found.append([*both, np.asarray(layer.moving_mean), np.asarray(layer.moving_variance)])
    for name, theirs, ours in zip(
        ("y", "dx", "dgamma", "dbeta", "mean", "variance"), *found, strict=True
    ):
        scale = np.abs(theirs).max()
        np.testing.assert_allclose(ours, theirs, atol=rounding * scale, err_msg=name)
    # The variance of a batch of 480 differs from a sample's by 1/480: not taken for one another.
    np.testing.assert_allclose(found[1][5], found[0][5], rtol=3e-4)


def test_batch_normalisation_infers_with_the_moving_statistics():
    x = np.random.default_rng(1).normal(size=(2, 4, 4, 8)).astype(np.float32)
    layer = FusedBatchNormalization()
    layer(x, training=True)
    mean, variance = np.asarray(layer.moving_mean), np.asarray(layer.moving_variance)
    expected = (x - mean) / np.sqrt(variance + layer.epsilon)
    np.testing.assert_allclose(np.asarray(layer(x)), expected, atol=1e-5)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("size", [(6, 4), (1, 7)])
def test_upsampled_convolution_is_upsampling_and_convolution(bias, size):
    rng = np.random.default_rng(2)
    x = rng.normal(size=(2, *size, 3)).astype(np.float32)
    ours = UpsampledConv2D(5, 3, padding="same", use_bias=bias)
    plain = layers.Conv2D(5, 3, padding="same", use_bias=bias)
    ours.build(x.shape)
    plain.build(x.shape)
    weights = [rng.normal(size=w.shape) for w in plain.get_weights()]
    ours.set_weights(weights)
    plain.set_weights(weights)
    expected = plain(layers.UpSampling2D(2)(x))
    np.testing.assert_allclose(np.asarray(ours(x)), np.asarray(expected), atol=1e-5)
    assert ours.compute_output_shape(x.shape) == tuple(expected.shape)


def test_upsampled_convolution_trains_as_the_plain_one():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(2, 5, 6, 3)).astype(np.float32)
    weights = rng.normal(size=(2, 10, 12, 4)).astype(np.float32)
    kernel = rng.normal(size=(3, 3, 3, 4))
    ours = UpsampledConv2D(4, 3, padding="same", use_bias=False)
    ours.build(x.shape)
    ours.set_weights([kernel])
    plain = keras.Sequential(
        [layers.UpSampling2D(2), layers.Conv2D(4, 3, padding="same", use_bias=False)]
    )
    plain(x)
    plain.set_weights([kernel])
    for mine, theirs in zip(
        values_and_gradients(ours, x, weights), values_and_gradients(plain, x, weights), strict=True
    ):
        np.testing.assert_allclose(mine, theirs, atol=1e-3)


def test_the_models_are_made_of_them():
    from hrgldd_core.models.registry import build_model

    model = build_model("unet", bands=3, filters=4, batch_norm=True)
    assert sum(isinstance(layer, FusedBatchNormalization) for layer in model.layers) == 22
    assert sum(isinstance(layer, UpsampledConv2D) for layer in model.layers) == 4
    assert ops.shape(model(np.zeros((1, 32, 48, 3), np.float32))) == (1, 32, 48, 1)
