"""Forested mountains: fractal relief carved by streams until it has ridges, gullies and a river."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from hrgldd_core.synthetic.flow import IntArray, accumulate, descend, fill, relax
from hrgldd_core.synthetic.noise import FloatArray, fractal, resample, smoothstep, stream

__all__ = ["PIXEL", "Channel", "Terrain", "make_terrain"]

PIXEL = 3.0
"""Pixel size, m."""

_FACTOR = 12
_CELL = _FACTOR * PIXEL
_PAD = 10
_AGES = 40
_STEEP = 34.0


@dataclass(frozen=True)
class Channel:
    """One stream, from its head down.

    Attributes:
        points: (n, 2) column and row, pixels.
        area: (n,) drainage area, km2.
    """

    points: npt.NDArray[np.float64]
    area: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Terrain:
    """The ground.

    Attributes:
        elevation: (y, x) m.
        gradient: (2, y, x) rise per metre towards the next column and the next row, smoothed over
            some pixels.
        river: the main river.
        streams: its tributaries.
        river_distance: (y, x) m from the main river's axis.
    """

    elevation: FloatArray
    gradient: FloatArray
    river: Channel
    streams: tuple[Channel, ...]
    river_distance: FloatArray

    @property
    def km2(self) -> float:
        """Area of the scene."""
        return self.elevation.size * (PIXEL / 1000) ** 2

    @property
    def slope(self) -> FloatArray:
        """(y, x) degrees."""
        degrees: FloatArray = np.degrees(np.arctan(np.hypot(*self.gradient)))
        return degrees


def make_terrain(seed: int, shape: tuple[int, int]) -> Terrain:
    """Terrain of ``shape`` (y, x) pixels, the same for the same seed and shape."""
    rng = stream(seed, "terrain")
    coarse = (-(-shape[0] // _FACTOR) + 2 * _PAD, -(-shape[1] // _FACTOR) + 2 * _PAD)
    height, outlet = _initial(rng, coarse)
    height = _erode(height, outlet)
    warp = [fractal(rng, coarse, exponent=3.0, shortest=4, longest=30) * 0.9 for _ in range(2)]
    rows, columns = np.indices(coarse, dtype=np.float32)
    height = ndimage.map_coordinates(
        height, [rows + warp[0], columns + warp[1]], order=1, mode="nearest"
    )
    height = fill(height, outlet)
    receiver = descend(height, outlet)
    area = accumulate(receiver) * (_CELL / 1000) ** 2
    channels = _channels(receiver, area, coarse)
    height, distance = _widen_valley(height, channels[0])
    elevation = resample(height.astype(np.float32), shape, factor=_FACTOR, offset=_PAD)
    fine = fractal(rng, shape, exponent=3.2, shortest=8, longest=50)
    away = resample(distance, shape, factor=_FACTOR, offset=_PAD, order=1)
    elevation += fine * (0.3 + 4.0 * smoothstep(away, 60, 400))
    smooth = ndimage.gaussian_filter(elevation, 2.5, truncate=3.0)
    gradient = np.stack(np.gradient(smooth, PIXEL)[::-1]).astype(np.float32)
    return Terrain(
        elevation=elevation,
        gradient=gradient,
        river=_to_pixels(channels[0]),
        streams=tuple(_to_pixels(channel) for channel in channels[1:]),
        river_distance=away,
    )


def _initial(
    rng: np.random.Generator, shape: tuple[int, int]
) -> tuple[npt.NDArray[np.float64], int]:
    """Fractal relief tilted towards an outlet on the border, with a trough leading there."""
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.indices(shape, dtype=np.float64)
    y, x = (y / (shape[0] - 1) - 0.5) * 2, (x / (shape[1] - 1) - 0.5) * 2
    along = x * np.cos(angle) + y * np.sin(angle)
    across = y * np.cos(angle) - x * np.sin(angle) - rng.uniform(-0.25, 0.25)
    bend = rng.uniform(0.1, 0.25) * np.sin(along * rng.uniform(2, 4) + rng.uniform(0, 6))
    noise = fractal(rng, shape, exponent=2.4, shortest=3)
    height = 60 * noise - 100 * along + 90 * np.sqrt((across + bend) ** 2 + 0.01)
    border = np.ones(shape, bool)
    border[1:-1, 1:-1] = False
    outlet = int(np.where(border, height, np.inf).argmin())
    return height, outlet


def _erode(height: npt.NDArray[np.float64], outlet: int) -> npt.NDArray[np.float64]:
    """Uplift against stream incision (stream power law, implicit in time) and hillslope creep."""
    shape = height.shape
    uplift, power, strength = 12.0, 0.40, 0.8
    for age in range(_AGES):
        height = fill(height, outlet)
        receiver = descend(height, outlet)
        area = accumulate(receiver)
        distance = np.where(_diagonal(receiver, shape), np.sqrt(2), 1.0)
        incision = strength * (area + 1.0) ** power / distance
        lifted = height.ravel() + uplift
        lifted[outlet] = 0.0
        weight = incision / (1 + incision)
        weight[outlet] = 0.0
        offset = lifted / (1 + incision)
        offset[outlet] = 0.0
        height = relax(receiver, offset, weight).reshape(shape)
        if age < _AGES - 1:
            height = ndimage.gaussian_filter(height, 0.55)
    inner = height[_PAD:-_PAD, _PAD:-_PAD]
    slope = np.hypot(*np.gradient(inner, _CELL))
    scaled: npt.NDArray[np.float64] = height * (
        np.tan(np.radians(_STEEP)) / max(float(np.percentile(slope, 75)), 1e-3)
    )
    return scaled


def _diagonal(receiver: IntArray, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    step = np.abs(receiver - np.arange(len(receiver)))
    oblique: npt.NDArray[np.bool_] = (step != 1) & (step != shape[1])
    return oblique


def _channels(
    receiver: IntArray, area: npt.NDArray[np.float64], shape: tuple[int, int]
) -> list[Channel]:
    """Streams draining over 0.12 km2 as polylines in cells, the longest river first."""
    wet = area > 0.12
    inflow = np.bincount(receiver[wet], minlength=len(receiver))
    heads = np.flatnonzero(wet & (inflow == 0))
    lowest = int(area.argmax())
    if len(heads) == 0:
        heads = np.array([int(area.argmin())])
    paths = []
    for head in heads:
        cells = [int(head)]
        while cells[-1] != lowest:
            cells.append(int(receiver[cells[-1]]))
        paths.append(cells)
    # The main river follows the largest drainage area upstream at each confluence.
    paths.sort(key=lambda cells: area[cells].sum(), reverse=True)
    seen: set[int] = set()
    channels: list[Channel] = []
    for cells in paths:
        fresh = [cell for cell in cells if cell not in seen]
        joined = cells[: len(fresh) + 1]
        seen.update(fresh)
        if len(fresh) < 6 and channels:
            continue
        row, column = np.divmod(np.array(joined), shape[1])
        points = np.column_stack([column, row]).astype(np.float64)
        points = ndimage.gaussian_filter1d(points, 1.2, axis=0, mode="nearest")
        channels.append(Channel(points, area[joined]))
    return channels


def _widen_valley(
    height: npt.NDArray[np.float64], river: Channel
) -> tuple[npt.NDArray[np.float64], FloatArray]:
    """Flatten the floor beside the river; also the distance from the river, m."""
    away = np.ones(height.shape, bool)
    cells = np.round(river.points).astype(int)
    away[cells[:, 1], cells[:, 0]] = False
    distance, (row, column) = ndimage.distance_transform_edt(away, return_indices=True)
    area = np.zeros(height.shape)
    area[cells[:, 1], cells[:, 0]] = river.area
    bed = ndimage.gaussian_filter(height[row, column], 1.5)
    half = np.clip(1.0 + 0.5 * np.sqrt(area[row, column]), 1.0, 4.0)
    keep = smoothstep(distance / half, 0.2, 2.4)
    flat = bed + (height - bed) * (0.05 + 0.95 * keep)
    return ndimage.gaussian_filter(flat, 0.7), (distance * _CELL).astype(np.float32)


def _to_pixels(channel: Channel) -> Channel:
    """From padded cells to scene pixels, with a vertex every two pixels or so."""
    points = (channel.points - _PAD + 0.5) * _FACTOR
    steps = np.arange(0, len(points) - 1 + 1e-9, 0.25)
    at = np.arange(len(points))
    dense = np.column_stack([np.interp(steps, at, points[:, axis]) for axis in range(2)])
    dense = ndimage.gaussian_filter1d(dense, 4.0, axis=0, mode="nearest")
    return Channel(dense, np.interp(steps, at, channel.area))
