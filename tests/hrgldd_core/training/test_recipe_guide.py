"""The guide's tables of a recipe's fields are those of the model that checks recipes."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

import annotated_types
import pytest

from hrgldd_core.training.losses import LOSSES
from hrgldd_core.training.recipe import RECIPES, Recipe, field_names, read_recipe
from tests.support import ROOT

GUIDE = ROOT / "docs/training.md"
LIMITS = {
    annotated_types.Gt: "> {0.gt:g}", annotated_types.Ge: "≥ {0.ge:g}",
    annotated_types.Lt: "< {0.lt:g}", annotated_types.Le: "≤ {0.le:g}",
}  # fmt: skip


def values(annotation: Any, limits: list[Any]) -> str:
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{v}`" for v in get_args(annotation))
    kinds = [k for k in get_args(annotation) or (annotation,) if k is not type(None)]
    name = {int: "whole number", float: "number", bool: "true, false", str: "text"}[kinds[0]]
    return " ".join([name, *(LIMITS[type(limit)].format(limit) for limit in limits)])


def row(name: str, field: Any) -> str:
    written = "null" if field.default is None else str(field.default).lower()
    default = "must be given" if field.is_required() else f"`{written}`"
    kind = values(field.annotation, field.metadata)
    return f"| `{name}` | {kind} | {default} | {field.description} |"


def test_every_field_is_in_the_guide_as_the_model_has_it():
    expected = [row(name, f) for name, f in Recipe.model_fields.items() if name not in GROUPS]
    text = GUIDE.read_text()
    for line in expected:
        assert line in text, f"{GUIDE.name} should say:\n" + "\n".join(expected)


def told(name: str, value: Any) -> str:
    written = {None: "null", True: "true", False: "false"}.get(value, value)
    return (
        "" if value == BASE[name] else f"`{written:g}`" if type(value) is float else f"`{written}`"
    )


def flat(recipe: Recipe) -> dict[str, Any]:
    document = recipe.model_dump(mode="json")
    groups = {f"{g}.{k}": v for g in GROUPS for k, v in document[g].items()}
    return {k: v for k, v in document.items() if k not in (*GROUPS, "name")} | groups


GROUPS = ("normalisation", "augmentation")
BASE = flat(Recipe(name=""))


def test_the_named_recipes_are_in_the_guide_as_they_are():
    default, paper = (flat(read_recipe(name)) for name in RECIPES)
    rows = [
        f"| `{name}` | {told(name, default[name])} | {told(name, paper[name])} |"
        for name in BASE
        if not default[name] == paper[name] == BASE[name]
    ]
    assert "\n".join(rows) in GUIDE.read_text(), "the guide should say:\n" + "\n".join(rows)


def test_fields_of_groups_are_in_the_guide():
    text = GUIDE.read_text()
    named = [name for name in field_names() if "." in name]
    assert len(named) > 8
    for name in named:
        assert f"`{name}`" in text


def test_every_loss_can_be_chosen():
    assert set(get_args(Recipe.model_fields["loss"].annotation)) == set(LOSSES)


@pytest.mark.parametrize("pattern", ["```yaml\n", "hrgldd sweep", "hrgldd train"])
def test_there_are_examples(pattern):
    assert pattern in GUIDE.read_text()
