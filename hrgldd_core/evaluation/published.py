"""The paper's own numbers, to stand beside ours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources

import yaml

__all__ = ["Published", "PublishedRow", "published"]


@dataclass(frozen=True)
class PublishedRow:
    """F1 of the paper's models in one row of its table, in the order of `Published.models`."""

    collection: int
    name: str
    f1: tuple[float, ...]


@dataclass(frozen=True)
class Published:
    """Where the numbers are from, and the numbers.

    Attributes:
        source: authors, year, table.
        doi: of the paper.
        how: how the paper computes them.
        models: names in the registry of models.
        rows: of the table.
    """

    source: str
    doi: str
    how: str
    models: tuple[str, ...]
    rows: tuple[PublishedRow, ...]


@cache
def published() -> Published:
    """The numbers of ``published.yaml``."""
    text = (resources.files("hrgldd_core.evaluation") / "published.yaml").read_text("utf-8")
    given = yaml.safe_load(text)
    rows = [PublishedRow(r["collection"], r["name"], tuple(r["f1"])) for r in given["rows"]]
    return Published(
        source=f"{given['authors']} {given['year']}, {given['table']}",
        doi=given["doi"],
        how=given["how"],
        models=tuple(given["models"]),
        rows=tuple(rows),
    )
