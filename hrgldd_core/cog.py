"""Rasters as cloud optimised GeoTIFFs, the same way everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rasterio.shutil import copy as raster_copy

__all__ = ["COG_BLOCK", "copy_as_cog"]

COG_BLOCK = 512
"""Side of a block, pixels."""

# Of probabilities: half the time of GDAL's 6, for 9 % more bytes.
_LEVEL = 3


def copy_as_cog(source: Any, path: Path, *, overviews: str, **options: Any) -> None:
    """Copy a raster, losslessly, to a local COG with overviews.

    Args:
        source: a path, or a rasterio dataset opened for reading.
        path: where to write.
        overviews: how GDAL resamples them: ``AVERAGE`` for quantities, ``MODE`` or ``NEAREST`` for
            classes and bits.
        options: further ones of GDAL's COG driver.
    """
    raster_copy(
        source,
        str(path),
        driver="COG",
        COMPRESS="DEFLATE",
        LEVEL=_LEVEL,
        BLOCKSIZE=COG_BLOCK,
        BIGTIFF="IF_SAFER",
        OVERVIEW_RESAMPLING=overviews,
        NUM_THREADS="ALL_CPUS",
        **options,
    )
