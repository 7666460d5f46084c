"""Vector helpers in pixel coordinates (column, row): tapered ribbons and their coverage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from rasterio import features
from scipy import ndimage
from shapely.geometry.base import BaseGeometry

from hrgldd_core.synthetic.noise import FloatArray

__all__ = [
    "Points",
    "arc_length",
    "box",
    "burn",
    "coverage",
    "normals",
    "ribbon",
    "rotate",
    "wobble",
]

Points = npt.NDArray[np.float64]


def ribbon(points: Points, radius: npt.NDArray[np.floating]) -> BaseGeometry:
    """The area swept by a disc of varying radius along a polyline of two points or more.

    Args:
        points: (n, 2) column and row.
        radius: (n,) pixels.
    """
    pieces = shapely.linestrings(np.stack([points[:-1], points[1:]], axis=1))
    swept = shapely.union_all(shapely.buffer(pieces, (radius[:-1] + radius[1:]) / 2, quad_segs=4))
    geometry: BaseGeometry = swept.simplify(0.15)
    return geometry


def arc_length(points: Points) -> npt.NDArray[np.float64]:
    """Distance along the polyline to each of its points, pixels."""
    steps = np.hypot(*np.diff(points, axis=0).T)
    return np.concatenate([[0.0], np.cumsum(steps)])


def normals(points: Points) -> Points:
    """Unit vector across the polyline at each of its points: (n, 2)."""
    tangent = np.gradient(points, axis=0)
    tangent /= np.maximum(np.hypot(*tangent.T), 1e-6)[:, None]
    across: Points = tangent[:, ::-1] * (-1, 1)
    return across


def wobble(rng: np.random.Generator, count: int, *, scale: float) -> npt.NDArray[np.float64]:
    """Smooth noise along a line: (count,), standard deviation about 1, ``scale`` points long."""
    noise = ndimage.gaussian_filter1d(rng.standard_normal(count), scale, mode="reflect")
    smooth: npt.NDArray[np.float64] = noise * np.sqrt(2 * scale * np.sqrt(np.pi))
    return smooth


def box(center: npt.ArrayLike, size: npt.ArrayLike, angle: float) -> npt.NDArray[np.float64]:
    """Corners (4, 2) of a rectangle of ``size`` (width, height) turned by ``angle`` radians."""
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) / 2 * np.asarray(size)
    placed: npt.NDArray[np.float64] = rotate(corners, angle) + np.asarray(center)
    return placed


def rotate(points: npt.NDArray[np.float64], angle: float) -> npt.NDArray[np.float64]:
    """Points (n, 2) or (2,) turned about the origin, from columns towards rows, by radians."""
    turn = np.array([(np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))])
    turned: npt.NDArray[np.float64] = points @ turn
    return turned


def burn(
    geometries: Sequence[BaseGeometry], values: Sequence[int], shape: tuple[int, int]
) -> npt.NDArray[np.int32]:
    """Value of the last geometry that holds each pixel's centre, 0 where none: (y, x)."""
    pairs = [(g, v) for g, v in zip(geometries, values, strict=True) if not g.is_empty]
    if not pairs:
        return np.zeros(shape, np.int32)
    burned: npt.NDArray[np.int32] = features.rasterize(pairs, out_shape=shape, dtype="int32")
    return burned


def coverage(geometries: Sequence[BaseGeometry], shape: tuple[int, int]) -> FloatArray:
    """Share of each pixel that the geometries cover, in steps of 1/4: (y, x)."""
    present = [g for g in geometries if not g.is_empty]
    if not present:
        return np.zeros(shape, np.float32)
    fine: npt.NDArray[Any] = features.rasterize(
        present,
        out_shape=(2 * shape[0], 2 * shape[1]),
        transform=(0.5, 0, 0, 0, 0.5, 0),
        dtype="uint8",
    )
    quarters = fine.reshape(shape[0], 2, shape[1], 2).sum(axis=(1, 3), dtype=np.uint8)
    share: FloatArray = quarters.astype(np.float32) / 4
    return share
