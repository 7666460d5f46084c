"""What may be chosen about a dataset; it holds for all of its patches."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["DatasetParameters"]


class DatasetParameters(BaseModel):
    """Choices of a build. A dataset has one set of them, whatever is added to it later."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bands: tuple[str, ...] = Field(description="common names, in order")
    size: int = Field(128, ge=16, le=1024, description="side of a patch, pixels")
    stride: int = Field(128, ge=1, description="pixels from one patch to the next")
    negatives: float = Field(0, ge=0, description="patches without a landslide for each with one")
    min_usable: float = Field(0.5, gt=0, le=1, description="least share of usable pixels")
    all_touched: bool = Field(False, description="label every pixel that a polygon touches")
    split: Literal["blocks", "random", "sites"] = "blocks"
    block: int = Field(4, ge=1, description="patches a side of a spatial block")
    seed: int = 0

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.size % 16:
            raise ValueError("size must be divisible by 16 (four levels of 2x2 pooling)")
        if len(set(self.bands)) != len(self.bands) or not self.bands:
            raise ValueError("bands must be given, each once")
        return self
