"""U-Net (Ronneberger et al. 2015; paper, section 4.1.1)."""

from __future__ import annotations

from hrgldd_core.models.backend import keras
from hrgldd_core.models.family import Settings, u_shaped

__all__ = ["build"]


def build(settings: Settings) -> keras.Model:
    """Four levels down, four up, skips concatenated."""
    return u_shaped("unet", settings)
