"""Landslides: they start on steep slopes and run down, with side scars that join them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from scipy import ndimage
from shapely.geometry.base import BaseGeometry

from hrgldd_core.synthetic.noise import fractal, resample, smoothstep, stream
from hrgldd_core.synthetic.shapes import Points, arc_length, ribbon, wobble
from hrgldd_core.synthetic.terrain import PIXEL, Terrain

__all__ = ["Slide", "draw_slides"]

_PER_KM2 = 5.6
_SMALLEST, _LARGEST, _DECAY = 420.0, 90_000.0, 1.72
_FLAT = 0.035
_BANK = 30.0
_WIDEST = 18.0
_TRIES = 4


@dataclass(frozen=True)
class Slide:
    """One landslide before it is cut by the scene's edge or merged with another.

    Attributes:
        path: (n, 2) column and row from head to toe, pixels.
        shape: its outline, pixels.
    """

    path: Points
    shape: BaseGeometry


def draw_slides(terrain: Terrain, seed: int) -> tuple[Slide, ...]:
    """The event's landslides, largest first; some overlap."""
    rng = stream(seed, "slides")
    count = max(3, round(terrain.km2 * _PER_KM2))
    areas = np.sort(_areas(rng, count, largest=min(_LARGEST, terrain.km2 * 2e4)))[::-1]
    heads = _heads(rng, terrain, count)
    # The largest slides need the longest run: they take the best of several heads.
    eager = count // 6
    candidates = _heads(rng, terrain, eager * _TRIES).reshape(eager, _TRIES, 2)
    slides = []
    for index, area in enumerate(areas):
        options = candidates[index] if index < eager else heads[index : index + 1]
        slide = _slide(rng, terrain, options, area / PIXEL**2)
        if slide is not None:
            slides.append(slide)
    return tuple(slides)


def _areas(rng: np.random.Generator, count: int, *, largest: float) -> npt.NDArray[np.float64]:
    """Target areas, m2, from a power law between two limits."""
    power = 1 - _DECAY
    low, high = _SMALLEST**power, largest**power
    areas: npt.NDArray[np.float64] = (low + rng.random(count) * (high - low)) ** (1 / power)
    return areas


def _heads(rng: np.random.Generator, terrain: Terrain, count: int) -> Points:
    """Start points: steep ground under the heaviest rain, a third of them close to another."""
    shape = (terrain.elevation.shape[0], terrain.elevation.shape[1])
    coarse = (-(-shape[0] // 16), -(-shape[1] // 16))
    rain = resample(fractal(rng, coarse, exponent=3.0, shortest=6), shape, factor=16, order=1)
    slope = terrain.slope
    steep = smoothstep(slope, float(np.percentile(slope, 50)), float(np.percentile(slope, 92)))
    chance = (steep * np.exp(1.1 * rain))[4:-4:4, 4:-4:4]
    chance *= terrain.river_distance[4:-4:4, 4:-4:4] > 120
    if not chance.any():
        chance = slope[4:-4:4, 4:-4:4].copy()
    weight = chance.ravel().astype(np.float64)
    picked = rng.choice(len(weight), count, p=weight / weight.sum())
    row, column = np.divmod(picked, chance.shape[1])
    heads = np.column_stack([column, row]) * 4.0 + 4 + rng.uniform(0, 4, (count, 2))
    for index in range(count - count // 3, count):
        # A neighbour along the contour drains into the same gully, so the two may coalesce.
        near = heads[rng.integers(0, max(1, count // 3))]
        rise = _gradient(terrain, near)
        along = np.array([-rise[1], rise[0]]) / max(float(np.hypot(*rise)), 1e-6)
        moved = near + along * rng.uniform(12, 45) * rng.choice([-1, 1])
        heads[index] = np.clip(moved, 4, (shape[1] - 5, shape[0] - 5))
    return heads


def _gradient(terrain: Terrain, point: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    column, row = int(point[0]), int(point[1])
    rise: npt.NDArray[np.float64] = terrain.gradient[:, row, column].astype(np.float64)
    return rise


def _trace(
    rng: np.random.Generator,
    terrain: Terrain,
    start: npt.NDArray[np.float64],
    length: float,
    *,
    uphill: bool = False,
    aside: float = 0.0,
) -> Points:
    """Follow the slope for ``length`` pixels, with the inertia of a moving mass.

    ``aside`` pushes the path to one side, less and less as it goes.
    """
    rows, columns = terrain.elevation.shape
    point, points = start.astype(np.float64), [start.astype(np.float64)]
    heading, sign, idle = np.zeros(2), 1.0 if uphill else -1.0, 0
    drift = 0.0
    for step in range(int(length)):
        rise = _gradient(terrain, point)
        steepness = float(np.hypot(*rise))
        at_river = terrain.river_distance[int(point[1]), int(point[0])] < _BANK
        stuck = at_river or steepness < (0.3 if uphill else _FLAT)
        idle = idle + 1 if stuck else 0
        if idle > 14:
            break
        pull = sign * rise / max(steepness, 1e-6)
        drift = 0.9 * drift + 0.12 * rng.standard_normal()
        push = drift + aside * np.exp(-2.5 * step / length)
        heading = 0.62 * heading + 0.38 * pull + push * 0.38 * np.array([-pull[1], pull[0]])
        heading /= max(float(np.hypot(*heading)), 1e-6)
        point = point + heading
        if not (1 <= point[0] < columns - 1 and 1 <= point[1] < rows - 1):
            break
        points.append(point)
    path = np.array(points)
    height = terrain.elevation[path[:, 1].astype(int), path[:, 0].astype(int)]
    last = int(height.argmax() if uphill else height.argmin())
    return path[: last + 1]


def _slide(rng: np.random.Generator, terrain: Terrain, heads: Points, area: float) -> Slide | None:
    """A slide of about ``area`` pixels, or nothing where the ground lets none run."""
    large = float(np.clip(np.log10(area / 100) / 2, 0, 1))
    elongation = float(np.exp(rng.normal(np.log(5 + 14 * large), 0.35)))
    reach = np.sqrt(area * elongation)
    path = max((_trace(rng, terrain, head, reach) for head in heads), key=len)
    length = arc_length(path)[-1]
    if length < 6:
        return None
    branches = int(rng.poisson(0.3 + 4.0 * large)) if area > 200 else 0
    width = min(area / length * (0.75 if branches else 1.0), length / 5.0, _WIDEST)
    parts = [_scar(rng, path, width)]
    for _ in range(branches):
        at = path[int(len(path) * rng.uniform(0.1, 0.7))]
        reach = min(length * rng.uniform(0.15, 0.45), 90.0)
        aside = float(rng.choice([-1, 1]) * rng.uniform(0.9, 2.2))
        side = _trace(rng, terrain, at, reach, uphill=True, aside=aside)[::-1]
        if len(side) > 8:
            parts.append(_scar(rng, side, width * rng.uniform(0.35, 0.75), toe=0.8))
    outline = shapely.union_all(parts).buffer(1.0).buffer(-1.0).simplify(0.1)
    return Slide(path, _without_pinholes(outline))


def _without_pinholes(outline: BaseGeometry) -> BaseGeometry:
    """Islands too small for a tree group to stand on, filled."""
    whole = [
        shapely.Polygon(part.exterior, [r for r in part.interiors if shapely.Polygon(r).area > 40])
        for part in shapely.get_parts(outline)
    ]
    merged: BaseGeometry = shapely.union_all(whole)
    return merged


def _scar(
    rng: np.random.Generator, path: Points, width: float, *, toe: float = 0.5
) -> BaseGeometry:
    """A ribbon with a wide source near its head, a neck and a runout that narrows to its toe."""
    along = np.linspace(0, 1, len(path))
    source, neck, widest = rng.uniform(1.05, 1.6), rng.uniform(0.6, 1.0), rng.uniform(0.1, 0.4)
    profile = np.interp(along, [0, widest, widest + 0.2, 0.8, 0.95, 1], [
        rng.uniform(0.15, 0.6), source, neck, neck * 0.9, rng.uniform(0.8, 1.6) * toe, 0.4 * toe
    ])  # fmt: skip
    rough = 0.16 * wobble(rng, len(path), scale=max(2.0, width))
    rough += 0.2 * wobble(rng, len(path), scale=1.5)
    radius = np.maximum(width / 2 * profile * np.exp(rough), 0.9)
    side = np.gradient(path, axis=0)[:, ::-1] * (1, -1)
    shift = 0.3 * wobble(rng, len(path), scale=max(2.0, width / 2)) * radius
    moved = path + side * shift[:, None]
    body = ribbon(ndimage.gaussian_filter1d(moved, 1.0, axis=0, mode="nearest"), radius)
    edge = moved + side * (radius * rng.choice([-1, 1], len(path)))[:, None]
    discs = shapely.buffer(shapely.points(edge), rng.uniform(0.4, 0.9, len(path)) * radius**0.5)
    torn = (rng.random(len(path)) < 0.35) & (radius > 2.5)
    ragged: BaseGeometry = body.union(shapely.union_all(discs[~torn])).difference(
        shapely.union_all(discs[torn])
    )
    return ragged
