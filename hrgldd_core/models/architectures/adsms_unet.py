"""Attention deeply supervised multi-scale U-Net (Abraham and Khan 2019; paper, section 4.1.5)."""

from __future__ import annotations

from hrgldd_core.models.backend import keras
from hrgldd_core.models.family import Settings, u_shaped

__all__ = ["build"]


def build(settings: Settings) -> keras.Model:
    """U-Net with attention gates, an input pyramid and, to train with, coarser outputs."""
    return u_shaped("adsms_unet", settings, gates=True, pyramid=True, coarse_outputs=True)
