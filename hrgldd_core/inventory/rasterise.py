"""Landslide polygons to labels on a scene's grid, some rows at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from odc.geo.geobox import GeoBox

__all__ = ["polygons_on", "rasterise_aoi", "rasterise_rows"]

_AHEAD = 1


def polygons_on(
    polygons: npt.NDArray[np.object_], tree: Any, grid: GeoBox
) -> npt.NDArray[np.object_]:
    """The polygons whose bounds touch a grid, in their own order.

    Args:
        polygons: shapely polygons in the grid's CRS.
        tree: `shapely.STRtree` of them.
        grid: what they are wanted for.
    """
    import shapely

    (height, width), affine = grid.shape, grid.affine
    left, top = affine.c, affine.f
    right, bottom = left + width * affine.a, top + height * affine.e
    # A pixel more: with `all_touched` a polygon on the border counts.
    ahead = _AHEAD * affine.a
    found = tree.query(shapely.box(left - ahead, bottom - ahead, right + ahead, top + ahead))
    chosen: npt.NDArray[np.object_] = polygons[np.sort(found)]
    return chosen


def rasterise_rows(
    polygons: npt.NDArray[np.object_], grid: GeoBox, *, all_touched: bool = False
) -> npt.NDArray[np.uint8]:
    """Labels (y, x) of a grid: 1 where a pixel's centre lies in a polygon, 0 elsewhere.

    Args:
        polygons: shapely polygons in the grid's CRS.
        grid: a scene's grid, or some rows of it.
        all_touched: 1 for every pixel that a polygon touches.
    """
    labels = np.zeros(grid.shape, np.uint8)
    if len(polygons):
        _burn(_outlines(polygons), grid, labels, all_touched=all_touched)
    return labels


def rasterise_aoi(outline: dict[str, Any], grid: GeoBox) -> npt.NDArray[np.bool_]:
    """(y, x) whether each pixel of a grid touches an outline (GeoJSON, in the grid's CRS)."""
    burnt = np.zeros(grid.shape, np.uint8)
    _burn([outline], grid, burnt, all_touched=True)
    return burnt.view(bool)


def _burn(
    outlines: Iterable[dict[str, Any]],
    grid: GeoBox,
    out: npt.NDArray[np.uint8],
    *,
    all_touched: bool,
) -> None:
    from rasterio.features import rasterize

    rasterize(
        ((outline, 1) for outline in outlines),
        out=out,
        transform=grid.affine,
        all_touched=all_touched,
    )


def _outlines(polygons: npt.NDArray[np.object_]) -> Iterator[dict[str, Any]]:
    """GeoJSON of polygons, all coordinates taken out at once."""
    import shapely

    _, points, (ring_ends, polygon_ends) = shapely.to_ragged_array(polygons)
    x, y = points.T.tolist()
    # Tuples of numbers: the garbage collector would look at each list again and again.
    rings = [
        list(zip(x[start:stop], y[start:stop], strict=True))
        for start, stop in pairwise(ring_ends.tolist())
    ]
    for start, stop in pairwise(polygon_ends.tolist()):
        yield {"type": "Polygon", "coordinates": rings[start:stop]}
