"""Polygons to one inventory: joined across UTM zones, measured, sifted, named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hrgldd_core.inventory.schema import COLUMNS

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

__all__ = ["Inventory", "build_inventory"]

METHOD = "automatic extraction (deep learning), not field checked"


@dataclass(frozen=True)
class Inventory:
    """A landslide inventory.

    Attributes:
        frame: EPSG:4326, the columns of `COLUMNS`, by falling area.
        specks: number of areas below the minimum area that were left out.
        specks_m2: their total area.
    """

    frame: GeoDataFrame
    specks: int
    specks_m2: float


def build_inventory(
    zones: Sequence[GeoDataFrame],
    *,
    min_area_m2: float,
    threshold: float,
    model_id: str,
    synthetic: bool = False,
) -> Inventory:
    """Join polygons that overlap between UTM zones, measure them, leave out specks.

    A landslide in the overlap of two zones becomes one polygon: the union of both outlines. Within
    a zone there are no overlaps: its scenes were combined pixel by pixel.

    Args:
        zones: polygons of each, as `polygonise` returns them.
        min_area_m2: smaller ones are specks: counted, not kept.
        threshold: recorded with each polygon.
        model_id: recorded with each polygon.
        synthetic: the images were generated; recorded with each polygon's method.
    """
    import geopandas as gpd
    import pandas as pd

    parts = [_measured(frame).assign(zone=i) for i, frame in enumerate(zones) if len(frame)]
    if not parts:
        return Inventory(_empty(), 0, 0.0)
    frame = gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), crs="EPSG:4326")
    frame = _joined(frame)
    small = frame["area_m2"] < min_area_m2
    specks, specks_m2 = int(small.sum()), float(frame.loc[small, "area_m2"].sum())
    frame = frame[~small].sort_values("area_m2", ascending=False, kind="stable", ignore_index=True)
    width = max(4, len(str(len(frame))))
    frame["id"] = [f"L{i:0{width}d}" for i in range(1, len(frame) + 1)]
    frame["model_id"], frame["threshold"] = model_id, threshold
    frame["method"] = f"SYNTHETIC images; {METHOD}" if synthetic else METHOD
    for column in ("area_m2", "perimeter_m", "length_m", "width_m"):
        frame[column] = frame[column].round(1)
    for column in ("prob_mean", "prob_max"):
        frame[column] = frame[column].round(3)
    for column in ("acquired", "acquired_last"):
        frame[column] = pd.to_datetime(frame[column], utc=True)
    return Inventory(frame[[*COLUMNS, "geometry"]], specks, specks_m2)


def _measured(frame: GeoDataFrame) -> GeoDataFrame:
    """The same polygons in EPSG:4326, with their sizes."""
    import shapely

    rectangles = shapely.minimum_rotated_rectangle(np.asarray(frame.geometry.array))
    corners = shapely.get_coordinates(rectangles).reshape(-1, 5, 2)
    sides = np.sort(np.linalg.norm(np.diff(corners[:, :3], axis=1), axis=-1), axis=-1)
    out: GeoDataFrame = frame.to_crs("EPSG:4326")
    out["area_m2"], out["perimeter_m"] = _geodesic_sizes(np.asarray(out.geometry.array))
    out["length_m"], out["width_m"] = sides[:, 1], sides[:, 0]
    return out


def _geodesic_sizes(
    polygons: npt.NDArray[np.object_],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """(n,) area in m2 and length of the outer outlines in m, of polygons in degrees."""
    import shapely
    from pyproj import Geod

    geod = Geod(ellps="WGS84")
    parts, of = shapely.get_parts(polygons, return_index=True)
    _, points, (rings, ends) = shapely.to_ragged_array(parts)
    lon, lat = np.ascontiguousarray(points.T)
    sizes = np.abs([geod.polygon_area_perimeter(lon[a:b], lat[a:b]) for a, b in pairwise(rings)])
    # Of each polygon the first ring is its outline, the others are holes.
    holes = np.setdiff1d(np.arange(len(sizes)), ends[:-1])
    sizes[holes] *= (-1, 0)
    owner = of[np.repeat(np.arange(len(parts)), np.diff(ends))]
    area, perimeter = (np.bincount(owner, weights=column).astype(np.float64) for column in sizes.T)
    return area, perimeter


def _joined(frame: GeoDataFrame) -> GeoDataFrame:
    """One polygon for those of different zones that overlap."""
    import geopandas as gpd
    import pandas as pd
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    zone = frame["zone"].to_numpy()
    if (zone == zone[0]).all():
        return frame
    left, right = frame.sindex.query(frame.geometry, predicate="intersects")
    across = zone[left] != zone[right]
    if not across.any():
        return frame
    left, right = left[across], right[across]
    links = coo_array((np.ones(len(left)), (left, right)), shape=(len(frame), len(frame)))
    _, group = connected_components(links, directed=False)
    sizes = np.bincount(group)
    alone = frame[sizes[group] == 1]
    rows: list[dict[str, Any]] = []
    for number in np.flatnonzero(sizes > 1):
        part = frame[group == number]
        rows.append(
            {
                "geometry": part.geometry.union_all(),
                "prob_mean": float(np.average(part["prob_mean"], weights=part["pixels"])),
                "prob_max": float(part["prob_max"].max()),
                "pixels": int(part["pixels"].max()),
                # What one zone cuts off another may show whole: cut only when cut in all.
                "edge": bool(part["edge"].all()),
                "scene_id": " ".join(sorted(set(" ".join(part["scene_id"]).split()))),
                "acquired": min((t for t in part["acquired"] if pd.notna(t)), default=None),
                "acquired_last": max(
                    (t for t in part["acquired_last"] if pd.notna(t)), default=None
                ),
            }
        )
    union = gpd.GeoDataFrame(rows, crs=frame.crs)
    union = _measured(union.to_crs(union.estimate_utm_crs()))
    return gpd.GeoDataFrame(pd.concat([alone, union], ignore_index=True), crs=frame.crs)


def _empty() -> GeoDataFrame:
    import geopandas as gpd
    import pandas as pd

    text = {"id", "scene_id", "model_id", "method"}
    columns: dict[str, Any] = {
        name: pd.Series(dtype="object" if name in text else "float64") for name in COLUMNS
    }
    columns["edge"] = pd.Series(dtype="bool")
    for column in ("acquired", "acquired_last"):
        columns[column] = pd.Series(dtype="datetime64[ns, UTC]")
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries([], crs="EPSG:4326"))
