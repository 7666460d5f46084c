"""What people and rivers put on the ground, as geometries: the things that look like landslides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from hrgldd_core.synthetic.noise import stream
from hrgldd_core.synthetic.roads import hill_roads, valley_road
from hrgldd_core.synthetic.shapes import Points, arc_length, box, normals, ribbon, rotate, wobble
from hrgldd_core.synthetic.terrain import PIXEL, Channel, Terrain

__all__ = ["Cover", "make_cover"]

Colour = tuple[float, float, float, float]

_FIELDS: tuple[Colour, ...] = (
    (380, 720, 450, 3900), (330, 640, 380, 3700), (420, 760, 560, 3300), (620, 900, 950, 2700),
    (560, 820, 1050, 2350), (700, 1000, 1180, 2600),
)  # fmt: skip
_CLEARINGS: tuple[Colour, ...] = (
    (420, 800, 520, 3900), (520, 900, 720, 3500), (760, 1080, 1080, 2900), (600, 860, 880, 2500),
)  # fmt: skip
_ROOFS: tuple[Colour, ...] = (
    (2300, 2500, 2600, 2900), (1500, 1650, 1750, 2100), (1900, 1700, 1500, 2100),
    (900, 1000, 1700, 2300), (1300, 1400, 1500, 1800),
)  # fmt: skip


@dataclass(frozen=True)
class Cover:
    """Geometries in pixels, and the surface reflectance (x10,000) of those that differ.

    Attributes:
        bed: gravel of the main river.
        streams: reaches of gravel in its tributaries.
        water: what flows in the main river.
        roads: paved and dirt roads.
        fields: rectangular parcels, each with its colour.
        clearings: openings in the forest, each with its colour.
        roofs: houses, each with its colour.
    """

    bed: BaseGeometry
    streams: tuple[BaseGeometry, ...]
    water: BaseGeometry
    roads: tuple[BaseGeometry, ...]
    fields: tuple[tuple[BaseGeometry, Colour], ...]
    clearings: tuple[tuple[BaseGeometry, Colour], ...]
    roofs: tuple[tuple[BaseGeometry, Colour], ...]


def make_cover(terrain: Terrain, seed: int) -> Cover:
    """River, roads, fields, clearings and houses of a valley; the same before and after."""
    rng = stream(seed, "cover")
    bed, water = _river(rng, terrain.river)
    streams = [_stream(rng, channel) for channel in terrain.streams]
    valley = valley_road(rng, terrain)
    lines = [valley, *hill_roads(rng, terrain, valley)]
    return Cover(
        bed=bed,
        streams=tuple(piece for pieces in streams for piece in pieces),
        water=water,
        roads=tuple(
            ribbon(line, np.full(len(line), 0.95 if k == 0 else 0.75))
            for k, line in enumerate(lines)
        ),
        fields=tuple(_fields(rng, terrain)),
        clearings=tuple(_clearings(rng, terrain)),
        roofs=tuple(_houses(rng, terrain, lines)),
    )


def _river(rng: np.random.Generator, river: Channel) -> tuple[BaseGeometry, BaseGeometry]:
    """Gravel bed and the water that winds in it."""
    count = len(river.points)
    radius = np.clip(5 * np.sqrt(river.area), 8, 34) / PIXEL / 2
    phase = arc_length(river.points) / (5 + 2.2 * radius.mean())
    bend = np.sin(phase + wobble(rng, count, scale=9))
    line = river.points + normals(river.points) * (1.3 * bend * radius)[:, None]
    bed = radius * np.exp(0.55 * wobble(rng, count, scale=6) - 0.1)
    thread = line + normals(line) * (0.55 * radius * wobble(rng, count, scale=5))[:, None]
    return ribbon(line, bed), ribbon(thread, 0.42 * radius * np.exp(0.2 * bend) + 0.3)


def _stream(rng: np.random.Generator, channel: Channel) -> list[BaseGeometry]:
    """Reaches of a tributary where its bed shows between the trees."""
    count = len(channel.points)
    open_bed = wobble(rng, count, scale=5) + 0.5 * np.log(channel.area) > 0.9
    radius = np.clip(1.3 * np.sqrt(channel.area), 1.0, 4) / PIXEL
    radius = radius * np.exp(0.45 * wobble(rng, count, scale=2))
    edges = np.flatnonzero(np.diff(np.concatenate([[0], open_bed, [0]]).astype(int)))
    runs = zip(edges[::2], edges[1::2], strict=True)
    line = channel.points + rng.normal(0, 0.7, (count, 2))
    return [ribbon(line[a:b], radius[a:b]) for a, b in runs if b - a > 2]


def _places(rng: np.random.Generator, count: int, chance: npt.NDArray[np.generic]) -> Points:
    """Pixels drawn with a chance given on every fourth of them."""
    weight = chance.ravel().astype(np.float64) + 1e-9
    picked = rng.choice(len(weight), count, p=weight / weight.sum())
    row, column = np.divmod(picked, chance.shape[1])
    return np.column_stack([column, row]) * 4.0


def _fields(rng: np.random.Generator, terrain: Terrain) -> list[tuple[BaseGeometry, Colour]]:
    """Blocks of rectangular parcels on gentle ground near the river."""
    gentle = terrain.slope[::4, ::4] < 15
    chance = gentle * np.exp(-terrain.river_distance[::4, ::4] / 250) + 1e-4 * gentle
    fields: list[tuple[BaseGeometry, Colour]] = []
    for place in _places(rng, max(2, round(1.6 * terrain.km2)), chance):
        angle = rng.uniform(0, np.pi)
        size = rng.uniform((7, 9), (16, 26))
        across, along = rng.integers(1, 4), rng.integers(1, 5)
        for cell in np.ndindex(int(across), int(along)):
            if rng.random() < 0.3:
                continue
            center = place + rotate(np.array(cell) * size, angle)
            corners = box(center, size * rng.uniform(0.8, 0.96, 2), angle)
            corners += rng.normal(0, 0.5, (4, 2))
            fields.append((shapely.Polygon(corners), _tint(rng, _FIELDS)))
    return fields


def _clearings(rng: np.random.Generator, terrain: Terrain) -> list[tuple[BaseGeometry, Colour]]:
    """Openings in the forest: some cut straight, most ragged and longer across the slope."""
    clearings: list[tuple[BaseGeometry, Colour]] = []
    chance = terrain.slope[::4, ::4] < 32
    for x, y in _places(rng, max(2, round(1.5 * terrain.km2)), chance):
        rise = terrain.gradient[:, int(y), int(x)]
        contour = float(np.arctan2(rise[0], -rise[1]))
        if rng.random() < 0.3:
            shape: BaseGeometry = shapely.Polygon(
                box((x, y), rng.uniform((8, 8), (28, 22)), contour)
            )
        else:
            angle = np.linspace(0, 2 * np.pi, 28, endpoint=False)
            size = rng.uniform(4, 13) * np.exp(0.38 * wobble(rng, 28, scale=1.6))
            ring = np.column_stack([rng.uniform(1.2, 2.6) * np.cos(angle), np.sin(angle)])
            ring = np.add(rotate(ring * size[:, None], contour), (x, y))
            shape = shapely.make_valid(shapely.Polygon(ring))
        clearings.append((shape, _tint(rng, _CLEARINGS)))
    return clearings


def _houses(
    rng: np.random.Generator, terrain: Terrain, roads: list[Points]
) -> list[tuple[BaseGeometry, Colour]]:
    """Roofs along the roads, most of them in a few villages."""
    rows, columns = terrain.elevation.shape
    houses: list[tuple[BaseGeometry, Colour]] = []
    spots = [(roads[0], round(2.0 * terrain.km2), 9.0)]
    spots += [(road, round(0.5 * terrain.km2), 6.0) for road in roads[1:]]
    for _ in range(max(1, round(terrain.km2 / 5))):
        inside = ((roads[0] > 10) & (roads[0] < (columns - 10, rows - 10))).all(axis=1)
        places = np.flatnonzero(inside)
        if len(places):
            middle = int(rng.choice(places))
            spots.append((roads[0][max(0, middle - 12) : middle + 12], 55, 15.0))
    for line, count, spread in spots:
        for point in line[rng.integers(0, len(line), count)]:
            center = point + rng.normal(0, spread, 2)
            size = rng.uniform((1.6, 2.0), (3.2, 5.0)) * (2.2 if rng.random() < 0.04 else 1.0)
            corners = box(center, size, rng.uniform(0, np.pi))
            houses.append((shapely.Polygon(corners), _tint(rng, _ROOFS)))
    return houses


def _tint(rng: np.random.Generator, colours: tuple[Colour, ...]) -> Colour:
    """One of the colours, a little lighter or darker."""
    base = np.asarray(colours[rng.integers(0, len(colours))]) * rng.normal(1, 0.1)
    blue, green, red, nir = np.clip(base, 100, 6000).tolist()
    return blue, green, red, nir
