"""What all five models are: an encoder, a decoder, skips between them, a probability at the end.

The paper (section 4.1) describes the models in words and figures; what it leaves open is said
where it is decided here, and listed in docs/models.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from hrgldd_core.models.backend import KerasTensor, keras, layers
from hrgldd_core.models.blocks import (
    Block,
    attention_gate,
    conv_block,
    scaled_input,
    upsample,
)

__all__ = ["LEVELS", "Settings", "u_shaped"]

LEVELS = 4
"""Times that the encoder halves the size: sides must be divisible by 2 ** LEVELS."""


@dataclass(frozen=True)
class Settings:
    """What every architecture can be asked for.

    Attributes:
        bands: number of input bands.
        filters: filters of the first level; each level doubles them.
        batch_norm: batch normalisation after each convolution.
        dropout: spatial dropout inside the blocks of the two deepest levels.
        deep_supervision: give the coarser probabilities too, if the architecture has them.
    """

    bands: int
    filters: int
    batch_norm: bool = False
    dropout: float = 0.0
    deep_supervision: bool = False


def u_shaped(
    name: str,
    settings: Settings,
    *,
    block: Block = conv_block,
    gates: bool = False,
    pyramid: bool = False,
    coarse_outputs: bool = False,
) -> keras.Model:
    """A model of the U-Net family.

    Args:
        name: of the model.
        settings: sizes and regularisation.
        block: the convolutions of a level.
        gates: attention over the skips of all levels but the finest.
        pyramid: the image, averaged to its size, enters each level of the encoder.
        coarse_outputs: probabilities at 1/2, 1/4 and 1/8 of the size too, to train with.

    Returns:
        Model from (n, y, x, band) normalised values, any sides divisible by 16, to (n, y, x, 1)
        landslide probability; with deep supervision to a list of it and the coarser ones.
    """
    s = settings
    image = layers.Input((None, None, s.bands), name="image")
    x, skips = image, []
    for level in range(LEVELS):
        filters = s.filters << level
        if pyramid and level:
            scaled = scaled_input(
                image, filters, level=level, batch_norm=s.batch_norm, name=f"input{level}"
            )
            x = layers.Concatenate(name=f"input{level}_join")([scaled, x])
        rate = s.dropout if level == LEVELS - 1 else 0.0
        x = block(x, filters, batch_norm=s.batch_norm, dropout=rate, name=f"down{level}")
        skips.append(x)
        x = layers.MaxPooling2D(2, name=f"down{level}_pool")(x)
    deepest = s.filters << LEVELS
    x = block(x, deepest, batch_norm=s.batch_norm, dropout=s.dropout, name="bottleneck")
    features: list[KerasTensor] = []
    for level in reversed(range(LEVELS)):
        filters, skip = s.filters << level, skips[level]
        if gates and level:
            skip = attention_gate(skip, x, filters, batch_norm=s.batch_norm, name=f"gate{level}")
        x = upsample(x, filters, batch_norm=s.batch_norm, name=f"up{level}_expand")
        x = layers.Concatenate(name=f"up{level}_skip")([skip, x])
        x = block(x, filters, batch_norm=s.batch_norm, dropout=0.0, name=f"up{level}")
        features.insert(0, x)
    outputs = [_probability(x, "probability")]
    if coarse_outputs and s.deep_supervision:
        outputs += [_probability(f, f"probability{i}") for i, f in enumerate(features[1:], 1)]
    return keras.Model(image, outputs if len(outputs) > 1 else outputs[0], name=name)


def _probability(x: KerasTensor, name: str) -> KerasTensor:
    # float32 whatever the precision policy: probabilities near 0 and 1 need the digits.
    return layers.Conv2D(1, 1, activation="sigmoid", dtype="float32", name=name)(x)
