"""Grids: a recipe, and the values that some of its fields take."""

from __future__ import annotations

import difflib
import itertools
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hrgldd_core.errors import InputError
from hrgldd_core.models.registry import check_name
from hrgldd_core.training.recipe import Recipe, read_recipe

__all__ = ["GRIDS", "Grid", "read_grid"]

GRIDS = ("paper",)


class Grid(BaseModel):
    """What ``--grid`` says: every combination of the axes' values is a run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    recipe: str = Field("default", description="named recipe or YAML file that the runs share")
    changes: dict[str, Any] = Field({}, description="fields of the recipe that differ in all runs")
    axes: dict[str, list[Any]] = Field({}, description="fields of the recipe and their values")

    def recipes(self) -> list[Recipe]:
        """One a run, in the order of the axes, the last changing fastest; duplicates once.

        A field of a nested group is named with a dot: ``augmentation.zoom``.

        Raises:
            InputError: for an unknown field, with the nearest match, or an impossible value.
        """
        base = read_recipe(self.recipe)
        for name in [*self.changes, *self.axes]:
            _check_field(name, base, self.name)
        for name, values in self.axes.items():
            if not values:
                raise InputError(f"axis {name} has no values", where=f"grid {self.name}")
        found: dict[str, Recipe] = {}
        for combination in itertools.product(*self.axes.values()):
            recipe = self._recipe(base, dict(zip(self.axes, combination, strict=True)))
            found.setdefault(recipe.model_dump_json(), recipe)
        return list(found.values())

    def _recipe(self, base: Recipe, values: dict[str, Any]) -> Recipe:
        document = base.model_dump(mode="json")
        for name, value in {**self.changes, **values}.items():
            *groups, field = name.split(".")
            target = document
            for group in groups:
                target = target[group]
            target[field] = value
        # F1 of different held-back patches cannot be compared.
        if document["split_seed"] is None:
            document["split_seed"] = base.seed
        try:
            recipe = Recipe.model_validate(document)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            raise InputError(f"{field}: {first['msg']}", where=f"grid {self.name}") from None
        check_name(recipe.model)
        return recipe


def read_grid(name: str) -> Grid:
    """A named grid or a YAML file.

    Raises:
        InputError: when it is neither, or says something impossible.
    """
    if name in GRIDS:
        text = (resources.files("hrgldd_core.sweep") / f"{name}.yaml").read_text()
    elif Path(name).is_file():
        text = Path(name).read_text()
    else:
        raise InputError(
            f"no grid {name!r}", remedy=f"Choose {' or '.join(GRIDS)}, or give a YAML file"
        )
    try:
        given = yaml.safe_load(text)
        return Grid(**given)
    except (yaml.YAMLError, TypeError) as error:
        raise InputError(f"is not a grid ({error})", where=name) from None
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        near = difflib.get_close_matches(field, Grid.model_fields, 1)
        hint = f"Did you mean {near[0]!r}?" if near and field not in Grid.model_fields else ""
        raise InputError(f"{field}: {first['msg']}", where=f"grid {name}", remedy=hint) from None


def _check_field(name: str, recipe: Recipe, grid: str) -> None:
    """Refuse what is no field of a recipe."""
    known: list[str] = []
    for field, value in recipe.model_dump(mode="json").items():
        known += [f"{field}.{part}" for part in value] if isinstance(value, dict) else [field]
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        raise InputError(
            f"{name!r} is no field of a recipe",
            where=f"grid {grid}",
            remedy=f"Did you mean {near[0]!r}?" if near else f"Choose one of: {', '.join(known)}",
        )
