"""Counts of every patch, from which every figure of any group of patches follows.

Patches are read once for all models together, in batches; what is kept of a patch are some thirty
counts and, until the report is written, one bit a pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from hrgldd_core.dataset.patches import PatchSet
from hrgldd_core.evaluation.boundary import BOUNDARY_COLUMNS, TOLERANCE_PX, boundary_counts
from hrgldd_core.evaluation.histogram import Histogram
from hrgldd_core.evaluation.objects import MIN_SIZE_PX, OBJECT_COLUMNS, SHARE, object_counts
from hrgldd_core.evaluation.threshold import TOLERANCE
from hrgldd_core.normalise import BandStatistics
from hrgldd_core.progress import Progress, no_progress

__all__ = ["COLUMNS", "Batch", "Contender", "Scores", "Settings", "score", "score_patches"]

COLUMNS = ("tp", "fp", "fn", "tn", *BOUNDARY_COLUMNS, *OBJECT_COLUMNS)
"""Columns of the table of counts."""

_BATCH = 64


@dataclass(frozen=True)
class Batch:
    """Patches to predict.

    Attributes:
        images: (n, y, x, band).
        labels: (n, y, x), 255 where nothing is known.
        bands: common name of each band.
        statistics: of the site of each patch; None where sites are not known.
        start: number of the first patch.
        total: patches of the whole set.
    """

    images: npt.NDArray[Any]
    labels: npt.NDArray[np.uint8]
    bands: tuple[str, ...]
    statistics: Sequence[BandStatistics] | None
    start: int
    total: int


class Contender(Protocol):
    """What is scored: a model, or predictions that somebody stored."""

    @property
    def name(self) -> str:
        """How tables and figures call it."""

    @property
    def threshold(self) -> float:
        """Probability from which a pixel is landslide."""

    def predict(self, batch: Batch) -> npt.NDArray[np.floating]:
        """(n, y, x) probabilities."""


@dataclass(frozen=True)
class Settings:
    """What objects and boundaries depend on.

    Attributes:
        pixel_m: side of a pixel, metres.
        min_size_px: smaller areas are no objects.
        share: of an object from which it counts as covered.
        tolerance_px: distance up to which boundaries agree.
    """

    pixel_m: float = 3.0
    min_size_px: int = MIN_SIZE_PX
    share: float = SHARE
    tolerance_px: float = TOLERANCE_PX


@dataclass(frozen=True)
class Scores:
    """What one contender did on one set of patches.

    Attributes:
        table: (N, K) counts of each patch, as in `COLUMNS`.
        histograms: of the probabilities, by cell.
        cells: (N,) the cell of each patch: patches that no row of a table ever parts.
        binary: the predictions hold 0 and 1 only: they have no curves.
        bits: file with the mapped pixels of each patch, eight a byte; None when not kept.
    """

    table: npt.NDArray[np.int64]
    histograms: dict[int, Histogram]
    cells: npt.NDArray[np.int64]
    binary: bool = False
    bits: Path | None = None

    def histogram(self, cells: Sequence[int]) -> Histogram:
        """Of the patches of some cells together."""
        return sum((self.histograms[c] for c in cells if c in self.histograms), Histogram.empty())

    def mapped(self, patch: int, shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
        """(y, x) pixels of a patch that were mapped as landslide."""
        if self.bits is None:
            raise ValueError("the predictions were not kept")
        size = -(-shape[0] * shape[1] // 8)
        with self.bits.open("rb") as file:
            file.seek(patch * size)
            packed = np.frombuffer(file.read(size), np.uint8)
        return np.unpackbits(packed, count=shape[0] * shape[1]).reshape(shape).astype(bool)


@dataclass
class _Tally:
    """Scores in the making."""

    cells: npt.NDArray[np.int64]
    rows: list[npt.NDArray[np.int64]] = field(default_factory=list)
    histograms: dict[int, Histogram] = field(default_factory=dict)
    binary: bool = True
    bits: Path | None = None

    def add(
        self,
        probability: npt.NDArray[np.floating],
        batch: Batch,
        *,
        threshold: float,
        settings: Settings,
    ) -> None:
        labels = batch.labels
        mapped = probability >= threshold - TOLERANCE
        self.rows.append(score_patches(mapped, labels, settings=settings))
        here = self.cells[batch.start : batch.start + len(labels)]
        for cell in np.unique(here).tolist():
            found = Histogram.of(probability[here == cell], labels[here == cell])
            self.histograms[cell] = self.histograms.get(cell, Histogram.empty()) + found
        self.binary = self.binary and bool(((probability == 0) | (probability == 1)).all())
        if self.bits is not None:
            with self.bits.open("ab") as file:
                file.write(np.packbits(mapped.reshape(len(mapped), -1), axis=1).tobytes())

    def finished(self) -> Scores:
        table = np.concatenate(self.rows)
        return Scores(table, self.histograms, self.cells, self.binary, self.bits)


def score_patches(
    mapped: npt.NDArray[np.bool_],
    labels: npt.NDArray[np.uint8],
    *,
    settings: Settings = Settings(),
) -> npt.NDArray[np.int64]:
    """(N, K) counts as in `COLUMNS` of (N, y, x) masks against labels; only 0 and 1 count."""
    known, truth = labels <= 1, labels == 1
    pixels = [
        np.count_nonzero(m, axis=(1, 2))
        for m in (
            truth & mapped,
            mapped & known & ~truth,
            truth & ~mapped,
            known & ~truth & ~mapped,
        )
    ]
    return np.concatenate(
        [
            np.stack(pixels, axis=1),
            boundary_counts(truth, mapped, known, tolerance=settings.tolerance_px),
            object_counts(
                truth,
                mapped,
                known,
                pixel_m=settings.pixel_m,
                min_size=settings.min_size_px,
                share=settings.share,
            ),
        ],
        axis=1,
    )


def score(
    contenders: Sequence[Contender],
    patches: PatchSet,
    *,
    cells: npt.NDArray[np.int64],
    settings: Settings = Settings(),
    keep: Path | None = None,
    task: str = "predicting",
    progress: Progress = no_progress,
) -> list[Scores]:
    """Scores of each contender on the same patches, which are read once.

    Args:
        contenders: what to score.
        patches: on what.
        cells: (N,) the cell of each patch.
        settings: of objects and boundaries.
        keep: folder for the mapped pixels; None keeps none.
        task: what progress is told of.
        progress: told patches done.
    """
    from hrgldd_core.dataset.radiometry import patch_statistics

    statistics = None
    if patches.statistics is not None or len(np.unique(patches.groups)) > 1:
        statistics = patch_statistics(patches, of="group")
    files = [None if keep is None else keep / f"{i}.bits" for i in range(len(contenders))]
    tallies = [_Tally(cells, bits=file) for file in files]
    start = 0
    for images, labels in patches.batches(_BATCH):
        stop = start + len(images)
        of_batch = statistics[start:stop] if statistics else None
        batch = Batch(images, labels, patches.bands, of_batch, start, len(patches))
        for contender, tally in zip(contenders, tallies, strict=True):
            probability = contender.predict(batch)
            tally.add(probability, batch, threshold=contender.threshold, settings=settings)
        start = stop
        progress(task, start, len(patches))
    return [tally.finished() for tally in tallies]
