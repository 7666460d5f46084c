"""What goes wrong in a training, as one message each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hrgldd_core.errors import InputError

__all__ = ["DivergedError", "OutOfMemoryError", "memory_limit"]

_SIGNS = ("RESOURCE_EXHAUSTED", "ResourceExhaustedError", "OOM when allocating", "out of memory")


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

    def __init__(self, batch_size: int) -> None:
        """Name the batch size to try."""
        smaller = batch_size // 2
        remedy = f"Try --batch-size {smaller}" if smaller else "Try fewer --filters"
        super().__init__(f"out of memory with a batch of {batch_size} patches", remedy=remedy)


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
