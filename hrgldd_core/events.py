"""An event: what happened, where and when."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Event"]


class Event(BaseModel):
    """Something that may have triggered landslides, and where to look for them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(description="for people, such as 'Vilangad debris flows, India, 2024'")
    bbox: tuple[float, float, float, float] = Field(
        description="area of interest: west, south, east, north in degrees (EPSG:4326)"
    )
    datetime: str = Field(description="dates of the images to use, A/B; .. leaves an end open")
    trigger: str = Field("", description="earthquake, rainfall, ...")
    synthetic: bool = Field(False, description="generated, not observed")
