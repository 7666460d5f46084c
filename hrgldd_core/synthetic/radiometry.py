"""From the ground to surface reflectance: cover, light, clouds, optics and sensor."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from shapely.geometry.base import BaseGeometry

from hrgldd_core.synthetic.clouds import Sky
from hrgldd_core.synthetic.cover import Cover
from hrgldd_core.synthetic.noise import FloatArray, fractal, resample, smoothstep, stream
from hrgldd_core.synthetic.shapes import burn, coverage
from hrgldd_core.synthetic.terrain import Terrain

__all__ = ["ground", "observe", "paint_slides"]

# Blue, green, red, nir; surface reflectance x10,000.
_FOREST = (290, 440, 290, 3200)
_GRASS = (390, 700, 500, 3550)
_GRAVEL = (880, 1060, 1150, 1750)
_WATER = (430, 620, 560, 520)
_ROAD = (640, 790, 850, 1900)
_GREY_SOIL = (800, 1050, 1230, 2150)
_RED_SOIL = (590, 930, 1560, 2480)
_CLOUD = (5600, 5500, 5400, 5700)
# Crowns differ least in the near infrared, where light passes from leaf to leaf.
_CANOPY = (0.16, 0.15, 0.18, 0.11)
# Sky light fills shadows, the bluer the more.
_DIFFUSE = (0.34, 0.26, 0.22, 0.14)


Plots = tuple[tuple[BaseGeometry, tuple[float, float, float, float]], ...]


def _column(values: tuple[float, ...]) -> FloatArray:
    return np.asarray(values, np.float32)[:, None, None]


def _blend(image: FloatArray, colour: FloatArray, share: FloatArray) -> None:
    """Mix ``colour`` into ``image`` in place where ``share`` (y, x) is not 0."""
    where = share > 0
    image[:, where] += (np.broadcast_to(colour, image.shape)[:, where] - image[:, where]) * share[
        where
    ]


def ground(terrain: Terrain, cover: Cover, seed: int) -> FloatArray:
    """Reflectance (4, y, x) of the place without landslides, light or atmosphere."""
    rng = stream(seed, "ground")
    shape = (terrain.elevation.shape[0], terrain.elevation.shape[1])
    coarse = (-(-shape[0] // 4), -(-shape[1] // 4))
    stands = [
        resample(fractal(rng, coarse, exponent=2.3, longest=200), shape, factor=4, order=1)
        for _ in range(2)
    ]
    crowns = fractal(rng, shape, exponent=1.6, shortest=2.8, longest=9)
    image = np.empty((4, *shape), np.float32)
    tone = ((0.03, 0.05), (0.08, 0.03), (0.05, 0.08), (0.07, -0.04))
    for band, (base, depth, (a, b)) in enumerate(zip(_FOREST, _CANOPY, tone, strict=True)):
        own = np.roll(crowns, (31 * (band + 1), 57 * (band + 1)), axis=(0, 1))
        texture = depth * (0.9 * crowns + 0.4 * own)
        image[band] = base * np.exp(texture + a * stands[0] + b * stands[1])
    open_ground = stands[1] * 0.6 + stands[0] * 0.4
    near = smoothstep(terrain.slope, 30, 14) * np.exp(-terrain.river_distance / 500)
    grass = smoothstep(open_ground + 1.6 * near, 1.55, 2.1)
    soft = 1 + 0.08 * np.roll(crowns, 11, axis=0)
    _blend(image, _column(_GRASS) * soft, 0.85 * grass)
    ragged = [fractal(rng, shape, exponent=2.0, shortest=4, longest=20) * 2.2 for _ in range(2)]
    _paint_plots(image, cover.clearings, 0.8 * soft, bend=ragged)
    _paint_plots(image, cover.fields, soft)
    _blend(image, _column(_ROAD) * soft, 0.8 * coverage(cover.roads, shape))
    _blend(image, _column(_GRAVEL) * (1 + 0.14 * crowns), 0.9 * coverage([cover.bed], shape))
    _blend(image, _column(_GRAVEL) * (1 + 0.14 * crowns), 0.6 * coverage(cover.streams, shape))
    _blend(image, _column(_WATER), 0.9 * coverage([cover.water], shape))
    _paint(image, cover.roofs, share=0.85)
    return image


def _paint_plots(
    image: FloatArray, plots: Plots, texture: FloatArray, *, bend: list[FloatArray] | None = None
) -> None:
    """Plots with their texture; ``bend`` moves their edges by so many rows and columns."""
    shape = (image.shape[1], image.shape[2])
    label = burn([g for g, _ in plots], range(1, len(plots) + 1), shape)
    if bend is not None:
        row, column = np.indices(shape, dtype=np.float32)
        row = np.clip(row + bend[0], 0, shape[0] - 1).astype(np.int32)
        column = np.clip(column + bend[1], 0, shape[1] - 1).astype(np.int32)
        label = label[row, column]
    colours = np.array([(0, 0, 0, 0), *(colour for _, colour in plots)], np.float32)
    inside = label > 0
    image[:, inside] += 0.85 * (colours[label[inside]].T * texture[inside] - image[:, inside])


def _paint(image: FloatArray, items: Plots, *, share: float) -> None:
    """Small items with soft edges; where two meet, the colour of the later one."""
    shape = (image.shape[1], image.shape[2])
    shapes = [geometry for geometry, _ in items]
    label = burn([g.buffer(0.7) for g in shapes], range(1, len(shapes) + 1), shape)
    colours = np.array([(0, 0, 0, 0), *(colour for _, colour in items)], np.float32)
    covered = share * coverage(shapes, shape)
    inside = (label > 0) & (covered > 0)
    image[:, inside] += covered[inside] * (colours[label[inside]].T - image[:, inside])


def paint_slides(
    image: FloatArray, shapes: list[BaseGeometry], terrain: Terrain, *, seed: int
) -> None:
    """Bare soil where the ground slid, in place; sources are brighter and redder than runouts.

    Args:
        image: (4, y, x) reflectance of the ground.
        shapes: outline of each landslide, pixels.
        terrain: for the place of a pixel between a slide's head and toe.
        seed: of the scene.
    """
    if not shapes:
        return
    rng = stream(seed, "soil")
    shape = (image.shape[1], image.shape[2])
    index = np.arange(1, len(shapes) + 1)
    label = burn([g.buffer(1.0) for g in shapes], index.tolist(), shape)
    inside = label > 0
    slide, height = label[inside], terrain.elevation[inside]
    order = np.concatenate([[0], index])
    top = ndimage.maximum(height, slide, order)
    low = ndimage.minimum(height, slide, order)
    below = (top[slide] - height) / np.maximum(top - low, 1.0)[slide]
    red = np.clip(rng.beta(1.1, 1.6, len(order))[slide] + 0.25 * (0.4 - below), 0, 1)
    tone = fractal(rng, shape, exponent=2.0, longest=30)[inside]
    bright = np.exp(0.17 * rng.standard_normal(len(order))[slide] - 0.22 * below + 0.13 * tone)
    soil = np.asarray(_GREY_SOIL)[:, None] * (1 - red) + np.asarray(_RED_SOIL)[:, None] * red
    debris = fractal(rng, shape, exponent=1.6, shortest=3, longest=12)[inside]
    bare = coverage(shapes, shape)[inside] * (0.96 - 0.45 * smoothstep(debris, 1.0, 2.4))
    image[:, inside] += (bare * (soil * bright - image[:, inside])).astype(np.float32)


def observe(
    rng: np.random.Generator,
    image: FloatArray,
    *,
    illumination: FloatArray,
    sky: Sky,
    valid: npt.NDArray[np.bool_],
) -> npt.NDArray[np.uint16]:
    """What the satellite delivers.

    Args:
        rng: source of the sensor's noise.
        image: (4, y, x) reflectance of the ground; overwritten.
        illumination: (y, x) sunlight relative to flat ground.
        sky: clouds and shadows.
        valid: (y, x) pixels inside the swath.

    Returns:
        (4, y, x) reflectance x10,000, at least 1 where valid, 0 elsewhere.
    """
    result = np.zeros(image.shape, np.uint16)
    direct = np.minimum(illumination, 1.8) ** 1.15 * (1 - 0.68 * sky.shadow)
    for band in range(len(image)):
        lit = image[band] * (_DIFFUSE[band] + (1 - _DIFFUSE[band]) * direct)
        lit += sky.cloud * (_CLOUD[band] * sky.brightness - lit)
        seen = ndimage.gaussian_filter(lit, 0.7, truncate=3.0)
        noise = rng.standard_normal(seen.shape, dtype=np.float32)
        seen += noise * (4 + 0.008 * seen)
        counts = np.clip(np.rint(seen), 1, 20_000).astype(np.uint16)
        result[band] = np.where(valid, counts, 0)
    return result
