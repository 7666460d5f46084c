"""Probabilities of patches that are in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hrgldd_core.training.devices import jit_compile

if TYPE_CHECKING:
    import keras

__all__ = ["predict_patches"]


def predict_patches(
    model: keras.Model, inputs: npt.NDArray[np.float32], *, batch_size: int = 16
) -> npt.NDArray[np.float32]:
    """(N, y, x) probabilities of (N, y, x, band) normalised patches."""
    if model.predict_function is None:
        model.jit_compile = jit_compile()
    pad = -len(inputs) % batch_size
    # Whole batches only: another shape would be traced and compiled again.
    full = np.concatenate([inputs, inputs[:1].repeat(pad, axis=0)]) if pad else inputs
    parts = [
        model.predict_on_batch(full[i : i + batch_size])[..., 0]
        for i in range(0, len(full), batch_size)
    ]
    return np.concatenate(parts)[: len(inputs)]
