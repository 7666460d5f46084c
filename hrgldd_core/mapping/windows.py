"""Overlapping windows over a scene, and weights that sum to one at every pixel.

Along each axis a window keeps nothing of its outer ``margin``, where the model lacks context: with
64 pixels, 99.99 % of a U-Net's output is within one level of 250 of that of one large window. It
ramps up linearly over ``blend`` pixels, and is whole in between. Neighbours' ramps mirror each
other. Windows start at multiples of 16 pixels, so that four levels of pooling fall on the same grid
in all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

__all__ = ["Axis", "WindowGrid"]

_POOLING = 16


def _round_up(value: int) -> int:
    return -(-value // _POOLING) * _POOLING


@dataclass(frozen=True)
class Axis:
    """Windows along one axis of ``length`` pixels.

    Attributes:
        length: pixels to cover.
        count: number of windows.
        pitch: distance between their starts.
        margin: pixels of each inner end that are thrown away.
        blend: pixels over which two neighbours are mixed.
    """

    length: int
    count: int
    pitch: int
    margin: int
    blend: int

    @classmethod
    def plan(cls, length: int, *, largest: int, margin: int, blend: int) -> Axis:
        """Windows no longer than ``largest`` (at least 4 (margin + blend)), evenly spread."""
        lead = margin + blend // 2
        if lead % _POOLING or blend % 2:
            raise ValueError("margin + blend / 2 must be a multiple of 16")
        count = -(-length // (largest - largest % _POOLING - 2 * lead))
        return cls(length, count, _round_up(-(-length // count)), margin, blend)

    @property
    def lead(self) -> int:
        """Pixels by which a window reaches before its core."""
        return self.margin + self.blend // 2

    @property
    def size(self) -> int:
        """Length of every window, a multiple of 16."""
        return self.pitch + 2 * self.lead

    def start(self, index: int) -> int:
        """First pixel of a window; may be negative, a window may also end beyond the axis."""
        return index * self.pitch - self.lead

    def settled(self, index: int) -> int:
        """Pixels before this one receive nothing from windows after ``index``."""
        if index == self.count - 1:
            return self.length
        return min(self.start(index + 1) + self.margin, self.length)

    def weight(self, index: int) -> npt.NDArray[np.float32]:
        """Weight of each of a window's pixels, 0 to 1."""
        ramp = (np.arange(self.blend, dtype=np.float32) + 0.5) / max(self.blend, 1)
        weight = np.ones(self.size, np.float32)
        if index > 0:
            weight[: self.margin] = 0
            weight[self.margin : self.margin + self.blend] = ramp
        if index < self.count - 1:
            weight[self.size - self.margin :] = 0
            weight[self.size - self.margin - self.blend : self.size - self.margin] = ramp[::-1]
        return weight


@dataclass(frozen=True)
class WindowGrid:
    """Windows over a (rows, columns) area."""

    rows: Axis
    columns: Axis

    @classmethod
    def plan(
        cls, shape: tuple[int, int], *, largest: int = 1024, margin: int = 64, blend: int = 32
    ) -> WindowGrid:
        """Windows of at most ``largest`` pixels a side over ``shape`` (rows, columns)."""
        rows, columns = (
            Axis.plan(length, largest=largest, margin=margin, blend=blend) for length in shape
        )
        return cls(rows, columns)

    @cached_property
    def overhead(self) -> float:
        """Pixels predicted for each pixel of the area."""
        predicted = self.rows.count * self.rows.size * self.columns.count * self.columns.size
        return predicted / (self.rows.length * self.columns.length)

    def weight(self, row: int, column: int) -> npt.NDArray[np.float32]:
        """(y, x) weights of a window."""
        return np.outer(self.rows.weight(row), self.columns.weight(column))
