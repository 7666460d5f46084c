"""Things that are bright and are not landslides, drawn into patches as negatives.

HR-GLDD's patches were chosen around landslides and hold few villages, roads and fields; a whole
scene holds many. Shapes are what tells them apart: houses are small and blocky, roads thin and of
constant width, fields compact and greener than soil.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw
from scipy import ndimage

__all__ = ["draw_confusers"]

FloatImage = npt.NDArray[np.float32]
Mask = npt.NDArray[np.float32]

_OVERSAMPLED = 2


def draw_confusers(
    image: FloatImage,
    label: npt.NDArray[np.uint8],
    bands: Sequence[str],
    rng: np.random.Generator,
) -> FloatImage:
    """A copy of a normalised patch with one kind of confuser, drawn beside the landslides.

    Args:
        image: (y, x, band), asinh of robust sigmas: vegetation near 0, bare soil near 1 to 3.
        label: (y, x); only pixels with label 0 are drawn over.
        bands: common names.
        rng: source of chance.
    """
    draw = (_houses, _roads, _fields)[int(rng.integers(3))]
    free = ndimage.binary_erosion(label == 0, iterations=2, border_value=1)
    return draw(image, free.astype(np.float32), bands, rng)


def _canvas(shape: tuple[int, ...], paint: Callable[[ImageDraw.ImageDraw, int, int], None]) -> Mask:
    """Antialiased (y, x) mask, 0 to 1, of what ``paint`` draws at twice the resolution."""
    rows, columns = shape[0] * _OVERSAMPLED, shape[1] * _OVERSAMPLED
    picture = Image.new("L", (columns, rows))
    paint(ImageDraw.Draw(picture), columns, rows)
    coarse = picture.reduce(_OVERSAMPLED)
    return np.asarray(cv2.GaussianBlur(np.asarray(coarse, np.float32) / 255, (3, 3), 0.4))


def _tint(bands: Sequence[str], **shift: float) -> FloatImage:
    return np.array([shift.get(band, 0.0) for band in bands], np.float32)


def _houses(
    image: FloatImage, free: Mask, bands: Sequence[str], rng: np.random.Generator
) -> FloatImage:
    center = rng.uniform(0, 1, 2)
    spread = rng.uniform(0.05, 0.4)
    out = image
    for _ in range(int(rng.integers(2, 5))):

        def paint(pen: ImageDraw.ImageDraw, columns: int, rows: int) -> None:
            for _ in range(int(rng.integers(4, 22))):
                x, y = rng.normal(center, spread) * (columns, rows)
                half = rng.uniform(1.0, 6.0, 2)
                turn = rng.uniform(0, np.pi / 2)
                axis = np.array([np.cos(turn), np.sin(turn)])
                across = np.array([-axis[1], axis[0]])
                corners = [
                    tuple(np.array([x, y]) + i * half[0] * axis + j * half[1] * across)
                    for i, j in ((-1, -1), (1, -1), (1, 1), (-1, 1))
                ]
                pen.polygon(corners, fill=255)

        mask = (_canvas(image.shape[:2], paint) * free)[..., None]
        blue = rng.uniform(0.0, 0.8)
        colour = rng.uniform(1.0, 3.0) + _tint(bands, blue=blue, red=-rng.uniform(0, 0.5), nir=-1.0)
        out = out * (1 - mask) + mask * colour
    return np.asarray(out, np.float32)


def _roads(
    image: FloatImage, free: Mask, bands: Sequence[str], rng: np.random.Generator
) -> FloatImage:
    knots = np.linspace(0, 1, 6)
    t = np.linspace(0, 1, 40)
    across = np.interp(t, knots, rng.uniform(0, 1, 6))
    across = ndimage.gaussian_filter1d(across, 2.5)
    along = t * 1.2 - 0.1
    width = int(rng.integers(1, 5))
    swap = bool(rng.integers(2))

    def paint(pen: ImageDraw.ImageDraw, columns: int, rows: int) -> None:
        points = [
            (v * columns, u * rows) if swap else (u * columns, v * rows)
            for u, v in zip(along, across, strict=True)
        ]
        pen.line(points, fill=255, width=width, joint="curve")

    mask = (_canvas(image.shape[:2], paint) * free)[..., None]
    colour = rng.uniform(0.5, 2.0) + _tint(bands, blue=rng.uniform(-0.2, 0.4), nir=-0.7)
    return np.asarray(image * (1 - mask) + mask * colour, np.float32)


def _fields(
    image: FloatImage, free: Mask, bands: Sequence[str], rng: np.random.Generator
) -> FloatImage:
    out = image
    texture = 0.4 * (image - image.mean((0, 1)))
    for _ in range(int(rng.integers(1, 5))):
        center = rng.uniform(0, 1, 2)
        corners = int(rng.integers(4, 9))
        angle = np.sort(rng.uniform(0, 2 * np.pi, corners))
        radius = rng.uniform(0.03, 0.16) * rng.uniform(0.7, 1.3, corners)

        mask = (_polygon(image.shape[:2], center, radius, angle) * free)[..., None]
        colour = rng.uniform(0.4, 1.8) + _tint(
            bands,
            blue=-rng.uniform(-0.1, 0.4),
            green=rng.uniform(0.15, 0.7),
            red=-rng.uniform(-0.1, 0.5),
            nir=rng.uniform(0, 1.0),
        )
        out = out * (1 - mask) + mask * (colour + texture)
    return np.asarray(out, np.float32)


def _polygon(
    shape: tuple[int, ...],
    center: npt.NDArray[np.float64],
    radius: npt.NDArray[np.float64],
    angle: npt.NDArray[np.float64],
) -> Mask:
    """Mask of a polygon in polar coordinates, lengths as shares of the patch."""
    x, y = center[0] + radius * np.cos(angle), center[1] + radius * np.sin(angle)

    def paint(pen: ImageDraw.ImageDraw, columns: int, rows: int) -> None:
        pen.polygon(list(zip(x * columns, y * rows, strict=True)), fill=255)

    return _canvas(shape, paint)
