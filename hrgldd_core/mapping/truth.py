"""What is known of a synthetic event, beside what was mapped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pystac
from odc.geo.geobox import GeoBox

from hrgldd_core import storage
from hrgldd_core.evaluation.confusion import Confusion
from hrgldd_core.inventory.components import Seams, Tile, label_tile, tiles
from hrgldd_core.inventory.rasterise import polygons_on, rasterise_rows
from hrgldd_core.mapping.plan import MappingParameters
from hrgldd_core.mapping.probability import NODATA, landslide, open_levels
from hrgldd_core.scenes import Scene

__all__ = ["compare_with_truth"]


def compare_with_truth(
    scenes: Mapping[str, Scene],
    items: Mapping[str, pystac.Item],
    probability: Mapping[str, str],
    *,
    parameters: MappingParameters,
) -> dict[str, Any] | None:
    """Pixels and objects against the ``truth`` assets of the items; None when there is none.

    Only what was mapped counts. A true landslide is found when a tenth of its mapped pixels are; a
    mapped one is false when it touches no true one. Objects below the minimum area do not count.

    Args:
        scenes: by id.
        items: by id; ``truth`` is a vector file.
        probability: URI of the probability COG of each scene.
        parameters: of the run.
    """
    total = Confusion()
    found = missed = false = 0
    known = [s for s in scenes.values() if s.synthetic and "truth" in items[s.id].assets]
    for scene in known:
        href = items[scene.id].assets["truth"].href
        confusion, true, mapped, pixel_m2 = _compared(probability[scene.id], href, parameters)
        total += confusion
        least = parameters.min_area_m2 / pixel_m2
        sizes, hits = true.sizes()
        large = sizes >= least
        found += int((large & (hits >= 0.1 * sizes)).sum())
        missed += int((large & (hits < 0.1 * sizes)).sum())
        sizes, hits = mapped.sizes()
        false += int(((sizes >= least) & (hits == 0)).sum())
    if not known:
        return None
    return {
        "precision": total.precision,
        "recall": total.recall,
        "f1": total.f1,
        "iou": total.iou,
        "found": found,
        "missed": missed,
        "false": false,
    }


def _compared(
    probability: str, truth: str, parameters: MappingParameters
) -> tuple[Confusion, _Objects, _Objects, float]:
    """Pixels, true objects, mapped objects of a scene, tile by tile, and the size of a pixel."""
    import shapely

    total = Confusion()
    with open_levels(probability) as (read, grid):
        outlines = _outlines(truth, grid)
        tree = shapely.STRtree(outlines)
        true, mapped = _Objects(grid.shape), _Objects(grid.shape)
        for tile in tiles(grid.shape):
            levels = read(tile.rows, tile.columns)
            part = grid[tile.rows, tile.columns]
            label = rasterise_rows(polygons_on(outlines, tree, part), part).view(bool)
            seen, found = levels != NODATA, landslide(levels, parameters.threshold)
            total += Confusion.of(label, found, counted=seen)
            true.add(tile, label & seen, found)
            mapped.add(tile, found, label)
        return total, true, mapped, grid.resolution.x**2


def _outlines(href: str, grid: GeoBox) -> npt.NDArray[np.object_]:
    """Single polygons of a vector file in a grid's CRS."""
    import geopandas as gpd

    features = storage.read_json(href)["features"]
    frame = gpd.GeoDataFrame.from_features(features, crs="EPSG:4326").to_crs(str(grid.crs))
    single = frame.geometry[~frame.geometry.is_empty].explode(ignore_index=True)
    outlines: npt.NDArray[np.object_] = single.to_numpy(dtype=object)
    return outlines


class _Objects:
    """Connected areas of a mask, and how much of each lies in another mask."""

    def __init__(self, shape: Sequence[int]) -> None:
        self._seams = Seams(shape)
        self._sizes: list[npt.NDArray[np.int64]] = []
        self._hits: list[npt.NDArray[np.int64]] = []

    def add(self, tile: Tile, mask: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_]) -> None:
        """Take in the next tile."""
        labels, count = label_tile(mask)
        self._seams.add(tile, labels, count)
        self._sizes.append(np.bincount(labels.ravel(), minlength=count + 1)[1:])
        self._hits.append(np.bincount(labels[other], minlength=count + 1)[1:])

    def sizes(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Pixels of each area, and those in the other mask."""
        group = self._seams.groups()
        sizes, hits = (
            np.bincount(group, weights=np.concatenate(parts)).astype(np.int64)
            for parts in (self._sizes, self._hits)
        )
        return sizes, hits
