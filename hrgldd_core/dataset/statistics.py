"""What a data set holds, site by site: the columns of the paper's Table 1 for any data set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from hrgldd_core.dataset.patches import IGNORE, PatchSet
from hrgldd_core.progress import Progress, no_progress

__all__ = ["DatasetStatistics", "SiteStatistics", "dataset_statistics"]

_TOTAL = "total"


@dataclass(frozen=True)
class SiteStatistics:
    """A row of the table.

    Attributes:
        site: name of the site, or of the split where sites are unknown.
        tiles: patches.
        area_km2: that the patches cover, each counted whole.
        landslides: how many.
        min_area_m2: of the smallest landslide; None without one.
        max_area_m2: of the largest.
        total_area_m2: of all together.
        positive_share: of the labelled pixels; None without any.
        areas_m2: of each landslide, ascending.
    """

    site: str
    tiles: int
    area_km2: float
    landslides: int
    min_area_m2: float | None
    max_area_m2: float | None
    total_area_m2: float
    positive_share: float | None
    areas_m2: npt.NDArray[np.float64] = field(repr=False, compare=False)

    def row(self) -> dict[str, Any]:
        """Without the single areas."""
        return {k: v for k, v in asdict(self).items() if k != "areas_m2"}


@dataclass(frozen=True)
class DatasetStatistics:
    """The table.

    Attributes:
        rows: of each site.
        total: of all sites together.
        by: ``site``, or ``split`` where sites are unknown.
        counted: where the landslides were counted: ``inventory`` (outlines that touch a patch) or
            ``masks`` (connected pixels within a patch, diagonals too, so that a landslide that
            lies in two patches counts in each).
    """

    rows: tuple[SiteStatistics, ...]
    total: SiteStatistics
    by: str
    counted: str


@dataclass
class _Count:
    tiles: int = 0
    square_metres: float = 0.0
    positive: int = 0
    known: int = 0
    areas: list[npt.NDArray[np.float64]] = field(default_factory=list)


def dataset_statistics(
    patches: PatchSet,
    pixel_m2: npt.NDArray[np.float64],
    *,
    inventory: Mapping[int, npt.NDArray[np.float64]] | None = None,
    progress: Progress = no_progress,
) -> DatasetStatistics:
    """Take the statistics in one pass over the labels.

    Args:
        patches: the data set.
        pixel_m2: (N,) area of a pixel of each patch.
        inventory: area (m2) of each landslide of each site, by the site's number; without it
            landslides are counted in the masks.
        progress: told patches.

    Raises:
        InputError: when the data set holds labels or pixel values that cannot be used.
    """
    by, numbers, names = _rows_of(patches)
    counts = [_Count() for _ in names]
    start = 0
    for _, labels in patches.batches():
        for label in labels:
            count, area = counts[numbers[start]], float(pixel_m2[start])
            count.tiles += 1
            count.square_metres += label.size * area
            count.known += int((label != IGNORE).sum())
            count.positive += int((label == 1).sum())
            if inventory is None:
                count.areas.append(_components(label) * area)
            start += 1
        progress("reading patches", start, len(patches))
    if inventory is not None:
        for number, areas in inventory.items():
            counts[number].areas.append(areas)
    rows = tuple(
        _summary(name, count) for name, count in zip(names, counts, strict=True) if count.tiles
    )
    everything = _Count(
        sum(c.tiles for c in counts),
        sum(c.square_metres for c in counts),
        sum(c.positive for c in counts),
        sum(c.known for c in counts),
        [areas for c in counts for areas in c.areas],
    )
    counted = "masks" if inventory is None else "inventory"
    return DatasetStatistics(rows, _summary(_TOTAL, everything), by, counted)


def _rows_of(patches: PatchSet) -> tuple[str, npt.NDArray[np.int64], list[str]]:
    """What a row stands for, the row of each patch, and the name of each row."""
    known = patches.sites or len(np.unique(patches.groups)) > 1
    if not known and patches.splits is not None:
        names, numbers = np.unique(patches.splits, return_inverse=True)
        order = {name: i for i, name in enumerate(("train", "val", "test"))}
        ranks = sorted(range(len(names)), key=lambda i: order.get(str(names[i]), len(order)))
        return "split", np.argsort(ranks)[numbers], [str(names[i]) for i in ranks]
    if patches.sites:
        return "site", patches.groups, list(patches.sites)
    groups, numbers = np.unique(patches.groups, return_inverse=True)
    return "site", numbers.astype(np.int64), [patches.site_name(int(group)) for group in groups]


def _components(label: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Pixels of each connected landslide of a mask."""
    from scipy import ndimage

    numbered, count = ndimage.label(label == 1, np.ones((3, 3), bool))
    return np.bincount(numbered.ravel(), minlength=count + 1)[1:].astype(float)


def _summary(name: str, count: _Count) -> SiteStatistics:
    areas = np.sort(np.concatenate([*count.areas, np.empty(0)]))
    return SiteStatistics(
        site=name,
        tiles=count.tiles,
        area_km2=count.square_metres / 1e6,
        landslides=len(areas),
        min_area_m2=float(areas[0]) if len(areas) else None,
        max_area_m2=float(areas[-1]) if len(areas) else None,
        total_area_m2=float(areas.sum()),
        positive_share=count.positive / count.known if count.known else None,
        areas_m2=areas,
    )
