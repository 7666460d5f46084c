"""Layers that the U-Net family shares, written with Keras layers only (any backend)."""

from __future__ import annotations

from typing import Any

from hrgldd_core.models.backend import KerasTensor, layers

__all__ = ["conv_block", "upsample"]


def _convolve(x: KerasTensor, filters: int, *, batch_norm: bool, name: str) -> KerasTensor:
    initializer: Any = "glorot_normal"
    x = layers.Conv2D(
        filters,
        3,
        padding="same",
        kernel_initializer=initializer,
        use_bias=not batch_norm,
        name=f"{name}_conv",
    )(x)
    if batch_norm:
        x = layers.BatchNormalization(momentum=0.9, name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def conv_block(
    x: KerasTensor, filters: int, *, batch_norm: bool, dropout: float, name: str
) -> KerasTensor:
    """Two 3x3 convolutions, each with ReLU (paper, section 4.1)."""
    x = _convolve(x, filters, batch_norm=batch_norm, name=f"{name}_1")
    if dropout:
        x = layers.SpatialDropout2D(dropout, name=f"{name}_dropout")(x)
    return _convolve(x, filters, batch_norm=batch_norm, name=f"{name}_2")


def upsample(x: KerasTensor, filters: int, *, batch_norm: bool, name: str) -> KerasTensor:
    """2x2 upsampling followed by a learnable convolution (paper, section 4.1)."""
    x = layers.UpSampling2D(2, name=f"{name}_up")(x)
    return _convolve(x, filters, batch_norm=batch_norm, name=name)
