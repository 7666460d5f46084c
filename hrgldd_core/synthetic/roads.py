"""Roads: one along the valley, others that climb from it."""

from __future__ import annotations

import numpy as np

from hrgldd_core.synthetic.shapes import Points, normals, wobble
from hrgldd_core.synthetic.terrain import PIXEL, Terrain

__all__ = ["hill_roads", "valley_road"]


def valley_road(rng: np.random.Generator, terrain: Terrain) -> Points:
    """A road that keeps to one side of the river."""
    points = terrain.river.points
    offset = (75 + 28 * wobble(rng, len(points), scale=25)) / PIXEL * rng.choice([-1, 1])
    shifted = points + normals(points) * offset[:, None]
    kernel = np.ones(15) / 15
    padded = np.pad(shifted, ((7, 7), (0, 0)), mode="edge")
    return np.column_stack([np.convolve(padded[:, k], kernel, "valid") for k in range(2)])


def hill_roads(rng: np.random.Generator, terrain: Terrain, valley: Points) -> list[Points]:
    """Roads that climb from the valley at a steady grade, turning back on themselves."""
    rows, columns = terrain.elevation.shape
    inside = ((valley > 8) & (valley < (columns - 8, rows - 8))).all(axis=1)
    starts = np.flatnonzero(inside)
    if len(starts) == 0:
        return []
    roads = []
    for _ in range(max(1, round(terrain.km2 / 5))):
        point = valley[rng.choice(starts)]
        side, heading, points = rng.choice([-1.0, 1.0]), np.zeros(2), [point]
        turn = rng.integers(40, 140)
        for _ in range(int(rng.integers(250, 900))):
            rise = terrain.gradient[:, int(point[1]), int(point[0])].astype(np.float64)
            steepness = max(float(np.hypot(*rise)), 0.02)
            climb = min(0.11 / steepness, 0.8)
            up = rise / steepness
            wish = climb * up + np.sqrt(1 - climb**2) * side * np.array([-up[1], up[0]])
            heading = 0.8 * heading + 0.2 * wish
            heading /= max(float(np.hypot(*heading)), 1e-6)
            point = point + heading
            if not (3 <= point[0] < columns - 3 and 3 <= point[1] < rows - 3):
                break
            points.append(point)
            turn -= 1
            if turn <= 0:
                side, turn = -side, rng.integers(60, 220)
            past = np.array(points[:-60:4])
            if len(past) and np.hypot(*(past - point).T).min() < 7:
                break
        if len(points) > 30:
            roads.append(np.array(points)[::2])
    return roads
