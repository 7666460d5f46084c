"""Pictures of a scene for the report."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image
from rasterio.enums import Resampling

from hrgldd_core.mapping.probability import NODATA, SCALE
from hrgldd_core.scenes import Coverage, Scene, SceneReader
from hrgldd_core.scenes.patience import open_patiently

__all__ = ["grey", "probability_overlay", "quicklook_size", "true_colour"]

_LONGEST = 1400
_RGB = ("red", "green", "blue")


def quicklook_size(scene: Scene) -> tuple[int, int]:
    """(width, height) in pixels, the part to map scaled to at most 1400 a side."""
    rows, columns = scene.target.shape
    factor = min(1.0, _LONGEST / max(rows, columns))
    return max(1, round(columns * factor)), max(1, round(rows * factor))


def true_colour(scene: Scene, coverage: str) -> bytes:
    """JPEG of the part to map: red, green, blue (or the first band in grey).

    Stretched for what was mapped: clouds would leave the ground black.

    Args:
        scene: the part to show.
        coverage: URI of its coverage COG.
    """
    bands: Sequence[str] = _RGB if set(_RGB) <= set(scene.bands) else scene.bands[:1]
    image = _read(scene, [scene.bands.index(band) for band in bands]).astype(np.float32)
    seen = (
        np.ones(image.shape[:2], bool)
        if scene.nodata is None
        else (image != scene.nodata).any(axis=-1)
    ) & np.isfinite(image).all(axis=-1)
    width, height = quicklook_size(scene)
    with open_patiently(coverage) as raster:
        mapped = raster(lambda d: d.read(1, out_shape=(height, width))) == Coverage.MAPPED
    values = image[seen & mapped] if (seen & mapped).any() else image.reshape(-1, image.shape[-1])
    low, high = np.percentile(values, (1, 99.5), axis=0)
    scaled = np.clip((np.nan_to_num(image) - low) / np.maximum(high - low, 1e-6), 0, 1)
    # Forest is dark: lift the shadows as image viewers do.
    levels = (scaled**0.6 * 255).astype(np.uint8)
    levels[~seen] = 0
    shown = Image.fromarray(levels if len(bands) == len(_RGB) else levels[..., 0])
    return _encoded(shown, "JPEG", quality=85)


def grey(scene: Scene) -> bytes:
    """JPEG of the same size, for a scene that cannot be read any more."""
    return _encoded(Image.new("L", quicklook_size(scene), 96), "JPEG")


def _read(scene: Scene, bands: Sequence[int]) -> npt.NDArray[np.generic]:
    width, height = quicklook_size(scene)
    with SceneReader(scene) as reader:
        return reader.preview(bands, *scene.window, shape=(height, width))


def probability_overlay(href: str, size: tuple[int, int], threshold: float) -> bytes:
    """PNG of a probability COG, transparent where improbable; yellow to red from the threshold."""
    width, height = size
    with open_patiently(href) as raster:
        levels = raster(
            lambda d: d.read(1, out_shape=(height, width), resampling=Resampling.nearest)
        )
    image = Image.fromarray(levels)
    # A colour for each level: a quarter of the bytes and of the time of four channels.
    image.putpalette(_colours(threshold).tobytes(), "RGBA")
    return _encoded(image, "PNG")


def _colours(threshold: float) -> npt.NDArray[np.uint8]:
    """(256, 4) red, green, blue and opacity of each stored probability."""
    p = np.arange(256) / SCALE
    strength = np.clip((p - threshold) / (1 - threshold), 0, 1)
    rgba = np.zeros((256, 4), np.uint8)
    rgba[:, 0] = 255
    rgba[:, 1] = (235 * (1 - strength)).astype(np.uint8)
    rgba[:, 3] = (np.clip(p / threshold, 0, 1) ** 2 * 200).astype(np.uint8)
    rgba[(p < 0.1 * threshold) | (np.arange(256) == NODATA)] = 0
    return rgba


def _encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
