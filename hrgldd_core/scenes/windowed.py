"""A scene's pixels on another grid, read by windows."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from odc.geo.geobox import GeoBox
from pyproj import Transformer

from hrgldd_core import storage
from hrgldd_core.scenes.model import Scene
from hrgldd_core.scenes.patience import DRIVER, again
from hrgldd_core.scenes.reader import SceneReader

__all__ = ["read_on_grid", "scene_type"]


def read_on_grid(
    scene: Scene, grid: GeoBox, *, fill: float, dtype: np.dtype[Any]
) -> npt.NDArray[Any]:
    """(band, y, x) of a grid: the pixel in which each centre lies, ``fill`` beyond the scene.

    Every centre is transformed, nothing is interpolated between some of them.

    Raises:
        InputError: when the data cannot be decoded or fetched.
    """
    found = np.full((len(scene.sources), *grid.shape), fill, dtype)
    if grid.crs == scene.geobox.crs:
        return _within_a_zone(scene, grid, found)
    rows, columns = _places(grid, scene.geobox)
    height, width = scene.geobox.shape
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    if not inside.any():
        return found
    rows, columns = (np.where(inside, at, 0) for at in (rows, columns))
    top, left = (int(at[inside].min()) for at in (rows, columns))
    bottom, right = (int(at.max()) + 1 for at in (rows, columns))
    with SceneReader(scene) as reader:
        image, _ = reader.read(slice(top, bottom), slice(left, right))
    found[:, inside] = image[rows[inside] - top, columns[inside] - left].T
    return found


def _within_a_zone(scene: Scene, grid: GeoBox, found: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The same where rows lie on rows and columns on columns."""
    a, b = grid.affine, scene.geobox.affine
    x = a.c + (np.arange(grid.width) + 0.5) * a.a
    y = a.f + (np.arange(grid.height) + 0.5) * a.e
    columns = np.floor((x - b.c) / b.a).astype(np.int64)
    rows = np.floor((y - b.f) / b.e).astype(np.int64)
    height, width = scene.geobox.shape
    down = np.flatnonzero((rows >= 0) & (rows < height))
    across = np.flatnonzero((columns >= 0) & (columns < width))
    if not len(down) or not len(across):
        return found
    # Both run in one direction: what is inside is one piece.
    part = slice(down[0], down[-1] + 1), slice(across[0], across[-1] + 1)
    rows, columns = rows[part[0]], columns[part[1]]
    with SceneReader(scene) as reader:
        read = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
        image, _ = reader.read(*read)
    chosen = image[rows - rows[0]][:, columns - columns[0]]
    found[:, part[0], part[1]] = np.moveaxis(chosen, -1, 0)
    return found


def _places(grid: GeoBox, source: GeoBox) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(y, x) row and column of the source in which each pixel's centre of a grid lies."""
    rows, columns = np.indices(grid.shape) + 0.5
    a, b = grid.affine, source.affine
    to_source = Transformer.from_crs(str(grid.crs), str(source.crs), always_xy=True)
    x, y = to_source.transform(a.c + columns * a.a, a.f + rows * a.e)
    columns, rows = (x - b.c) / b.a, (y - b.f) / b.e
    # What cannot be transformed is far away, not a number.
    rows, columns = (np.floor(np.nan_to_num(at, posinf=-1.0)) for at in (rows, columns))
    return rows.astype(np.int64), columns.astype(np.int64)


def scene_type(scene: Scene) -> np.dtype[Any]:
    """Type that holds the values of all bands."""

    def types() -> list[str]:
        found = []
        for source in scene.sources:
            with rasterio.open(storage.signed_path(source.path), driver=DRIVER) as dataset:
                found.append(dataset.dtypes[source.index - 1])
        return found

    return np.result_type(*again(types, *scene.paths))
