"""What goes wrong in a training, as one message each."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hrgldd_core.errors import InputError
from hrgldd_core.models.registry import build_model

if TYPE_CHECKING:
    from hrgldd_core.training.recipe import Recipe

__all__ = ["DivergedError", "OutOfMemoryError", "check_batch", "check_memory", "memory_limit"]

_SIGNS = ("RESOURCE_EXHAUSTED", "ResourceExhaustedError", "OOM when allocating", "out of memory")
# Share of the free memory that a suggested batch takes.
_FILLED = 0.75
_NARROW = 4


class DivergedError(InputError):
    """The loss is no longer a number."""

    def __init__(self, *, loss: float, epoch: int, step: int, learning_rate: float) -> None:
        """Say where it happened, and with what learning rate."""
        super().__init__(
            f"the loss became {loss:g} in epoch {epoch}, step {step}, "
            f"at a learning rate of {learning_rate:g}",
            remedy="Lower --learning-rate, or train in float32 if the recipe says mixed_bfloat16",
        )


class OutOfMemoryError(InputError):
    """A batch does not fit."""

    def __init__(
        self, batch_size: int, *, problem: str = "out of memory", smaller: int | None = None
    ) -> None:
        """Name the batch size to try: half of it, unless a better one is known."""
        smaller = batch_size // 2 if smaller is None else smaller
        remedy = f"Try --batch-size {smaller}" if smaller else "Try fewer --filters"
        super().__init__(f"{problem} with a batch of {batch_size} patches", remedy=remedy)


def check_batch(batch_size: int, patches: int, where: str) -> None:
    """Refuse a batch that would hold each patch more than once.

    Raises:
        InputError: with the largest batch.
    """
    if batch_size > patches:
        raise InputError(
            f"a batch of {batch_size} patches, and {patches} to train on",
            where=where,
            remedy=f"Try --batch-size {patches} or less",
        )


def check_memory(recipe: Recipe, shape: tuple[int, ...]) -> None:
    """Refuse a batch that this machine cannot hold, before Linux kills the process for it.

    Training keeps the output of every layer until the way back: measured on CPU, the sum of their
    sizes in float32 is right to within a quarter, for all five architectures. Of a narrow model,
    because a wide one may not even be built: outputs grow with the filters, weights with their
    square.

    Args:
        recipe: of the training.
        shape: (y, x, band) of a patch.

    Raises:
        OutOfMemoryError: with the batch size to try.
    """
    from hrgldd_core.memory import free_memory
    from hrgldd_core.models.backend import keras

    narrow = build_model(
        recipe.model,
        bands=shape[-1],
        filters=min(recipe.filters, _NARROW),
        batch_norm=recipe.batch_norm,
        dropout=recipe.dropout,
        deep_supervision=True,
    )
    probe = keras.Model(narrow.inputs, [layer.output for layer in narrow.layers])
    found = probe.compute_output_spec(keras.KerasTensor((1, *shape)))
    wider = recipe.filters / min(recipe.filters, _NARROW)
    each = wider * sum(4 * math.prod(tensor.shape) for tensor in keras.tree.flatten(found))
    # Weights, gradients and the optimizer's two moments.
    fixed = wider**2 * narrow.count_params() * 4 * 4
    free = free_memory()
    needed = fixed + recipe.batch_size * each
    if needed > free:
        raise OutOfMemoryError(
            recipe.batch_size,
            problem=f"{_gigabytes(free)} GB of memory are free, "
            f"about {_gigabytes(needed)} GB needed",
            smaller=max(0, int((_FILLED * free - fixed) / each)),
        )


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:,.1f}"


@contextmanager
def memory_limit(batch_size: int) -> Iterator[None]:
    """Turn what a framework raises when memory runs out into one message.

    TensorFlow's ResourceExhaustedError and JAX' XlaRuntimeError share no base class but Exception.

    Raises:
        OutOfMemoryError: with the batch size to try.
    """
    try:
        yield
    except MemoryError:
        raise OutOfMemoryError(batch_size) from None
    except Exception as error:
        if any(sign in f"{type(error).__name__}: {error}" for sign in _SIGNS):
            raise OutOfMemoryError(batch_size) from None
        raise
