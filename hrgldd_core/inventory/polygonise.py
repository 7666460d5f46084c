"""Probability raster to landslide polygons with their attributes, one scene at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from odc.geo.geobox import GeoBox
from rasterio.features import shapes
from scipy import ndimage

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

__all__ = ["ScenePolygons", "polygonise"]

_EIGHT = np.ones((3, 3), bool)


@dataclass(frozen=True)
class ScenePolygons:
    """Polygons of one scene, all sizes.

    Attributes:
        frame: geometry in the scene's CRS; columns ``prob_mean``, ``prob_max``, ``pixels``,
            ``edge``, ``scene_id``, ``acquired``.
    """

    frame: GeoDataFrame


def polygonise(
    probability: npt.NDArray[np.float32],
    geobox: GeoBox,
    *,
    threshold: float,
    scene_id: str,
    acquired: datetime | None,
) -> ScenePolygons:
    """Outline the areas where the probability reaches the threshold.

    Pixels that touch at a corner belong together; outlines follow pixel edges, so areas are exact.

    Args:
        probability: (y, x), NaN where not mapped.
        geobox: its grid.
        threshold: of the probability.
        scene_id: recorded with each polygon.
        acquired: recorded with each polygon.
    """
    import geopandas as gpd
    import shapely

    seen = np.isfinite(probability)
    # Stored probabilities are steps of 1/250: half a step keeps a threshold on a step inclusive.
    mask = seen & (np.nan_to_num(probability) >= threshold - 1e-6)
    labels, count = ndimage.label(mask, _EIGHT)
    index = np.arange(1, count + 1)
    outlines = np.empty(count, dtype=object)
    for outline, label in shapes(labels, mask=mask, connectivity=8, transform=geobox.affine):
        outlines[int(label) - 1] = shapely.geometry.shape(outline)
    valid = shapely.make_valid(outlines, method="structure", keep_collapsed=False)
    beside_unseen = ndimage.binary_dilation(~np.pad(seen, 1), _EIGHT)[1:-1, 1:-1]
    on_edge = np.isin(index, np.unique(labels[mask & beside_unseen]))
    values = np.nan_to_num(probability)
    frame = gpd.GeoDataFrame(
        {
            "prob_mean": np.atleast_1d(ndimage.mean(values, labels, index)).astype(float),
            "prob_max": np.atleast_1d(ndimage.maximum(values, labels, index)).astype(float),
            "pixels": np.bincount(labels.ravel(), minlength=count + 1)[1:],
            "edge": on_edge,
            "scene_id": np.full(count, scene_id, dtype=object),
            "acquired": [acquired] * count,
        },
        geometry=valid,
        crs=str(geobox.crs),
    )
    return ScenePolygons(frame)
