"""Models by name: each file of ``architectures`` is one."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from typing import TYPE_CHECKING

from hrgldd_core.errors import InputError
from hrgldd_core.models import architectures

if TYPE_CHECKING:
    import keras

__all__ = ["MODEL_NAMES", "build_model", "check_name"]

MODEL_NAMES = tuple(sorted(module.name for module in pkgutil.iter_modules(architectures.__path__)))


def check_name(name: str) -> None:
    """Refuse an unknown name, with the nearest match.

    Raises:
        InputError: when there is no such model.
    """
    if name not in MODEL_NAMES:
        near = difflib.get_close_matches(name, MODEL_NAMES, 1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        raise InputError(
            f"no model {name!r}", remedy=f"{hint}Choose one of: {', '.join(MODEL_NAMES)}"
        )


def build_model(
    name: str,
    *,
    bands: int,
    filters: int,
    batch_norm: bool = False,
    dropout: float = 0.0,
    deep_supervision: bool = False,
) -> keras.Model:
    """An untrained model from (n, y, x, band) to (n, y, x, 1) landslide probability.

    With ``deep_supervision`` an architecture that has coarser outputs gives a list, full size
    first; its weights but for those of the coarser outputs are those of the model without.

    Raises:
        InputError: for an unknown name, with the nearest match.
    """
    check_name(name)
    from hrgldd_core.models.family import Settings

    module = importlib.import_module(f"{architectures.__name__}.{name}")
    model: keras.Model = module.build(
        Settings(bands, filters, batch_norm, dropout, deep_supervision)
    )
    return model
