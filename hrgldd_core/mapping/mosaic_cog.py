"""Tiles of a mosaic to two cloud optimised GeoTIFFs, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from hrgldd_core.cog import COG_BLOCK, check_cog, copy_as_cog, writing_below
from hrgldd_core.inventory.components import Tile
from hrgldd_core.mapping.probability import NODATA, SCALE, Levels

__all__ = ["mosaic_cogs"]

_CACHE_BYTES = 64 << 20


def mosaic_cogs(
    composed: Iterable[tuple[Tile, Levels, npt.NDArray[np.uint16]]], grid: GeoBox, folder: Path
) -> tuple[Path, Path]:
    """Write ``probability.tif`` and ``source.tif`` into a folder; tiles left out hold no pixels.

    Args:
        composed: tile, its probabilities and sources; tiles start at multiples of 512 pixels.
        grid: of both.
        folder: where to write.
    """
    plain = {name: folder / f"{name}.plain.tif" for name in ("probability", "source")}
    profile: dict[str, Any] = {
        "driver": "GTiff",
        "height": grid.shape[0],
        "width": grid.shape[1],
        "count": 1,
        "crs": str(grid.crs),
        "transform": grid.affine,
        "tiled": True,
        "blockxsize": COG_BLOCK,
        "blockysize": COG_BLOCK,
        "compress": "deflate",
        "zlevel": 1,
        "sparse_ok": True,
        "bigtiff": "if_safer",
    }
    with writing_below(folder), rasterio.Env(GDAL_CACHEMAX=_CACHE_BYTES):
        with (
            rasterio.open(plain["probability"], "w", dtype="uint8", nodata=NODATA, **profile) as p,
            rasterio.open(plain["source"], "w", dtype="uint16", nodata=0, **profile) as s,
        ):
            p.scales, p.offsets = (1 / SCALE,), (0.0,)
            p.set_band_description(1, "landslide_probability")
            s.set_band_description(1, "source_scene")
            for tile, levels, source in composed:
                if source.any():
                    window = Window.from_slices(tile.rows, tile.columns)
                    p.write(levels, 1, window=window)
                    s.write(source, 1, window=window)
        paths = []
        for name, resampling in (("probability", "AVERAGE"), ("source", "NEAREST")):
            paths.append(folder / f"{name}.tif")
            copy_as_cog(str(plain[name]), paths[-1], overviews=resampling, SPARSE_OK=True)
            plain[name].unlink()
            check_cog(paths[-1], grid)
    return paths[0], paths[1]
