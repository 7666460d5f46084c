"""Columns of a landslide inventory."""

from __future__ import annotations

__all__ = ["COLUMNS", "SHAPEFILE_NAMES"]

COLUMNS: dict[str, str] = {
    "id": "identifier within this inventory, by falling area",
    "area_m2": "geodesic area on WGS 84, square metres",
    "perimeter_m": "geodesic length of the outer outline, without holes, metres",
    "length_m": "longer side of the smallest enclosing rectangle, metres",
    "width_m": "shorter side of the smallest enclosing rectangle, metres",
    "prob_mean": "mean of its pixels' probability, calibrated at best on other places",
    "prob_max": "largest probability of its pixels",
    "scene_id": "scene (or scenes, separated by spaces) that its pixels are from",
    "acquired": "acquisition time of the (earliest) scene, UTC",
    "acquired_last": "acquisition time of the latest scene, UTC",
    "edge": "touches the border of the image or AOI, cloud or nodata: may go on there",
    "model_id": "model and version",
    "threshold": "probability from which a pixel counts as landslide",
    "method": "how it was made",
}

# dBASE allows ten characters.
SHAPEFILE_NAMES = {"perimeter_m": "perim_m", "acquired_last": "acq_last"}
