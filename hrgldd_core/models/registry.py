"""Models by name; adding one is one file and one line here."""

from __future__ import annotations

import difflib
import importlib
from typing import TYPE_CHECKING

from hrgldd_core.errors import InputError

if TYPE_CHECKING:
    import keras

__all__ = ["MODEL_NAMES", "build_model"]

_BUILDERS = {"unet": "hrgldd_core.models.unet:build_unet"}

MODEL_NAMES = tuple(sorted(_BUILDERS))


def build_model(
    name: str, *, bands: int, filters: int, batch_norm: bool = False, dropout: float = 0.0
) -> keras.Model:
    """An untrained model from (n, y, x, band) to (n, y, x, 1) landslide probability.

    Raises:
        InputError: for an unknown name, with the nearest match.
    """
    if name not in _BUILDERS:
        near = difflib.get_close_matches(name, MODEL_NAMES, 1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        raise InputError(
            f"no model {name!r}", remedy=f"{hint}Choose one of: {', '.join(MODEL_NAMES)}"
        )
    module, _, function = _BUILDERS[name].partition(":")
    build = getattr(importlib.import_module(module), function)
    return build(bands=bands, filters=filters, batch_norm=batch_norm, dropout=dropout)
