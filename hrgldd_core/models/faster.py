"""Keras' layers, computed in fewer operations; weights and results are the same to rounding."""

from __future__ import annotations

from typing import Any

import numpy as np

from hrgldd_core.models.backend import keras, layers, ops

__all__ = ["FusedBatchNormalization", "UpsampledConv2D"]

_VECTOR = 16

# (4, 3): to which of four taps of a transposed convolution each of three goes, along one axis.
_AXIS = np.array([[0, 0, 1], [0, 1, 1], [1, 1, 0], [1, 0, 0]], np.float32)
_SPREAD = np.kron(_AXIS, _AXIS)


class UpsampledConv2D(layers.Conv2D):  # type: ignore[misc]
    """A 3x3 convolution of the features repeated to twice their size.

    Of the nine pixels under the kernel only four differ. So the 3x3 weights are summed into the
    4x4 kernel of a transposed convolution, which does 4/9 of the multiplications and never makes
    the larger features.
    """

    def call(self, inputs: Any) -> Any:
        """(n, 2y, 2x, filters) of features (n, y, x, channel)."""
        _, _, channels, filters = self.kernel.shape
        taps = ops.cast(ops.reshape(self.kernel, (9, channels * filters)), inputs.dtype)
        spread = ops.reshape(ops.matmul(ops.cast(_SPREAD, taps.dtype), taps), (4, 4, channels, -1))
        spread = ops.transpose(spread, (0, 1, 3, 2))
        x = ops.conv_transpose(inputs, spread, strides=2, padding="same")
        return ops.add(x, ops.cast(self.bias, x.dtype)) if self.use_bias else x

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """Twice as high and wide."""
        n, height, width, _ = input_shape
        return n, *(None if side is None else 2 * side for side in (height, width)), self.filters


class FusedBatchNormalization(layers.BatchNormalization):  # type: ignore[misc]
    """Batch normalisation whose training step is one operation on TensorFlow.

    Keras 3 trains with a chain of elementwise operations in float32, which take longer than the
    convolutions between them (docs/decisions/0008-faster-layers.md).
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """(n, y, x, channel) features, normalised."""
        if not training or not self.trainable or keras.backend.backend() != "tensorflow":
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        # The CPU's kernel takes ten times as long for bfloat16 unless channels fill its vectors.
        fits = inputs.shape[-1] % _VECTOR == 0
        fused = tf.raw_ops.FusedBatchNormV3(
            x=tf.cast(inputs, self.compute_dtype if fits else tf.float32),
            scale=tf.convert_to_tensor(self.gamma),
            offset=tf.convert_to_tensor(self.beta),
            mean=tf.constant([], tf.float32),
            variance=tf.constant([], tf.float32),
            epsilon=self.epsilon,
            is_training=True,
        )
        # The kernel divides by n - 1 as a sample's variance does; Keras keeps that of the batch.
        count = tf.cast(tf.size(inputs) / tf.shape(inputs)[-1], tf.float32)
        variance = fused.batch_variance * ((count - 1) / count)
        for moving, batch in (
            (self.moving_mean, fused.batch_mean),
            (self.moving_variance, variance),
        ):
            moving.assign(moving * self.momentum + batch * (1 - self.momentum))
        return tf.cast(fused.y, self.compute_dtype)
