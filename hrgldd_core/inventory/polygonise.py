"""Probability raster to landslide polygons with their attributes, window by window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from odc.geo.geobox import GeoBox

from hrgldd_core.inventory.areas import Areas, ReadLevels, ReadSources, find_areas
from hrgldd_core.inventory.components import TILE
from hrgldd_core.mapping.probability import SCALE

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

__all__ = ["SourceScene", "polygonise"]


@dataclass(frozen=True)
class SourceScene:
    """Where pixels are from.

    Attributes:
        id: of the scene.
        acquired: when, UTC; None where it is not known.
    """

    id: str
    acquired: datetime | None


def polygonise(
    read: ReadLevels,
    geobox: GeoBox,
    *,
    threshold: float,
    scenes: Sequence[SourceScene],
    sources: ReadSources | None = None,
    side: int = TILE,
) -> GeoDataFrame:
    """Outline the areas where the probability reaches the threshold.

    Pixels that touch at a corner belong together; outlines follow pixel edges, so areas are exact.
    Memory holds one tile, whatever the size of the raster.

    Args:
        read: gives the stored probabilities of rows and columns.
        geobox: grid of the raster.
        threshold: of the probability.
        scenes: what the raster was made from; one, or as ``sources`` numbers them from 1.
        sources: gives the scene of each pixel, when there are several.
        side: of a tile, pixels; the result does not depend on it.

    Returns:
        Valid polygons of all sizes in the grid's CRS; columns ``prob_mean``, ``prob_max``,
        ``pixels``, ``edge``, ``scene_id`` (several parted by spaces), ``acquired`` and
        ``acquired_last`` (earliest and latest of its pixels).
    """
    import geopandas as gpd

    areas = find_areas(read, geobox.shape, threshold=threshold, sources=sources, side=side)
    return gpd.GeoDataFrame(
        {
            "prob_mean": areas.total / np.maximum(areas.pixels, 1) / SCALE,
            "prob_max": areas.highest / SCALE,
            "pixels": areas.pixels,
            "edge": areas.edge,
            **_origins(areas, scenes, several=sources is not None),
        },
        geometry=_on_ground(areas.outlines, geobox),
        crs=str(geobox.crs),
    )


def _origins(areas: Areas, scenes: Sequence[SourceScene], *, several: bool) -> dict[str, Any]:
    """Scene ids and dates of each area."""
    count = len(areas.pixels)
    if not several:
        (only,) = scenes
        return {
            "scene_id": np.full(count, only.id, dtype=object),
            "acquired": [only.acquired] * count,
            "acquired_last": [only.acquired] * count,
        }
    starts = np.searchsorted(areas.sources[:, 0], np.arange(count + 1))
    names, earliest, latest = [], [], []
    for i in range(count):
        of = [scenes[n - 1] for n in areas.sources[starts[i] : starts[i + 1], 1]]
        names.append(" ".join(sorted(scene.id for scene in of)))
        known = [scene.acquired for scene in of if scene.acquired is not None]
        earliest.append(min(known, default=None))
        latest.append(max(known, default=None))
    return {
        "scene_id": np.array(names, dtype=object),
        "acquired": earliest,
        "acquired_last": latest,
    }


def _on_ground(outlines: npt.NDArray[np.object_], geobox: GeoBox) -> npt.NDArray[np.object_]:
    """Outlines in pixels to the grid's CRS, as GDAL computes coordinates."""
    import shapely

    a = geobox.affine

    def place(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.stack([a.c + points[:, 0] * a.a, a.f + points[:, 1] * a.e], axis=1)

    placed: npt.NDArray[np.object_] = np.asarray(shapely.transform(outlines, place), object)
    return placed
