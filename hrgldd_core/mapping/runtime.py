"""Running a model over batches of windows, as fast as the machine does it."""

from __future__ import annotations

import importlib.util
import os
import threading
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from hrgldd_core.errors import InputError
from hrgldd_core.models.store import StoredModel

if TYPE_CHECKING:
    import keras

__all__ = [
    "Precision",
    "Runtime",
    "RuntimeName",
    "chosen_runtime",
    "keras_runtime",
    "open_runtime",
    "suggested_batch",
    "tensorflow_runtime",
]

Runtime = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]
"""(n, y, x, band) normalised values to (n, y, x) landslide probability; from any thread."""

RuntimeName = Literal["tensorflow", "keras"]
Precision = Literal["float32", "bfloat16"]

# A window of 1024 fills a CPU; a GPU needs several to hide what is between its kernels.
_GPU_BATCH = 8
# Scenes of other sizes have windows of other sizes; each is traced for itself.
_SHAPES = 8


def chosen_runtime(name: str = "auto") -> RuntimeName:
    """What ``auto`` is here: TensorFlow, unless Keras was told another backend.

    Raises:
        InputError: when it is unknown or not installed.
    """
    if name not in ("auto", "tensorflow", "keras"):
        raise InputError(f"no runtime {name!r}", remedy="Choose auto, tensorflow or keras")
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    if name == "keras" or (name == "auto" and backend != "tensorflow"):
        return "keras"
    if backend != "tensorflow":
        raise InputError(
            f"Keras' backend is {backend} (KERAS_BACKEND)", remedy="Use --runtime keras"
        )
    if importlib.util.find_spec("tensorflow") is None:
        raise InputError("TensorFlow is not installed", remedy="Install hrgldd[cpu] or hrgldd[gpu]")
    return "tensorflow"


def open_runtime(
    stored: StoredModel, *, name: RuntimeName = "tensorflow", precision: Precision = "float32"
) -> Runtime:
    """A model ready to run.

    Raises:
        InputError: when it cannot be loaded.
    """
    make = tensorflow_runtime if name == "tensorflow" else keras_runtime
    return make(stored, precision=precision)


def keras_runtime(stored: StoredModel, *, precision: Precision = "float32") -> Runtime:
    """The model in Keras, on any backend."""
    from hrgldd_core.models.backend import keras

    model = _folded(stored, precision)
    if keras.backend.backend() == "tensorflow":
        # Keras compiles with XLA unless told not to, which on CPU halves the speed.
        model.compile(jit_compile=False)
    return lambda x: np.asarray(model.predict_on_batch(x), np.float32)[..., 0]


def tensorflow_runtime(stored: StoredModel, *, precision: Precision = "float32") -> Runtime:
    """The model as one TensorFlow graph whose weights are constants, without XLA."""
    from hrgldd_core.models.backend import keras

    if keras.backend.backend() != "tensorflow":
        raise InputError(
            f"Keras' backend is {keras.backend.backend()}", remedy="Use --runtime keras"
        )
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    model = _folded(stored, precision)

    tracing = threading.Lock()

    # Keras' bilinear upsampling cannot be traced for sides that are not known.
    @lru_cache(maxsize=_SHAPES)
    def graph(height: int, width: int) -> Callable[[tf.Tensor], list[tf.Tensor]]:
        forward = tf.function(
            lambda x: model(x, training=False)[..., 0],
            input_signature=[
                tf.TensorSpec((None, height, width, len(stored.spec.bands)), tf.float32)
            ],
            jit_compile=False,
        )
        # What depends on weights alone (kernels of `UpsampledConv2D`, casts) is computed once.
        frozen: Callable[[tf.Tensor], list[tf.Tensor]] = convert_variables_to_constants_v2(
            forward.get_concrete_function()
        )
        return frozen

    def run(x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        with tracing:
            forward = graph(*x.shape[1:3])
        (probability,) = forward(tf.constant(x))
        return np.asarray(probability, np.float32)

    return run


def _folded(stored: StoredModel, precision: Precision) -> keras.Model:
    from hrgldd_core.models.fold import folded

    return folded(stored, policy="float32" if precision == "float32" else "mixed_bfloat16")


def suggested_batch() -> int:
    """Windows at a time that fill the device that Keras' backend uses."""
    from hrgldd_core.models.backend import keras

    return _GPU_BATCH if keras.distribution.list_devices("gpu") else 1
