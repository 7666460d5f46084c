"""Scenes of the report as what its viewer draws: pictures, SVG paths, and their attributes."""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from hrgldd_core.report import text
from hrgldd_core.report.images import within_budget

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from hrgldd_core.report.page import SceneView

__all__ = ["MAX_OUTLINES", "Outline", "SceneMap", "nice_length", "scene_maps", "svg_path"]

MAX_OUTLINES = 3000
_PATH_BYTES = 1_500_000
_VERTEX_BYTES = 8  # about what one vertex takes in a path
_TOLERANCES_PX = (0.3, 1.0, 3.0)


@dataclass(frozen=True)
class Outline:
    """One drawn outline.

    Attributes:
        path: ``d`` attribute of an SVG path, in quicklook pixels.
        attributes: what the page shows of it; plain JSON values.
    """

    key: int
    path: str
    attributes: dict[str, Any]


@dataclass(frozen=True)
class SceneMap:
    """One scene as the template needs it; lengths in quicklook pixels unless they say metres.

    Attributes:
        total: outlines of the scene, drawn or not.
        bar_m, bar_px: the scale bar of the unzoomed picture.
    """

    scene: SceneView
    quicklook: str
    probability: str
    outlines: tuple[Outline, ...]
    total: int
    bar_m: float
    bar_px: float


def nice_length(limit: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that does not exceed ``limit`` (positive)."""
    power: float = 10.0 ** math.floor(math.log10(limit))
    return next(m * power for m in (5, 2, 1) if m * power <= limit)


def svg_path(geometry: shapely.Geometry) -> str:
    """Rings of a polygon as an SVG path with steps of 0.1 pixel; collapsed rings leave a dot."""
    rings = []
    for part in shapely.get_parts(geometry):
        if part.geom_type == "Polygon" and not part.is_empty:
            rings += [_ring(ring) for ring in (part.exterior, *part.interiors)]
    return "".join(rings)


def _ring(ring: shapely.LinearRing) -> str:
    tenths = np.round(shapely.get_coordinates(ring) * 10).astype(np.int64)
    steps = np.diff(tenths, axis=0)[:-1]
    steps = steps[(steps != 0).any(axis=1)]
    x, y = (_short(v) for v in tenths[0].tolist())
    if len(steps) < 2:
        return f"M{x} {y}h.1v.1h-.1z"
    moves = " ".join(f"{_short(dx)} {_short(dy)}" for dx, dy in steps.tolist())
    return f"M{x} {y}l{moves}z"


def _short(tenths: int) -> str:
    return f"{tenths / 10:.1f}".removesuffix(".0")


def scene_maps(
    scenes: Sequence[SceneView], known: Mapping[tuple[str, str], Mapping[str, Any]]
) -> tuple[SceneMap, ...]:
    """Everything the viewer draws, the largest outlines of all scenes first.

    Args:
        scenes: the mapped scenes.
        known: attributes from the inventory by (scene id, outline id), added to an outline's own.
    """
    drawn = _outlines(scenes, known)
    pictures = within_budget([(s.quicklook, s.probability) for s in scenes])
    maps = []
    for index, (scene, (quicklook, probability)) in enumerate(zip(scenes, pictures, strict=True)):
        bar_m = nice_length(max(scene.size[0] * scene.pixel_m / 4, 1e-3))
        maps.append(
            SceneMap(
                scene=scene,
                quicklook=_data_uri("image/jpeg", quicklook),
                probability=_data_uri("image/png", probability),
                outlines=tuple(o for o in drawn if o.attributes["scene"] == index),
                total=len(scene.outlines),
                bar_m=bar_m,
                bar_px=bar_m / scene.pixel_m,
            )
        )
    return tuple(maps)


def _data_uri(media: str, content: bytes) -> str:
    return f"data:{media};base64,{base64.b64encode(content).decode('ascii')}" if content else ""


def _outlines(
    scenes: Sequence[SceneView], known: Mapping[tuple[str, str], Mapping[str, Any]]
) -> list[Outline]:
    """The largest outlines that fit the limits on their number and on the size of the file."""
    rows = [
        (index, row)
        for index, scene in enumerate(scenes)
        for row in scene.outlines.itertuples(index=False)
        if row.geometry is not None and not row.geometry.is_empty
    ]
    rows.sort(key=lambda pair: -(text.finite(pair[1].area_m2) or 0.0))
    rows = rows[:MAX_OUTLINES]
    shapes: npt.NDArray[np.object_] = np.array([row.geometry for _, row in rows], dtype=object)
    light = shapes
    for tolerance in _TOLERANCES_PX:
        light = shapely.simplify(shapes, tolerance)
        if shapely.get_num_coordinates(light).sum() <= _PATH_BYTES / _VERTEX_BYTES:
            break
    paths, size = [], 0
    for geometry in light:
        path = svg_path(geometry)
        size += len(path)
        if size > _PATH_BYTES:
            break
        paths.append(path)
    bounds = shapely.bounds(shapes).round(1).tolist()
    return [
        Outline(key, path, _attributes(index, row, bounds[key], scenes[index].id, known))
        for key, (path, (index, row)) in enumerate(zip(paths, rows, strict=False))
    ]


def _attributes(
    index: int,
    row: Any,
    box: list[float],
    scene_id: str,
    known: Mapping[tuple[str, str], Mapping[str, Any]],
) -> dict[str, Any]:
    own = {
        "scene": index,
        "box": box,
        "id": str(row.id),
        "area": text.area(row.area_m2),
        "mean": text.decimal(row.prob_mean),
        "max": text.decimal(row.prob_max),
        "edge": bool(row.edge),
    }
    return own | dict(known.get((scene_id, str(row.id)), {}))
