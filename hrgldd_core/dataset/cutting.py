"""Cutting a scene: all of its strips, and as many patches without a landslide as are wanted."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from hrgldd_core.dataset.parameters import DatasetParameters
from hrgldd_core.dataset.patch_grid import PatchGrid
from hrgldd_core.dataset.sample import Corners, Cut, StripTask
from hrgldd_core.dataset.strip import sample_parts
from hrgldd_core.dataset.units import Unit
from hrgldd_core.dataset.workers import Workers, cut_in_order
from hrgldd_core.inventory.rasterise import polygons_on
from hrgldd_core.normalise import BandStatistics, band_statistics
from hrgldd_core.progress import Progress, no_progress

__all__ = ["UnitCut", "cut_unit"]

# Candidates for negatives that are read at a time.
_BATCH = 512


@dataclass
class UnitCut:
    """What came of a scene.

    Attributes:
        polygons: of the inventory that touch the part that is wanted.
        positions: of whole patches.
        partial: positions at the edge where no whole patch fits; left out.
        kept: patches with a landslide.
        negatives: patches without one that were kept.
        empty: patches without a landslide pixel that were left out.
        unusable: patches with too few usable pixels that were left out.
        unseen: patches whose landslide pixels are all unusable; left out.
        statistics: of the whole scene, as in mapping; None when no pixel of it is usable.
    """

    polygons: int = 0
    positions: int = 0
    partial: int = 0
    kept: int = 0
    negatives: int = 0
    empty: int = 0
    unusable: int = 0
    unseen: int = 0
    statistics: BandStatistics | None = field(default=None)

    def counts(self) -> dict[str, int]:
        """The numbers by name."""
        return {k: v for k, v in vars(self).items() if isinstance(v, int)}


def cut_unit(
    unit: Unit,
    parameters: DatasetParameters,
    pool: Workers,
    *,
    take: Callable[[Cut], None],
    progress: Progress = no_progress,
) -> UnitCut:
    """Cut all patches of a scene.

    The result, and its order, depend on nothing but the unit and the parameters.

    Args:
        unit: the scene.
        parameters: of the dataset.
        pool: who cuts.
        take: given what was cut, strip by strip.
        progress: told the strips.

    Raises:
        InputError: when the scene cannot be read.
    """
    plan = _Plan(unit, parameters)
    done = UnitCut(
        polygons=plan.polygons_wanted,
        positions=len(plan.grid.rows) * len(plan.grid.columns),
        partial=plan.grid.partial,
    )
    total = len(plan.strips)
    samples: list[npt.NDArray[Any]] = []
    empty = [np.zeros((0, 2), np.int64)]
    progress(unit.key, 0, total)
    for cut in cut_in_order(pool, (plan.task(number) for number in range(total))):
        done.kept += len(cut.corners)
        done.unusable += cut.unusable
        done.unseen += cut.unseen
        empty.append(cut.negatives)
        if len(cut.samples):
            samples.append(cut.samples)
        take(cut)
        progress(unit.key, len(empty) - 1, total)
    if samples:
        done.statistics = band_statistics(np.concatenate(samples))
    candidates = np.concatenate(empty)
    unusable = done.unusable
    for cut in _negatives(plan, candidates, round(parameters.negatives * done.kept), pool):
        done.negatives += len(cut.corners)
        done.unusable += cut.unusable
        take(cut)
    done.empty = len(candidates) - done.negatives - (done.unusable - unusable)
    return done


class _Plan:
    """The tasks of a scene."""

    def __init__(self, unit: Unit, parameters: DatasetParameters) -> None:
        import shapely

        scene = unit.scene
        height, width = scene.geobox.shape
        self.unit, self.parameters = unit, parameters
        self.grid = PatchGrid(scene.window, (height, width), parameters.size, parameters.stride)
        self.strips = list(self.grid.strips(unit.block_rows))
        self._polygons = unit.inventory.in_crs(str(scene.geobox.crs))
        self._tree = shapely.STRtree(self._polygons)
        self.polygons_wanted = len(polygons_on(self._polygons, self._tree, scene.target))
        self._lattice = sample_parts(scene, [rows[0] for rows in self.strips])

    def task(self, number: int, wanted: Corners | None = None) -> StripTask:
        """The task of a strip: its landslides, or the negatives at some corners."""
        scene, rows, size = self.unit.scene, self.strips[number], self.parameters.size
        return StripTask(
            scene=scene,
            rows=rows,
            columns=self.grid.columns,
            size=size,
            polygons=polygons_on(
                self._polygons, self._tree, scene.geobox[rows[0] : rows[-1] + size, :]
            ),
            all_touched=self.parameters.all_touched,
            min_usable=self.parameters.min_usable,
            samples=self._lattice[number] if wanted is None else (),
            wanted=wanted,
        )

    def tasks(self, wanted: Corners) -> Iterator[StripTask]:
        """The tasks that cut these corners, sorted by row and column."""
        for number, rows in enumerate(self.strips):
            here = wanted[np.isin(wanted[:, 0], rows)]
            if len(here):
                yield self.task(number, here[np.lexsort((here[:, 1], here[:, 0]))])


def _negatives(plan: _Plan, corners: Corners, quota: int, pool: Workers) -> Iterator[Cut]:
    """Cut patches without a landslide, in an order of chance, until there are enough.

    The order depends on the seed and on what a patch is, not on which worker met it first.
    """
    start = f"{plan.parameters.seed}:{plan.unit.key}:"
    keys = [hashlib.sha256(f"{start}{r}:{c}".encode()).digest() for r, c in corners.tolist()]
    order = sorted(range(len(corners)), key=keys.__getitem__)
    while quota > 0 and order:
        # No more than are lacking: none that is usable is thrown away.
        batch, order = order[: min(quota, _BATCH)], order[min(quota, _BATCH) :]
        for cut in cut_in_order(pool, plan.tasks(corners[batch])):
            quota -= len(cut.corners)
            yield cut
