"""Res U-Net (Zhang et al. 2018; paper, section 4.1.2)."""

from __future__ import annotations

from hrgldd_core.models.backend import keras
from hrgldd_core.models.blocks import residual_block
from hrgldd_core.models.family import Settings, u_shaped

__all__ = ["build"]


def build(settings: Settings) -> keras.Model:
    """U-Net with residual blocks."""
    return u_shaped("res_unet", settings, block=residual_block)
