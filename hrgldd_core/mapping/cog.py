"""Strips to cloud optimised GeoTIFFs, whole or not at all, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from hrgldd_core.cog import copy_as_cog
from hrgldd_core.mapping.probability import NODATA, SCALE
from hrgldd_core.mapping.strips import Strip
from hrgldd_core.scenes import Coverage

__all__ = ["write_cogs"]

# GDAL's default block cache is a share of the machine's memory, not of the container's. This holds
# the blocks of a scene of 15 000 columns that two rows of windows share.
_CACHE_BYTES = 128 << 20


def write_cogs(
    strips: Iterable[Strip], geobox: GeoBox, folder: Path
) -> tuple[Path, Path, dict[str, int]]:
    """Write ``probability.tif`` and ``coverage.tif`` into a working folder.

    Args:
        strips: from top to bottom, together all of the grid.
        geobox: grid of both rasters.
        folder: where to work; the caller publishes the two files from there.

    Returns:
        Both paths, and the number of pixels of each `Coverage` (lower case names).
    """
    counts = np.zeros(len(Coverage), np.int64)
    plain = {name: folder / f"{name}.plain.tif" for name in ("probability", "coverage")}
    profile: dict[str, Any] = {
        "driver": "GTiff",
        "height": geobox.shape[0],
        "width": geobox.shape[1],
        "count": 1,
        "dtype": "uint8",
        "crs": str(geobox.crs),
        "transform": geobox.affine,
        "bigtiff": "if_safer",
    }
    with rasterio.Env(GDAL_CACHEMAX=_CACHE_BYTES):
        with (
            rasterio.open(plain["probability"], "w", nodata=NODATA, **profile) as p,
            rasterio.open(plain["coverage"], "w", **profile) as c,
        ):
            p.scales, p.offsets = (1 / SCALE,), (0.0,)
            p.set_band_description(1, "landslide_probability")
            c.set_band_description(1, "coverage")
            c.update_tags(1, **{f"class_{k.value}": k.name.lower() for k in Coverage})
            for strip in strips:
                window = Window(0, strip.top, geobox.shape[1], len(strip.coverage))
                p.write(strip.probability, 1, window=window)
                c.write(strip.coverage, 1, window=window)
                counts += np.bincount(strip.coverage.ravel(), minlength=len(Coverage))
        paths = {}
        for name, resampling in (("probability", "AVERAGE"), ("coverage", "MODE")):
            paths[name] = folder / f"{name}.tif"
            copy_as_cog(str(plain[name]), paths[name], overviews=resampling)
            plain[name].unlink()
    tally = {k.name.lower(): int(counts[k]) for k in Coverage}
    return paths["probability"], paths["coverage"], tally
