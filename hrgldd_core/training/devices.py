"""Training on several accelerators, through the framework's own data parallelism."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hrgldd_core.errors import InputError

__all__ = ["data_parallel", "device_names", "jit_compile"]


def jit_compile() -> bool:
    """Whether XLA compiles: on CPU under TensorFlow, where it is Keras' default, it halves speed.

    JAX has nothing else; on a GPU it is faster under TensorFlow too.
    """
    from hrgldd_core.models.backend import keras

    return keras.backend.backend() != "tensorflow" or bool(device_names("gpu"))


def device_names(kind: str | None = None) -> list[str]:
    """Devices of a kind (``gpu``, ``cpu``), or the accelerators; the CPU where there are none."""
    from hrgldd_core.models.backend import keras

    return list(keras.distribution.list_devices(kind))


@contextmanager
def data_parallel(*, batch_size: int, devices: int | None = None) -> Iterator[int]:
    """Build and train models on several devices, each with its share of a batch; yields how many.

    On JAX a loss over all pixels of a batch is the same as on one device. TensorFlow's mirrored
    strategy takes the mean of the shares' losses, which is the same for a mean over pixels and
    nearly the same for an overlap such as Dice.

    Args:
        batch_size: of the training; must divide by the number of devices.
        devices: how many; None: all accelerators, one CPU.

    Raises:
        InputError: when there are fewer, or the batch does not divide.
    """
    from hrgldd_core.models.backend import keras

    names = device_names()
    count = devices or (1 if names and names[0].startswith("cpu") else len(names))
    if count > len(names):
        raise InputError(
            f"{count} devices asked for, {len(names)} found ({', '.join(names)})",
            remedy="Give fewer --devices",
        )
    if count > 1 and batch_size % count:
        raise InputError(
            f"a batch of {batch_size} patches cannot be shared by {count} devices",
            remedy=f"Choose a --batch-size that divides by {count}, or fewer --devices",
        )
    if count <= 1:
        yield 1
        return
    if keras.backend.backend() == "tensorflow":
        # keras.distribution has no implementation for TensorFlow (Keras 3.15).
        with _mirrored(names[:count]).scope():
            yield count
        return
    before = keras.distribution.distribution()
    mesh = keras.distribution.DataParallel(devices=names[:count], auto_shard_dataset=False)
    keras.distribution.set_distribution(mesh)
    try:
        yield count
    finally:
        keras.distribution.set_distribution(before)


def _mirrored(names: list[str]) -> Any:
    import tensorflow as tf

    return tf.distribute.MirroredStrategy([f"/{name}" for name in names])
