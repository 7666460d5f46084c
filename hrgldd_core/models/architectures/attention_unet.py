"""Attention U-Net (Oktay et al. 2018; paper, section 4.1.3)."""

from __future__ import annotations

from hrgldd_core.models.backend import keras
from hrgldd_core.models.family import Settings, u_shaped

__all__ = ["build"]


def build(settings: Settings) -> keras.Model:
    """U-Net with attention gates over its skips."""
    return u_shaped("attention_unet", settings, gates=True)
