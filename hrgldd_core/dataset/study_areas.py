"""The study areas of the HR-GLDD paper, as far as they are known; see ``study_areas.yaml``."""

from __future__ import annotations

from datetime import date as Date  # noqa: N812 - a field is called date
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["StudyArea", "StudyAreas", "TableOne", "study_areas"]

_STRICT = ConfigDict(extra="forbid", frozen=True)


class TableOne(BaseModel):
    """A row of the paper's Table 1; None where it was not found."""

    model_config = _STRICT

    tiles: int | None = Field(None, ge=1)
    landslides: int | None = Field(None, ge=1)
    min_area_m2: float | None = Field(None, gt=0)
    max_area_m2: float | None = Field(None, gt=0)
    total_area_m2: float | None = Field(None, gt=0)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        areas = [self.min_area_m2, self.max_area_m2, self.total_area_m2]
        known = [area for area in areas if area is not None]
        if known != sorted(known):
            raise ValueError("smallest, largest and total area do not ascend")
        return self


class StudyArea(BaseModel):
    """Where an event triggered the landslides that were outlined."""

    model_config = _STRICT

    name: str = Field(min_length=1)
    country: str = Field(min_length=1)
    role: Literal["train", "unseen"] = Field(description="unseen: the paper's Collection 3")
    event: str | None = None
    date: Date | None = Field(None, description="of the event")
    trigger: Literal["earthquake", "rainfall"] | None = None
    table_1: TableOne


class StudyAreas(BaseModel):
    """What the paper says of all areas, and those that are known by name."""

    model_config = _STRICT

    source: str
    count: int = Field(description="areas in the paper; fewer may be listed here")
    trained: dict[Literal["earthquake", "rainfall"], int] = Field(
        description="areas that take part in training, by trigger"
    )
    regions: tuple[str, ...]
    pixel_m: float
    patch_px: int
    patches: dict[Literal["train", "val", "test"], int]
    areas: tuple[StudyArea, ...]

    @property
    def missing(self) -> int:
        """Areas of the paper that are not listed yet."""
        return self.count - len(self.areas)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [area.name for area in self.areas]
        if len(set(names)) < len(names) or len(names) > self.count:
            raise ValueError("areas are listed twice, or more than there are")
        return self


def study_areas() -> StudyAreas:
    """The study areas that come with the package."""
    text = Path(__file__).with_name("study_areas.yaml").read_text(encoding="utf-8")
    return StudyAreas.model_validate(yaml.safe_load(text))
