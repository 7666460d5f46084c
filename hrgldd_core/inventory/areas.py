"""Areas above a threshold with their figures and outlines, in windows and bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hrgldd_core.inventory.components import TILE, Seams, Tile, label_tile, tiles
from hrgldd_core.mapping.probability import NODATA, Levels, landslide

if TYPE_CHECKING:
    from shapely import Geometry

__all__ = ["Areas", "ReadLevels", "ReadSources", "find_areas"]

ReadLevels = Callable[[slice, slice], Levels]
"""Stored probabilities of rows and columns within the raster."""

ReadSources = Callable[[slice, slice], npt.NDArray[np.uint16]]
"""Number of the scene that each pixel is from."""


@dataclass(frozen=True)
class Areas:
    """Connected areas, by their first pixel from the top left.

    Attributes:
        outlines: valid polygons in pixels, x to the right and y down.
        pixels: of each.
        total: sum of their stored probabilities.
        highest: largest stored probability.
        edge: whether a pixel touches the border of the raster or `NODATA`.
        sources: (area, source) pairs, sorted; none where sources were not read.
    """

    outlines: npt.NDArray[np.object_]
    pixels: npt.NDArray[np.int64]
    total: npt.NDArray[np.int64]
    highest: npt.NDArray[np.int64]
    edge: npt.NDArray[np.bool_]
    sources: npt.NDArray[np.int64]


def find_areas(
    read: ReadLevels,
    shape: Sequence[int],
    *,
    threshold: float,
    sources: ReadSources | None = None,
    side: int = TILE,
) -> Areas:
    """Outline the areas where the probability reaches a threshold.

    Memory holds one tile and the areas found, whatever the size of the raster; the result does not
    depend on the tiles.

    Args:
        read: gives the stored probabilities.
        shape: (rows, columns) of the raster.
        threshold: of the probability.
        sources: gives the scene of each pixel.
        side: of a tile, pixels; its area must fit 32 bits, so at most 46 340.
    """
    seams = Seams(shape)
    found = [
        piece
        for tile in tiles(shape, side)
        if (piece := _pieces(tile, seams, read, threshold, sources)) is not None
    ]
    return _united(found, seams)


@dataclass(frozen=True)
class _Pieces:
    """Areas of one tile."""

    outlines: npt.NDArray[np.object_]
    figures: npt.NDArray[np.int64]
    sources: npt.NDArray[np.int64]


def _pieces(
    tile: Tile, seams: Seams, read: ReadLevels, threshold: float, sources: ReadSources | None
) -> _Pieces | None:
    levels = read(tile.rows, tile.columns)
    mask, unseen = landslide(levels, threshold), levels == NODATA
    # A dense tile has millions of pixels: nothing of each is in 64 bits. What `ufunc.at` combines
    # is of one type, for NumPy is 25 times as slow when it must convert.
    places = np.flatnonzero(mask).astype(np.int32)
    if not len(places):
        seams.add(tile, None, 0, unseen=unseen)
        return None
    labels, count = label_tile(mask)
    offset = seams.add(tile, labels, count, unseen=unseen)
    owner = labels.ravel()[places] - 1
    values = levels.ravel()[places]
    highest = np.zeros(count, np.uint8)
    np.maximum.at(highest, owner, values)
    edge = np.zeros(count, np.int64)
    if unseen.any():
        edge[owner[_beside(unseen).ravel()[places]]] = 1
    first = np.full(count, mask.size, np.int32)
    np.minimum.at(first, owner, places)
    down, right = np.divmod(first.astype(np.int64), mask.shape[1])
    figures = np.stack(
        [
            np.bincount(owner, minlength=count),
            np.bincount(owner, weights=values, minlength=count).astype(np.int64),
            highest,
            edge,
            ((down + tile.rows.start) << 32) + right + tile.columns.start,
        ]
    )
    del unseen, values
    members = np.empty((0, 2), np.int64)
    if sources is not None:
        scenes = sources(tile.rows, tile.columns).ravel()[places].astype(np.int64)
        keys = np.unique((owner.astype(np.int64) << 16) | scenes)
        members = np.stack([(keys >> 16) + offset, keys & 0xFFFF], axis=1)
    rows, columns = np.divmod(places, np.int32(mask.shape[1]))
    del mask, places
    outlines = _outlines(_packed(rows, columns, owner, count, labels), tile)
    return _Pieces(outlines, figures, members)


def _beside(unseen: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """(y, x) what is, or touches, what was not seen within the tile."""
    across = unseen.copy()
    across[:, 1:] |= unseen[:, :-1]
    across[:, :-1] |= unseen[:, 1:]
    touched = across.copy()
    touched[1:] |= across[:-1]
    touched[:-1] |= across[1:]
    return touched


@dataclass(frozen=True)
class _Packed:
    """Areas of a tile moved close together: tracing takes as long as the pixels that it passes.

    Attributes:
        labels: (y, x) number of the area from 1, 0 where there is none.
        moved: (area, 2) pixels to the right and down by which each was.
    """

    labels: npt.NDArray[np.int32]
    moved: npt.NDArray[np.int32]


def _packed(
    rows: npt.NDArray[np.int32],
    columns: npt.NDArray[np.int32],
    owner: npt.NDArray[np.int32],
    count: int,
    labels: npt.NDArray[np.int32],
) -> _Packed:
    """Areas side by side in shelves, the tallest first; as they are where that takes no less.

    Areas may touch then: each has a number of its own.

    Args:
        rows: (pixel,) of the areas' pixels, in the tile.
        columns: (pixel,) of the same.
        owner: (pixel,) area of each, from 0.
        count: of areas.
        labels: (y, x) where they are.
    """
    first = np.full((2, count), max(labels.shape), np.int32)
    last = np.zeros((2, count), np.int32)
    for axis, places in enumerate((columns, rows)):
        np.minimum.at(first[axis], owner, places)
        np.maximum.at(last[axis], owner, places)
    widths, heights = last - first + 1
    by_height = np.argsort(-heights, kind="stable")
    target = np.empty((count, 2), np.int32)
    left = top = shelf = 0
    for area, width, height in zip(
        *(a.tolist() for a in (by_height, widths[by_height], heights[by_height])), strict=True
    ):
        if left + width > labels.shape[1]:
            left, top, shelf = 0, top + shelf, 0
        target[area] = left, top
        left, shelf = left + width, max(shelf, height)
    if top + shelf >= len(labels):
        return _Packed(labels, np.zeros((count, 2), np.int32))
    moved = target - first.T
    packed = np.zeros((top + shelf, labels.shape[1]), np.int32)
    packed[rows + moved[owner, 1], columns + moved[owner, 0]] = owner + 1
    return _Packed(packed, moved)


def _outlines(packed: _Packed, tile: Tile) -> npt.NDArray[np.object_]:
    """Outline of each area, in pixels of the whole raster; rings may touch themselves."""
    import shapely
    from rasterio.features import shapes

    areas: list[int] = []
    rings_of: list[int] = []
    points: list[list[tuple[float, float]]] = []
    for outline, label in shapes(packed.labels, mask=packed.labels > 0, connectivity=8):
        rings = outline["coordinates"]
        areas.append(int(label) - 1)
        rings_of.append(len(rings))
        points += rings
    lengths = np.array([len(ring) for ring in points])
    ends = np.concatenate([[0], np.cumsum(lengths)])
    flat = np.fromiter(chain.from_iterable(chain.from_iterable(points)), float, 2 * ends[-1])
    shift = np.array([tile.columns.start, tile.rows.start]) - packed.moved[areas]
    coordinates = flat.reshape(-1, 2) + np.repeat(
        np.repeat(shift, rings_of, axis=0), lengths, axis=0
    )
    traced: npt.NDArray[np.object_] = shapely.from_ragged_array(
        shapely.GeometryType.POLYGON,
        coordinates,
        (ends, np.concatenate([[0], np.cumsum(rings_of)])),
    )
    return traced[np.argsort(areas)]


def _united(found: list[_Pieces], seams: Seams) -> Areas:
    """Pieces of all tiles to areas."""
    group = seams.groups()
    count = int(group.max()) + 1 if len(group) else 0
    none = np.empty((0, 2), np.int64)
    pixels, total, highest, edge = (np.zeros(count, np.int64) for _ in range(4))
    first = np.full(count, np.iinfo(np.int64).max)
    outlines = np.empty(count, object)
    if found:
        figures = np.concatenate([p.figures for p in found], axis=1)
        np.add.at(pixels, group, figures[0])
        np.add.at(total, group, figures[1])
        np.maximum.at(highest, group, figures[2])
        np.maximum.at(edge, group, figures[3])
        np.minimum.at(first, group, figures[4])
        edge[group[seams.cut()]] = 1
        outlines = _join(np.concatenate([p.outlines for p in found]), group, count)
    members = np.concatenate([none, *(p.sources for p in found)])
    order = np.argsort(first)
    rank = np.empty(count, np.int64)
    rank[order] = np.arange(count)
    if len(members):
        members = np.stack([rank[group[members[:, 0]]], members[:, 1]], axis=1)
        members = np.unique(members, axis=0)
    return Areas(
        outlines[order],
        pixels[order],
        total[order],
        highest[order],
        edge[order].astype(bool),
        members,
    )


def _join(
    pieces: npt.NDArray[np.object_], group: npt.NDArray[np.int32], count: int
) -> npt.NDArray[np.object_]:
    """One valid polygon for the pieces of each group, without a trace of the seams."""
    import shapely

    valid = pieces.copy()
    broken = ~shapely.is_valid(pieces)
    valid[broken] = shapely.make_valid(pieces[broken], method="structure", keep_collapsed=False)
    joined = np.empty(count, object)
    sizes = np.bincount(group, minlength=count)
    alone = sizes[group] == 1
    joined[group[alone]] = valid[alone]
    cut = np.flatnonzero(~alone)
    cut = cut[np.argsort(group[cut], kind="stable")]
    split = np.flatnonzero(np.diff(group[cut])) + 1
    for part in np.split(cut, split) if len(cut) else ():
        joined[group[part[0]]] = _straight(shapely.union_all(valid[part]))
    return joined


def _straight(outline: Geometry) -> Geometry:
    """The same outline without points on straight lines, which a union leaves where seams end."""
    import shapely

    kind, points, offsets = shapely.to_ragged_array([outline])
    ends = offsets[0]
    keep = np.ones(len(points), bool)
    steps = np.diff(points, axis=0)
    turns = steps[:-1, 0] * steps[1:, 1] != steps[:-1, 1] * steps[1:, 0]
    keep[1:-1] = turns
    keep[ends[1:-1]] = keep[ends[1:] - 1] = True
    kept = np.concatenate([[0], np.cumsum(keep)])[ends]
    straight: Geometry = shapely.from_ragged_array(kind, points[keep], (kept, *offsets[1:]))[0]
    return straight
