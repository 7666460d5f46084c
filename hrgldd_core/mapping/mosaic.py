"""Overlapping scenes to one map: for each pixel its best observation, and where that is from."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from hrgldd_core import storage
from hrgldd_core.errors import InputError
from hrgldd_core.inventory.components import TILE, Tile, tiles
from hrgldd_core.inventory.polygonise import SourceScene
from hrgldd_core.mapping.mosaic_cog import mosaic_cogs
from hrgldd_core.mapping.mosaic_rule import MosaicRule, ranks
from hrgldd_core.mapping.probability import NODATA, Levels
from hrgldd_core.mapping.zones import same_pixels, zone_grid
from hrgldd_core.scenes.open import on_grid
from hrgldd_core.scenes.patience import DRIVER, Patient

__all__ = ["Mosaic", "make_mosaic"]

_MOST_SCENES = np.iinfo(np.uint16).max
_MOST_OPEN = 64
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Mosaic:
    """A zone's map in two finished local files.

    Attributes:
        grid: of both.
        scenes: ids of what it was made from.
        probability: COG, as that of a scene.
        source: COG, uint16: number of the scene that each pixel is from, 0 for none.
    """

    grid: GeoBox
    scenes: tuple[str, ...]
    probability: Path
    source: Path


@dataclass(frozen=True)
class _Layer:
    """A scene of the mosaic: ``rows`` and ``columns`` of the mosaic that it covers."""

    number: int
    href: str
    grid: GeoBox
    rows: slice
    columns: slice


def make_mosaic(
    grids: Mapping[str, GeoBox],
    probability: Mapping[str, str],
    *,
    scenes: Sequence[SourceScene],
    rule: MosaicRule,
    threshold: float,
    folder: Path,
    side: int = TILE,
) -> Mosaic:
    """Put the scenes of one zone together, tile by tile.

    Pixels of scenes on other grids than most of the zone are the nearest ones.

    Args:
        grids: of the zone's scenes, by id; in one CRS.
        probability: URI of the probability COG of each.
        scenes: of the whole run; pixels are numbered by them, from 1.
        rule: which observation counts.
        threshold: of the run, for ``confidence``.
        folder: where the two files are written.
        side: of a tile, pixels, a multiple of 512.

    Raises:
        InputError: with more scenes than `uint16` can number.
    """
    if len(scenes) > _MOST_SCENES:
        raise InputError(
            f"{len(scenes)} scenes are too many for one mosaic",
            remedy=f"Divide the event into runs of at most {_MOST_SCENES}",
        )
    whole = zone_grid(grids)
    layers = []
    # Of two equal observations the later one stays; ids decide between those of one time.
    for number, scene in sorted(enumerate(scenes, 1), key=lambda s: s[1].id):
        if scene.id in grids:
            rows, columns = _place(grids[scene.id], whole)
            layers.append(_Layer(number, probability[scene.id], grids[scene.id], rows, columns))
    layers.sort(key=lambda layer: scenes[layer.number - 1].acquired or _NEVER, reverse=True)
    rank_of = ranks(rule, threshold)
    with _open_layers(whole) as read:
        composed = (
            (tile, *_compose(tile, touching, rank_of, read))
            for tile in tiles(whole.shape, side)
            if (touching := [layer for layer in layers if _touch(layer, tile)])
        )
        paths = mosaic_cogs(composed, whole, folder)
    return Mosaic(whole, tuple(grids), *paths)


def _place(grid: GeoBox, whole: GeoBox) -> tuple[slice, slice]:
    """Rows and columns of the whole that a grid touches."""
    size, left, top = whole.affine.a, whole.affine.c, whole.affine.f
    extent = grid.extent.boundingbox
    first = np.floor([(top - extent.top) / size + 1e-3, (extent.left - left) / size + 1e-3])
    last = np.ceil([(top - extent.bottom) / size - 1e-3, (extent.right - left) / size - 1e-3])
    rows, columns = (
        slice(max(0, int(a)), min(length, int(b)))
        for a, b, length in zip(first, last, whole.shape, strict=True)
    )
    return rows, columns


def _touch(layer: _Layer, tile: Tile) -> bool:
    return bool(
        layer.rows.start < tile.rows.stop
        and tile.rows.start < layer.rows.stop
        and layer.columns.start < tile.columns.stop
        and tile.columns.start < layer.columns.stop
    )


def _compose(
    tile: Tile, layers: Sequence[_Layer], rank_of: npt.NDArray[np.int16], read: Any
) -> tuple[Levels, npt.NDArray[np.uint16]]:
    """The best observation of each pixel of a tile, and its scene's number."""
    shape = tile.rows.stop - tile.rows.start, tile.columns.stop - tile.columns.start
    best = np.full(shape, NODATA, np.uint8)
    source = np.zeros(shape, np.uint16)
    held = np.full(shape, -1, np.int16)
    highest = rank_of.max()
    for layer in layers:
        rows, columns = (
            slice(max(a.start, b.start), min(a.stop, b.stop))
            for a, b in ((layer.rows, tile.rows), (layer.columns, tile.columns))
        )
        part = (
            slice(rows.start - tile.rows.start, rows.stop - tile.rows.start),
            slice(columns.start - tile.columns.start, columns.stop - tile.columns.start),
        )
        if (held[part] == highest).all():
            continue
        levels = read(layer, rows, columns)
        rank = rank_of[levels]
        better = rank > held[part]
        best[part][better] = levels[better]
        source[part][better] = layer.number
        held[part][better] = rank[better]
    return best, source


@contextmanager
def _open_layers(whole: GeoBox) -> Iterator[Any]:
    """A function that reads rows and columns of the whole from a layer; few files are open."""
    held: OrderedDict[int, Patient[Any]] = OrderedDict()

    def opened(layer: _Layer) -> Patient[Any]:
        if layer.number not in held:
            if len(held) >= _MOST_OPEN:
                held.popitem(last=False)[1].close()
            path = storage.gdal_path(layer.href)

            def on_whole(stack: ExitStack) -> Any:
                dataset = stack.enter_context(closing(rasterio.open(path, driver=DRIVER)))
                if same_pixels(layer.grid, whole):
                    return dataset
                part = whole[layer.rows, layer.columns]
                return stack.enter_context(closing(on_grid(dataset, part)))

            held[layer.number] = Patient(on_whole, lambda: (path,))
        held.move_to_end(layer.number)
        return held[layer.number]

    def read(layer: _Layer, rows: slice, columns: slice) -> Levels:
        window = Window(
            columns.start - layer.columns.start, rows.start - layer.rows.start,
            columns.stop - columns.start, rows.stop - rows.start,
        )  # fmt: skip
        levels: Levels = opened(layer)(lambda dataset: dataset.read(1, window=window))
        return levels

    try:
        yield read
    finally:
        for raster in held.values():
            raster.close()
