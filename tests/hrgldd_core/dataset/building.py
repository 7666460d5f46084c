"""Scenes and event files for the tests of building."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import rasterio.features
import shapely
import yaml
from rasterio.transform import from_origin

from tests.support import BGR, UTM, Done, hrgldd, texture, write_raster

__all__ = ["SIZE", "Place", "build", "layout", "masks"]

SIZE = 16


def masks(rows: int, columns: int, *, seed: int = 0, share: float = 1.0) -> npt.NDArray[np.uint8]:
    """(y, x) random landslides; of each patch of 16 pixels some or, by ``share``, none."""
    rng = np.random.default_rng(seed)
    mask = (rng.random((rows * SIZE, columns * SIZE)) < 0.2).astype(np.uint8)
    empty = rng.random((rows, columns)) >= share
    mask[np.kron(empty, np.ones((SIZE, SIZE), bool))] = 0
    return mask


def layout(patches: npt.NDArray[Any], columns: int) -> npt.NDArray[Any]:
    """Patches (n, y, x, ...) side by side, row by row, as one (y, x, ...) image."""
    n, height, width, *rest = patches.shape
    assert n % columns == 0
    grid = patches.reshape(n // columns, columns, height, width, *rest)
    return np.moveaxis(grid, 2, 1).reshape(n // columns * height, columns * width, *rest)


class Place:
    """A scene with its inventory and event file in a folder."""

    def __init__(
        self,
        folder: Path,
        name: str,
        mask: npt.NDArray[np.uint8],
        *,
        image: npt.NDArray[Any] | None = None,
        east: float = 363000,
        inventory_crs: str = UTM,
        seed: int = 0,
        raster: dict[str, Any] | None = None,
        **event: Any,
    ) -> None:
        self.folder, self.name, self.mask = folder, name, mask
        self.image = texture(mask.shape, seed=seed) if image is None else image
        grid = from_origin(east, 1305000, 3, 3)
        self.raster = write_raster(
            folder / f"{name}.tif", self.image, transform=grid, **(raster or {})
        )
        outlines = [
            shapely.geometry.shape(outline)
            for outline, _ in rasterio.features.shapes(mask, mask=mask > 0, transform=grid)
        ]
        frame = gpd.GeoDataFrame(geometry=outlines, crs=UTM).to_crs(inventory_crs)
        frame.to_file(folder / f"{name}.gpkg")
        self.entry = {
            "name": name,
            "scenes": [f"{name}.tif"],
            "bands": list(BGR[: len(self.image)]),
            "inventory": f"{name}.gpkg",
            **event,
        }
        self.file = folder / f"{name}.yaml"
        self.file.write_text(yaml.safe_dump(self.entry))


def build(out: Path, *places: Place, **options: Any) -> Done:
    """``hrgldd dataset build`` with patches of 16 pixels."""
    words = [w for place in places for w in ("--event", place.file)]
    chosen = {"size": SIZE, "block": 2, **options}
    for name, value in chosen.items():
        key = f"--{name.replace('_', '-')}"
        words += [key] if value is True else [key, value]
    return hrgldd("dataset", "build", *words, "--out", out, "--json")
