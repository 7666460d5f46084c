"""The plain U-Net of the paper (section 4.1): four levels down, four up, skips concatenated."""

from __future__ import annotations

from hrgldd_core.models.backend import keras, layers
from hrgldd_core.models.blocks import conv_block, upsample

__all__ = ["build_unet"]

_LEVELS = 4


def build_unet(
    *, bands: int, filters: int, batch_norm: bool = False, dropout: float = 0.0
) -> keras.Model:
    """U-Net for (y, x, band) patches of any size divisible by 16.

    Args:
        bands: number of input bands.
        filters: filters of the first level; each level doubles them.
        batch_norm: batch normalisation after each convolution (the paper has none).
        dropout: spatial dropout inside the blocks of the two deepest levels (the paper has none).

    Returns:
        Model from (n, y, x, band) normalised values to (n, y, x, 1) landslide probability.
    """
    inputs = layers.Input((None, None, bands), name="image")
    x, skips = inputs, []
    for level in range(_LEVELS):
        rate = dropout if level == _LEVELS - 1 else 0.0
        x = conv_block(
            x, filters << level, batch_norm=batch_norm, dropout=rate, name=f"down{level}"
        )
        skips.append(x)
        x = layers.MaxPooling2D(2, name=f"down{level}_pool")(x)
    x = conv_block(x, filters << _LEVELS, batch_norm=batch_norm, dropout=dropout, name="bottleneck")
    for level in reversed(range(_LEVELS)):
        x = upsample(x, filters << level, batch_norm=batch_norm, name=f"up{level}_expand")
        x = layers.Concatenate(name=f"up{level}_skip")([skips[level], x])
        x = conv_block(x, filters << level, batch_norm=batch_norm, dropout=0.0, name=f"up{level}")
    # float32 whatever the precision policy: probabilities near 0 and 1 need the digits.
    outputs = layers.Conv2D(1, 1, activation="sigmoid", dtype="float32", name="probability")(x)
    return keras.Model(inputs, outputs, name="unet")
