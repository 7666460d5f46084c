"""What is known of a synthetic event, beside what was mapped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pystac
from odc.geo.geobox import GeoBox
from rasterio.features import rasterize
from scipy import ndimage

from hrgldd_core import storage
from hrgldd_core.evaluation.confusion import Confusion
from hrgldd_core.mapping.plan import MappingParameters
from hrgldd_core.mapping.probability import NODATA, landslide, read_levels
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
        levels, grid = read_levels(probability[scene.id])
        seen = levels != NODATA
        mapped = landslide(levels, parameters.threshold)
        label = _rasterised(items[scene.id].assets["truth"].href, grid)
        total += Confusion.of(label, mapped, counted=seen)
        least = parameters.min_area_m2 / grid.resolution.x**2
        sizes, hits = _objects(label & seen, mapped)
        large = sizes >= least
        found += int((large & (hits >= 0.1 * sizes)).sum())
        missed += int((large & (hits < 0.1 * sizes)).sum())
        sizes, hits = _objects(mapped, label)
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


def _rasterised(href: str, grid: GeoBox) -> npt.NDArray[np.bool_]:
    import geopandas as gpd

    features = storage.read_json(href)["features"]
    outlines = gpd.GeoDataFrame.from_features(features, crs="EPSG:4326").to_crs(str(grid.crs))
    shapes = [(outline, 1) for outline in outlines.geometry if not outline.is_empty]
    if not shapes:
        return np.zeros(grid.shape, bool)
    burnt = rasterize(shapes, out_shape=grid.shape, transform=grid.affine, dtype="uint8")
    return np.asarray(burnt, bool)


def _objects(
    mask: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Pixels of each connected area, and how many of them lie in another mask."""
    labels, count = ndimage.label(mask, np.ones((3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    return sizes, np.bincount(labels[other], minlength=count + 1)[1:]
