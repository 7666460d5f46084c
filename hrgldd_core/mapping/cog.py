"""Strips to cloud optimised GeoTIFFs, whole or not at all, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from hrgldd_core.cog import COG_BLOCK, check_cog, copy_as_cog, writing_below
from hrgldd_core.mapping.probability import NODATA, SCALE
from hrgldd_core.mapping.strips import Strip
from hrgldd_core.scenes import Coverage

__all__ = ["write_cogs"]

# GDAL's default block cache is a share of the machine's memory, not of the container's. This holds
# the blocks of a scene of 10 000 columns that two rows of windows share, and those written.
_CACHE_BYTES = 192 << 20


_DESCRIBED = {
    "probability": "landslide_probability",
    "coverage": "coverage",
    "uncertainty": "standard_deviation_of_landslide_probability",
}


def write_cogs(
    strips: Iterable[Strip], geobox: GeoBox, folder: Path, *, uncertain: bool = False
) -> tuple[dict[str, Path], dict[str, int]]:
    """Write probability, coverage and, where strips have it, uncertainty into a working folder.

    Args:
        strips: from top to bottom, together all of the grid.
        geobox: grid of all rasters.
        folder: where to work; the caller publishes the files from there.
        uncertain: the strips have an uncertainty.

    Returns:
        Each kind's path, and the number of pixels of each `Coverage` (lower case names).

    Raises:
        OutputError: when the folder's disk is full.
    """
    counts = np.zeros(len(Coverage), np.int64)
    # Of classes the nearest pixel: a fifth of the time of the most frequent, and fair to all.
    kinds = {"probability": "AVERAGE", "coverage": "NEAREST"}
    if uncertain:
        kinds["uncertainty"] = "AVERAGE"
    plain = {name: folder / f"{name}.plain.tif" for name in kinds}
    profile: dict[str, Any] = {
        "driver": "GTiff",
        "height": geobox.shape[0],
        "width": geobox.shape[1],
        "count": 1,
        "dtype": "uint8",
        "crs": str(geobox.crs),
        "transform": geobox.affine,
        # GDAL makes overviews of tiles in half the time that it needs with rows.
        "tiled": True,
        "blockxsize": COG_BLOCK,
        "blockysize": COG_BLOCK,
        "bigtiff": "if_safer",
    }
    with writing_below(folder), rasterio.Env(GDAL_CACHEMAX=_CACHE_BYTES):
        with ExitStack() as opened:
            rasters = {
                name: opened.enter_context(
                    rasterio.open(
                        path, "w", nodata=None if name == "coverage" else NODATA, **profile
                    )
                )
                for name, path in plain.items()
            }
            for name, raster in rasters.items():
                raster.set_band_description(1, _DESCRIBED[name])
                if name == "coverage":
                    raster.update_tags(1, **{f"class_{k.value}": k.name.lower() for k in Coverage})
                else:
                    raster.scales, raster.offsets = (1 / SCALE,), (0.0,)
            for strip in strips:
                window = Window(0, strip.top, geobox.shape[1], len(strip.coverage))
                for name, raster in rasters.items():
                    raster.write(getattr(strip, name)[None], window=window)
                counts += [np.count_nonzero(strip.coverage == k) for k in Coverage]
        paths = {name: folder / f"{name}.tif" for name in kinds}
        for name, resampling in kinds.items():
            copy_as_cog(str(plain[name]), paths[name], overviews=resampling)
            check_cog(paths[name], geobox)
            plain[name].unlink()
    return paths, {k.name.lower(): int(counts[k]) for k in Coverage}
