"""A scene as the two files a PlanetScope order delivers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy.typing as npt
import rasterio

from hrgldd_core.synthetic.scene import SyntheticScene

__all__ = ["write_scene"]

_BANDS = ("blue", "green", "red", "nir")
_UDM2 = (
    "clear", "snow", "shadow", "haze_light", "haze_heavy", "cloud", "confidence", "udm1",
)  # fmt: skip
_TIFF = {
    "driver": "GTiff",
    "tiled": True,
    "blockxsize": 256,
    "blockysize": 256,
    "compress": "deflate",
}


def write_scene(scene: SyntheticScene, folder: Path, *, name: str) -> tuple[Path, Path]:
    """Write ``{name}_AnalyticMS_SR.tif`` and ``{name}_udm2.tif``, byte for byte repeatable.

    Args:
        scene: what to write.
        folder: made when missing.
        name: start of both file names.

    Returns:
        Paths of the reflectance and of the usable-data mask.
    """
    folder.mkdir(parents=True, exist_ok=True)
    reflectance = folder / f"{name}_AnalyticMS_SR.tif"
    mask = folder / f"{name}_udm2.tif"
    _write(reflectance, scene, scene.reflectance, _BANDS, nodata=0, predictor=2)
    _write(mask, scene, scene.udm2, _UDM2)
    return reflectance, mask


def _write(
    path: Path,
    scene: SyntheticScene,
    array: npt.NDArray[Any],
    descriptions: tuple[str, ...],
    **options: int,
) -> None:
    grid = {
        "count": len(array),
        "height": scene.geobox.shape[0],
        "width": scene.geobox.shape[1],
        "crs": str(scene.geobox.crs),
        "transform": scene.geobox.transform,
    }
    with rasterio.open(path, "w", dtype=array.dtype.name, **_TIFF, **grid, **options) as f:
        f.write(array)
        f.descriptions = descriptions
        f.update_tags(
            TIFFTAG_DATETIME=scene.datetime.strftime("%Y:%m:%d %H:%M:%S"),
            HRGLDD_SYNTHETIC="YES",
        )
