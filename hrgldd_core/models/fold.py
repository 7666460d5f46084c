"""Batch normalisation folded into the convolutions before it: fewer operations, same results."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hrgldd_core.models.store import StoredModel

if TYPE_CHECKING:
    import keras

__all__ = ["folded"]

_CONVOLUTION, _NORMALISATION = "_conv", "_bn"


def folded(stored: StoredModel, *, policy: str | None = None) -> keras.Model:
    """A stored model to infer with: each batch normalisation is part of its convolution.

    In inference a batch normalisation is an affine map of each channel, and so is what the
    convolution before it ends with: scaled kernels and a bias do both. Exact up to rounding.

    Args:
        stored: any architecture of the family, with or without batch normalisation.
        policy: Keras' dtype policy of the result, such as ``mixed_bfloat16``; float32 otherwise.

    Returns:
        Model from (n, y, x, band) to (n, y, x, 1), with the calibration.

    Raises:
        InputError: when the weights are not those of the architecture.
    """
    trained = stored.load()
    plain = stored.spec.model_copy(update={"batch_norm": False, "dropout": 0.0})
    model = plain.build(policy=policy)
    layers = {layer.name: layer for layer in trained.layers}
    for target in model.layers:
        if not target.weights:
            continue
        kernel, *rest = layers[target.name].get_weights()
        name = target.name.removesuffix(_CONVOLUTION) + _NORMALISATION
        if name in layers:
            normalisation = layers[name]
            gamma, beta, mean, variance = (
                w.astype(np.float64) for w in normalisation.get_weights()
            )
            scale = gamma / np.sqrt(variance + normalisation.epsilon)
            # Output channels are the last axis of a kernel, of `UpsampledConv2D` too.
            kernel, rest = kernel * scale, [beta - mean * scale]
        target.set_weights([w.astype(np.float32) for w in (kernel, *rest)])
    return model
