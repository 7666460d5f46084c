"""Probability raster to landslide polygons with their attributes, one scene at a time."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from odc.geo.geobox import GeoBox
from rasterio.features import shapes
from scipy import ndimage

from hrgldd_core.mapping.probability import NODATA, SCALE, Levels, landslide

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

__all__ = ["polygonise"]

_EIGHT = np.ones((3, 3), bool)


def polygonise(
    levels: Levels,
    geobox: GeoBox,
    *,
    threshold: float,
    scene_id: str,
    acquired: datetime | None,
) -> GeoDataFrame:
    """Outline the areas where the probability reaches the threshold.

    Pixels that touch at a corner belong together; outlines follow pixel edges, so areas are exact.

    Args:
        levels: (y, x) probabilities as stored.
        geobox: its grid.
        threshold: of the probability.
        scene_id: recorded with each polygon.
        acquired: recorded with each polygon.

    Returns:
        Polygons of all sizes in the grid's CRS; columns ``prob_mean``, ``prob_max``, ``pixels``,
        ``edge``, ``scene_id``, ``acquired``.
    """
    import geopandas as gpd
    import shapely

    mask = landslide(levels, threshold)
    labels, count = ndimage.label(mask, _EIGHT)
    index = np.arange(1, count + 1)
    outlines = np.empty(count, dtype=object)
    for outline, label in shapes(labels, mask=mask, connectivity=8, transform=geobox.affine):
        outlines[int(label) - 1] = shapely.geometry.shape(outline)
    valid = shapely.make_valid(outlines, method="structure", keep_collapsed=False)
    beside_unseen = ndimage.binary_dilation(
        np.pad(levels == NODATA, 1, constant_values=True), _EIGHT
    )[1:-1, 1:-1]
    on_edge = np.isin(index, np.unique(labels[mask & beside_unseen]))
    return gpd.GeoDataFrame(
        {
            "prob_mean": np.atleast_1d(ndimage.mean(levels, labels, index)) / SCALE,
            "prob_max": np.atleast_1d(ndimage.maximum(levels, labels, index)) / SCALE,
            "pixels": np.bincount(labels.ravel(), minlength=count + 1)[1:],
            "edge": on_edge,
            "scene_id": np.full(count, scene_id, dtype=object),
            "acquired": [acquired] * count,
        },
        geometry=valid,
        crs=str(geobox.crs),
    )
