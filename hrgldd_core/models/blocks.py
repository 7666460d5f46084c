"""Layers that the U-Net family shares, written with Keras layers only (any backend)."""

from __future__ import annotations

from typing import Any, Protocol

from hrgldd_core.models.backend import KerasTensor, layers
from hrgldd_core.models.faster import FusedBatchNormalization, UpsampledConv2D

__all__ = ["Block", "attention_gate", "conv_block", "residual_block", "scaled_input", "upsample"]


class Block(Protocol):
    """Two convolutions that keep the size of a feature map."""

    def __call__(
        self, x: KerasTensor, filters: int, *, batch_norm: bool, dropout: float, name: str
    ) -> KerasTensor:
        """Features (n, y, x, filters) of features (n, y, x, any)."""


def _convolve(
    x: KerasTensor,
    filters: int,
    size: int = 3,
    *,
    batch_norm: bool,
    name: str,
    strides: int = 1,
    relu: bool = True,
    kind: type[layers.Conv2D] = layers.Conv2D,
) -> KerasTensor:
    initializer: Any = "glorot_normal"
    x = kind(
        filters,
        size,
        strides=strides,
        padding="same",
        kernel_initializer=initializer,
        use_bias=not batch_norm,
        name=f"{name}_conv",
    )(x)
    if batch_norm:
        x = FusedBatchNormalization(momentum=0.9, name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x) if relu else x


def conv_block(
    x: KerasTensor, filters: int, *, batch_norm: bool, dropout: float, name: str
) -> KerasTensor:
    """Two 3x3 convolutions, each with ReLU (paper, section 4.1)."""
    x = _convolve(x, filters, batch_norm=batch_norm, name=f"{name}_1")
    if dropout:
        x = layers.SpatialDropout2D(dropout, name=f"{name}_dropout")(x)
    return _convolve(x, filters, batch_norm=batch_norm, name=f"{name}_2")


def residual_block(
    x: KerasTensor, filters: int, *, batch_norm: bool, dropout: float, name: str
) -> KerasTensor:
    """Two 3x3 convolutions around which the input goes, through a 1x1 convolution.

    The order is that of He et al. 2016 (ResNet v1): ReLU after the sum.
    """
    around = _convolve(x, filters, 1, batch_norm=batch_norm, name=f"{name}_around", relu=False)
    x = _convolve(x, filters, batch_norm=batch_norm, name=f"{name}_1")
    if dropout:
        x = layers.SpatialDropout2D(dropout, name=f"{name}_dropout")(x)
    x = _convolve(x, filters, batch_norm=batch_norm, name=f"{name}_2", relu=False)
    x = layers.Add(name=f"{name}_sum")([x, around])
    return layers.ReLU(name=f"{name}_relu")(x)


def attention_gate(
    skip: KerasTensor, signal: KerasTensor, filters: int, *, batch_norm: bool, name: str
) -> KerasTensor:
    """Additive attention (Oktay et al. 2018, equations 1 and 2) over a skip connection.

    Args:
        skip: (n, 2y, 2x, filters) features of the encoder.
        signal: (n, y, x, any) coarser features of the decoder, which say where to look.
        filters: of ``skip``, and of what comes back.
        batch_norm: batch normalisation after the convolutions.
        name: prefix of the layers.

    Returns:
        ``skip``, each pixel weighed between 0 and 1.
    """
    x = _convolve(
        skip, filters, 2, strides=2, batch_norm=batch_norm, relu=False, name=f"{name}_skip"
    )
    g = _convolve(signal, filters, 1, batch_norm=batch_norm, relu=False, name=f"{name}_signal")
    both = layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_sum")([x, g]))
    weight = layers.Conv2D(1, 1, activation="sigmoid", name=f"{name}_weight")(both)
    weight = layers.UpSampling2D(2, interpolation="bilinear", name=f"{name}_up")(weight)
    return layers.Multiply(name=f"{name}_gated")([skip, weight])


def scaled_input(
    image: KerasTensor, filters: int, *, level: int, batch_norm: bool, name: str
) -> KerasTensor:
    """The image averaged to the size of a level and convolved: one step of the input pyramid."""
    small = layers.AveragePooling2D(1 << level, name=f"{name}_scaled")(image)
    return _convolve(small, filters, batch_norm=batch_norm, name=name)


def upsample(x: KerasTensor, filters: int, *, batch_norm: bool, name: str) -> KerasTensor:
    """2x2 upsampling followed by a learnable convolution (paper, section 4.1)."""
    return _convolve(x, filters, batch_norm=batch_norm, name=name, kind=UpsampledConv2D)
