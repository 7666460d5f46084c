"""Running a model over batches of windows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from hrgldd_core.models.store import StoredModel

__all__ = ["Runtime", "keras_runtime"]

Runtime = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]
"""(n, y, x, band) normalised values to (n, y, x) landslide probability."""


def keras_runtime(stored: StoredModel) -> Runtime:
    """The model in Keras, float32.

    On CPU XLA makes it slower, hence a plain graph on the TensorFlow backend.
    """
    from hrgldd_core.models.backend import keras

    model = stored.load()
    if keras.backend.backend() != "tensorflow":
        return lambda x: np.asarray(model.predict_on_batch(x), np.float32)[..., 0]
    import tensorflow as tf

    @tf.function(
        input_signature=[tf.TensorSpec((None, None, None, len(stored.spec.bands)), tf.float32)],
        jit_compile=False,
    )
    def forward(x: tf.Tensor) -> tf.Tensor:
        return model(x, training=False)[..., 0]

    return lambda x: np.asarray(forward(tf.constant(x)), np.float32)
