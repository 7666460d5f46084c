"""A sweep, decided: its runs, each known by the hash of what it depends on."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from hrgldd_core import storage
from hrgldd_core.errors import InputError
from hrgldd_core.sweep.grid import read_grid
from hrgldd_core.training.identity import data_identity
from hrgldd_core.training.recipe import Recipe
from hrgldd_core.training.split import split_for_validation

__all__ = ["PRUNERS", "Run", "SweepPlan", "code_version", "plan_sweep", "read_plan", "shard_of"]

PRUNERS = ("none", "median", "halving")
"""Rules that end runs early."""

# What decides a training's result; the rest of the package may change without training anew.
_CODE = (
    "dataset/radiometry.py", "evaluation/calibration.py", "evaluation/threshold.py", "models",
    "normalise.py", "synthetic", "training",
)  # fmt: skip


class Run(BaseModel):
    """One training of a sweep."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(description="hash of recipe, data, code and pruning")
    recipe: Recipe


class SweepPlan(BaseModel):
    """Everything that has been decided before the first training."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    data: str = Field(description="URI of the patches")
    out: str
    axes: tuple[str, ...] = Field(description="fields in which the runs differ")
    prune: str = "none"
    runs: tuple[Run, ...]

    def folder(self, run: Run) -> str:
        """Where a run's model is."""
        return storage.join(self.out, "runs", run.id)


def plan_sweep(*, grid: str, data: str, out: str, prune: str = "none") -> SweepPlan:
    """Decide a sweep; nothing is written.

    Args:
        grid: named grid or YAML file.
        data: URI of the patches.
        out: folder or prefix of the result.
        prune: one of `PRUNERS`.

    Raises:
        InputError: for an unusable grid or data.
    """
    if prune not in PRUNERS:
        raise InputError(f"no pruner {prune!r}", remedy=f"Choose one of: {', '.join(PRUNERS)}")
    declared = read_grid(grid)
    recipes = declared.recipes()
    # Better one message here than the same of every run.
    for part in split_for_validation(data, 0)[:2]:
        part.check_all()
    known = data_identity(data)
    if prune != "none":
        from hrgldd_core.sweep.pruning import check_installed

        check_installed()
    runs = tuple(Run(id=_hash(recipe, known, prune), recipe=recipe) for recipe in recipes)
    return SweepPlan(
        name=declared.name, data=data, out=out, axes=tuple(declared.axes), prune=prune, runs=runs
    )


def read_plan(uri: str) -> SweepPlan:
    """A plan from where an earlier step left it."""
    return SweepPlan.model_validate_json(storage.read_bytes(uri))


def shard_of(plan: SweepPlan, shard: str) -> tuple[Run, ...]:
    """Runs of the I-th of N shards (``I/N``, I from 1); neighbours go to different shards.

    Raises:
        InputError: when it is no such thing.
    """
    number, _, count = shard.partition("/")
    if not (number.isdigit() and count.isdigit() and 1 <= int(number) <= int(count)):
        raise InputError(f"{shard!r} is no shard", remedy="Give I/N with I from 1 to N, like 2/8")
    return plan.runs[int(number) - 1 :: int(count)]


def _hash(recipe: Recipe, data: str, prune: str) -> str:
    what: dict[str, Any] = {
        # A name changes nothing.
        "recipe": recipe.model_dump(mode="json", exclude={"name"}),
        "data": data,
        "code": code_version(),
        "prune": prune,
    }
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]


@cache
def code_version() -> str:
    """Digest of the source that decides a training's result."""
    digest = hashlib.sha256()
    for name in _CODE:
        for source in _sources(resources.files("hrgldd_core") / name):
            digest.update(source)
    return digest.hexdigest()[:16]


def _sources(place: Traversable) -> list[bytes]:
    if place.is_file():
        return [place.read_bytes()] if place.name.endswith(".py") else []
    inside = sorted(place.iterdir(), key=lambda p: p.name)
    return [source for part in inside for source in _sources(part)]
