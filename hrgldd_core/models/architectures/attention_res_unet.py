"""Attention Res U-Net: residual blocks and attention gates (paper, section 4.1.4)."""

from __future__ import annotations

from hrgldd_core.models.backend import keras
from hrgldd_core.models.blocks import residual_block
from hrgldd_core.models.family import Settings, u_shaped

__all__ = ["build"]


def build(settings: Settings) -> keras.Model:
    """U-Net with residual blocks and attention gates."""
    return u_shaped("attention_res_unet", settings, block=residual_block, gates=True)
