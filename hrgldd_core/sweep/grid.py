"""Grids: a recipe, and the values that some of its fields take."""

from __future__ import annotations

import itertools
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hrgldd_core import storage
from hrgldd_core.errors import InputError
from hrgldd_core.findings import nearest, refusal
from hrgldd_core.models.registry import check_name
from hrgldd_core.training.recipe import Recipe, field_names, read_recipe

__all__ = ["GRIDS", "Grid", "read_grid"]

GRIDS = ("paper",)


class Grid(BaseModel):
    """What ``--grid`` says: every combination of the axes' values is a run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    recipe: str = Field("default", description="named recipe or YAML file that the runs share")
    changes: dict[str, Any] = Field({}, description="fields of the recipe that differ in all runs")
    axes: dict[str, list[Any]] = Field({}, description="fields of the recipe and their values")
    of_model: dict[str, dict[str, Any]] = Field(
        {}, description="fields of the recipe that differ in the runs of a model"
    )

    def recipes(self) -> list[Recipe]:
        """One a run, in the order of the axes, the last changing fastest; duplicates once.

        A field of a nested group is named with a dot: ``augmentation.zoom``.

        Raises:
            InputError: for an unknown field, with the nearest match, or an impossible value.
        """
        base = read_recipe(self.recipe)
        for model, changes in self.of_model.items():
            check_name(model)
            if both := set(changes) & {"model", *self.axes}:
                raise InputError(
                    f"of_model cannot change {', '.join(sorted(both))}", where=f"grid {self.name}"
                )
        for name in [*self.changes, *self.axes, *itertools.chain(*self.of_model.values())]:
            _check_field(name, self.name)
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
        model = values.get("model", self.changes.get("model", base.model))
        own = self.of_model.get(str(model), {})
        for name, value in {**self.changes, **own, **values}.items():
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
            raise refusal(error, where=f"grid {self.name}", known=field_names()) from None
        check_name(recipe.model)
        return recipe


def read_grid(name: str) -> Grid:
    """A named grid, or a YAML file by its path or URI.

    Raises:
        InputError: when it is neither, or says something impossible.
    """
    if name in GRIDS:
        text = (resources.files("hrgldd_core.sweep") / f"{name}.yaml").read_bytes()
    elif "://" in name or Path(name).is_file():
        text = storage.read_bytes(name)
    else:
        raise InputError(
            f"no grid {name!r}", remedy=f"Choose {' or '.join(GRIDS)}, or give a YAML file"
        )
    try:
        given = yaml.safe_load(text)
        grid = Grid(**given)
    except (yaml.YAMLError, TypeError) as error:
        raise InputError(f"is not a grid ({' '.join(str(error).split())})", where=name) from None
    except ValidationError as error:
        raise refusal(error, where=f"grid {name}", known=Grid.model_fields) from None
    if not grid.axes:
        raise InputError(
            "has no axes: nothing differs between runs",
            where=f"grid {name}",
            remedy="Give axes, such as axes: {learning_rate: [1.0e-3, 5.0e-4]}, "
            "or train one model with `hrgldd train`",
        )
    return grid


def _check_field(name: str, grid: str) -> None:
    """Refuse what is no field of a recipe."""
    known = field_names()
    if name not in known:
        raise InputError(
            f"{name!r} is no field of a recipe",
            where=f"grid {grid}",
            remedy=nearest(name, known) or f"Choose one of: {', '.join(known)}",
        )
