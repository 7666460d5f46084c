"""Recipes: everything about a training run, as data."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from hrgldd_core.errors import InputError
from hrgldd_core.findings import refusal
from hrgldd_core.normalise import Normalisation
from hrgldd_core.training.augment import Augmentation

__all__ = ["RECIPES", "Recipe", "field_names", "read_recipe"]

RECIPES = ("default", "paper")

_SHARES = ("colour", "confusers")


class Recipe(BaseModel):
    """A training run but for its data."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    name: str = Field(description="for people")
    model: str = Field("unet", description="architecture")
    filters: int = Field(16, gt=0, description="filters of the first level")
    batch_norm: bool = Field(False, description="after each convolution")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of features")
    normalisation: Normalisation = Field(Normalisation(), description="of the values")
    augmentation: Augmentation = Field(Augmentation(), description="strengths of random changes")
    loss: Literal[
        "cross_entropy",
        "dice",
        "dice_cross_entropy",
        "focal_tversky",
        "tversky",
        "tversky_cross_entropy",
    ] = Field("dice", description="of the full-size output")
    optimizer: Literal["adam", "adamw"] = Field("adam", description="with or without decay")
    learning_rate: float = Field(5e-4, gt=0, description="largest")
    schedule: Literal["constant", "cosine"] = Field("constant", description="of the learning rate")
    weight_decay: float = Field(0.0, ge=0, description="of adamw")
    batch_size: int = Field(16, gt=0, description="patches a step")
    epochs: int = Field(20, gt=0, description="at most")
    steps_per_epoch: int | None = Field(None, gt=0, description="null: once through the patches")
    balance: float = Field(0.0, ge=0, le=1, description="0 draws patches alike, 1 sites alike")
    generated: float = Field(0.0, ge=0, lt=1, description="share of patches from synthetic scenes")
    precision: Literal["auto", "float32", "mixed_bfloat16"] = Field(
        "float32",
        description="of the computation; weights are float32; auto: bfloat16 if the device has it",
    )
    ema: float = Field(0.0, ge=0, lt=1, description="momentum of averaged weights; 0: not averaged")
    keep: Literal["best", "last"] = Field("best", description="epoch, by what is monitored")
    monitor: Literal["loss", "f1"] = Field("loss", description="of validation; F1 at its best")
    calibrate: bool = Field(True, description="fit temperature and bias on validation")
    patience: int | None = Field(
        None, gt=0, description="epochs without improvement before stopping; null: all epochs"
    )
    seed: int = Field(0, ge=0, description="of all that chance decides")
    split_seed: int | None = Field(
        None, ge=0, description="of the held-back patches; null: the seed"
    )

    @field_validator("augmentation")
    @classmethod
    def _possible(cls, value: Augmentation) -> Augmentation:
        for name, strength in vars(value).items():
            most = 1 if name in _SHARES else float("inf")
            if not 0 <= strength <= most or (name == "local" and strength == 1):
                raise ValueError(f"{name} cannot be {strength:g}")
        return value

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
        text = (resources.files("hrgldd_core.training") / "recipes" / f"{name}.yaml").read_bytes()
    elif Path(name).is_file():
        text = Path(name).read_bytes()
    else:
        raise InputError(
            f"no recipe {name!r}", remedy=f"Choose {' or '.join(RECIPES)}, or give a YAML file"
        )
    try:
        given = yaml.safe_load(text)
        return Recipe(**{**given, **{k: v for k, v in changes.items() if v is not None}})
    except (yaml.YAMLError, TypeError) as error:
        raise InputError(f"is not a recipe ({' '.join(str(error).split())})", where=name) from None
    except ValidationError as error:
        raise refusal(error, where=f"recipe {name}", known=field_names()) from None


def field_names() -> tuple[str, ...]:
    """All fields of a recipe; those of a nested group with a dot: ``augmentation.zoom``."""
    names: list[str] = []
    for field, value in Recipe(name="").model_dump(mode="json").items():
        names += [f"{field}.{part}" for part in value] if isinstance(value, dict) else [field]
    return tuple(names)
