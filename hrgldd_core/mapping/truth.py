"""What is known of a synthetic event, beside what was mapped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pystac
import rasterio
from rasterio.features import rasterize
from scipy import ndimage

from hrgldd_core import storage
from hrgldd_core.evaluation.confusion import Confusion
from hrgldd_core.mapping.plan import MappingPlan
from hrgldd_core.mapping.predict import PROBABILITY_NODATA, PROBABILITY_SCALE
from hrgldd_core.scenes import Scene

__all__ = ["compare_with_truth"]

_EIGHT = np.ones((3, 3), bool)


def compare_with_truth(
    plan: MappingPlan, scenes: Sequence[Scene], items: Mapping[str, pystac.Item]
) -> dict[str, Any] | None:
    """Pixels and objects against the ``truth`` assets of the items; None when there is none.

    Only what was mapped counts. A true landslide is found when a tenth of its mapped pixels are; a
    mapped one is false when it touches no true one.
    """
    import geopandas as gpd

    total = Confusion()
    found = missed = false = 0
    known = [s for s in scenes if s.synthetic and "truth" in items[s.id].assets]
    for scene in known:
        path = storage.join(plan.out, "probability", f"{scene.id}.tif")
        with rasterio.open(storage.gdal_path(path)) as dataset:
            levels = dataset.read(1)
        truth = gpd.read_file(storage.gdal_path(items[scene.id].assets["truth"].href))
        grid = scene.target
        outlines = truth.to_crs(str(grid.crs)).geometry
        label = (
            rasterize(
                ((g, 1) for g in outlines if not g.is_empty),
                out_shape=grid.shape,
                transform=grid.affine,
                dtype="uint8",
            ).astype(bool)
            if len(outlines)
            else np.zeros(grid.shape, bool)
        )
        seen = levels != PROBABILITY_NODATA
        mapped = seen & (levels >= plan.parameters.threshold * PROBABILITY_SCALE - 1e-3)
        total += Confusion.of(label[seen], mapped[seen])
        objects, count = ndimage.label(label & seen, _EIGHT)
        sizes = np.bincount(objects.ravel(), minlength=count + 1)[1:]
        hits = np.bincount(objects[mapped], minlength=count + 1)[1:]
        large = sizes * grid.resolution.x**2 >= plan.parameters.min_area_m2
        found += int((large & (hits >= 0.1 * sizes)).sum())
        missed += int((large & (hits < 0.1 * sizes)).sum())
        areas, count = ndimage.label(mapped, _EIGHT)
        sizes = np.bincount(areas.ravel(), minlength=count + 1)[1:]
        touching = np.bincount(areas[label], minlength=count + 1)[1:]
        large = sizes * grid.resolution.x**2 >= plan.parameters.min_area_m2
        false += int((large & (touching == 0)).sum())
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
