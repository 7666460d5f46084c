"""Recipes: everything about a training run, as data."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hrgldd_core.errors import InputError
from hrgldd_core.normalise import Normalisation
from hrgldd_core.training.augment import Augmentation

__all__ = ["RECIPES", "Recipe", "read_recipe"]

RECIPES = ("default", "paper")


class Recipe(BaseModel):
    """A training run but for its data."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    model: str = Field("unet", description="architecture")
    filters: int = Field(16, gt=0, description="filters of the first level")
    batch_norm: bool = False
    dropout: float = Field(0.0, ge=0, lt=1)
    normalisation: Normalisation = Normalisation()
    augmentation: Augmentation = Augmentation()
    loss: Literal["dice", "dice_cross_entropy"] = "dice"
    optimizer: Literal["adam", "adamw"] = "adam"
    learning_rate: float = Field(5e-4, gt=0, description="largest")
    schedule: Literal["constant", "cosine"] = "constant"
    weight_decay: float = Field(0.0, ge=0)
    batch_size: int = Field(16, gt=0)
    epochs: int = Field(20, gt=0)
    steps_per_epoch: int | None = Field(None, description="None: once through the patches")
    balance: float = Field(0.0, ge=0, le=1, description="0 draws patches alike, 1 sites alike")
    generated: float = Field(0.0, ge=0, lt=1, description="share of patches from synthetic scenes")
    precision: Literal["float32", "mixed_bfloat16"] = "float32"
    ema: float = Field(0.0, ge=0, lt=1, description="momentum of averaged weights; 0: not averaged")
    keep: Literal["best", "last"] = Field("best", description="epoch, by what is monitored")
    monitor: Literal["loss", "f1"] = Field("loss", description="of validation; F1 at its best")
    calibrate: bool = Field(True, description="fit temperature and bias on validation")
    patience: int | None = Field(None, description="epochs without improvement before stopping")
    seed: int = 0
    split_seed: int | None = Field(None, description="of the held-back patches; None: the seed")

    def model_fields_of_spec(self) -> dict[str, Any]:
        """What a model's specification takes over from its recipe."""
        return {
            "architecture": self.model,
            "filters": self.filters,
            "batch_norm": self.batch_norm,
            "dropout": self.dropout,
            "normalisation": self.normalisation,
        }


def read_recipe(name: str, **changes: Any) -> Recipe:
    """A named recipe or a YAML file, with the changes that are not None.

    Raises:
        InputError: when it is neither, or says something impossible.
    """
    if name in RECIPES:
        text = (resources.files("hrgldd_core.training") / "recipes" / f"{name}.yaml").read_text()
    elif Path(name).is_file():
        text = Path(name).read_text()
    else:
        raise InputError(
            f"no recipe {name!r}", remedy=f"Choose {' or '.join(RECIPES)}, or give a YAML file"
        )
    try:
        given = yaml.safe_load(text)
        return Recipe(**{**given, **{k: v for k, v in changes.items() if v is not None}})
    except (yaml.YAMLError, TypeError) as error:
        raise InputError(f"is not a recipe ({error})", where=name) from None
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{field}: {first['msg']}", where=f"recipe {name}") from None
