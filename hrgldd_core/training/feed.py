"""Batches on their way into Keras' fit."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from hrgldd_core.ahead import in_order
from hrgldd_core.models.backend import keras
from hrgldd_core.training.batches import TrainingBatches

__all__ = ["feed"]

_AHEAD = 2


@contextmanager
def feed(batches: TrainingBatches) -> Iterator[Any]:
    """Batches in the form that the backend takes fastest, in their order, made ahead.

    Under TensorFlow Keras (3.15) makes tensors of a `PyDataset`'s arrays while the model waits: a
    `tf.data.Dataset` that fetches ahead costs nothing, as long as its threads and its tuning do
    not compete with the model's.

    Args:
        batches: asked for ``workers`` batches at a time, from threads.

    Raises:
        Exception: the one that making a batch ended with, not TensorFlow's account of it.
    """
    if keras.backend.backend() != "tensorflow":
        yield batches
        return
    failed: list[Exception] = []

    def made_ahead() -> Iterator[Any]:
        with ThreadPoolExecutor(batches.workers) as pool:
            numbers = range(batches.num_batches)
            try:
                yield from in_order(
                    lambda number: pool.submit(batches.__getitem__, number),
                    numbers,
                    ahead=batches.workers,
                )
            except Exception as error:
                failed.append(error)
                raise

    try:
        yield _tensors(made_ahead, batches)
    except Exception:
        if failed:
            raise failed[0] from None
        raise


def _tensors(made_ahead: Any, batches: TrainingBatches) -> Any:
    import tensorflow as tf

    def signature(array: Any) -> Any:
        return tf.TensorSpec(array.shape, array.dtype)

    shapes = tf.nest.map_structure(signature, batches[0])
    dataset = tf.data.Dataset.from_generator(made_ahead, output_signature=shapes)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(batches.num_batches))
    options = tf.data.Options()
    options.autotune.enabled = False
    options.threading.private_threadpool_size = 1
    return dataset.prefetch(_AHEAD).with_options(options)
