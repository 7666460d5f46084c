"""Scenes by UTM zone, and the grid on which those of a zone are put together."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping

from affine import Affine
from odc.geo.geobox import GeoBox

from hrgldd_core.grid import crs_of

__all__ = ["same_pixels", "zone_grid", "zones"]


def zones(grids: Mapping[str, GeoBox]) -> dict[str, dict[str, GeoBox]]:
    """Grids of scenes (by id), by CRS; both sorted."""
    found: dict[str, dict[str, GeoBox]] = {}
    for scene, grid in sorted(grids.items()):
        found.setdefault(str(grid.crs), {})[scene] = grid
    return dict(sorted(found.items()))


def zone_grid(grids: Mapping[str, GeoBox]) -> GeoBox:
    """Grid over all of a zone's grids, with the pixels that most of them have.

    Of equally common ones those of the first are taken.

    Args:
        grids: in one CRS, by scene.
    """
    common = Counter(_pixels(grid) for grid in grids.values()).most_common(1)[0][0]
    model = next(grid for grid in grids.values() if _pixels(grid) == common)
    size, x, y = model.affine.a, model.affine.c, model.affine.f
    extents = [grid.extent.boundingbox for grid in grids.values()]
    left = _whole((min(e.left for e in extents) - x) / size, math.floor)
    right = _whole((max(e.right for e in extents) - x) / size, math.ceil)
    top = _whole((y - max(e.top for e in extents)) / size, math.floor)
    bottom = _whole((y - min(e.bottom for e in extents)) / size, math.ceil)
    affine = Affine(size, 0, x + left * size, 0, -size, y - top * size)
    return GeoBox((bottom - top, right - left), affine, crs_of(model))


def same_pixels(one: GeoBox, other: GeoBox) -> bool:
    """Whether the pixels of two grids in one CRS coincide."""
    return _pixels(one) == _pixels(other)


def _pixels(grid: GeoBox) -> tuple[float, float, float]:
    """Size and phase of a grid's pixels, to a thousandth of a pixel."""
    a = grid.affine
    return (
        round(a.a, 6),
        round(a.c / a.a % 1, 3) % 1,
        round(a.f / a.a % 1, 3) % 1,
    )


def _whole(pixels: float, outer: Callable[[float], int]) -> int:
    """A number of pixels made whole; what is a rounding error away from whole is whole."""
    near = round(pixels)
    return near if abs(pixels - near) < 1e-3 else outer(pixels)
