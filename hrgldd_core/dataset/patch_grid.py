"""Where the patches of a scene are: a regular grid, in strips that are cut one at a time.

The grid starts at the scene's first pixel, whatever the area of interest. A strip is some rows of
patches: what one task reads, so memory holds a few strips whatever the size of a scene.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["PatchGrid"]

# Higher strips decode more pixels that no patch needs.
_STRIP_ROWS = 512
_HIGHEST = 2048


@dataclass(frozen=True)
class PatchGrid:
    """Where the patches of a scene are: whole ones, within the rows and columns that are wanted.

    Attributes:
        window: rows and columns of the scene that are wanted.
        shape: rows and columns of the scene.
        size: side of a patch, pixels.
        stride: pixels from one patch to the next.
    """

    window: tuple[slice, slice]
    shape: tuple[int, int]
    size: int
    stride: int

    def _numbers(self, axis: int) -> range:
        """Numbers of the whole patches that touch the wanted part."""
        part, length = self.window[axis], self.shape[axis]
        first = max(0, -(-(part.start - self.size + 1) // self.stride))
        last = min((length - self.size) // self.stride, (part.stop - 1) // self.stride)
        return range(first, last + 1)

    @property
    def rows(self) -> range:
        """First row of each row of patches."""
        n = self._numbers(0)
        return range(n.start * self.stride, n.stop * self.stride, self.stride)

    @property
    def columns(self) -> range:
        """First column of each column of patches."""
        n = self._numbers(1)
        return range(n.start * self.stride, n.stop * self.stride, self.stride)

    @property
    def partial(self) -> int:
        """Positions at the lower and right edge of the scene where no whole patch fits."""
        counts = []
        for axis in (0, 1):
            part, length = self.window[axis], self.shape[axis]
            numbers = self._numbers(axis)
            end = numbers.stop * self.stride
            # A position whose patch would begin in the wanted part, on pixels no other covers.
            covered = numbers.stop and (numbers.stop - 1) * self.stride + self.size
            counts.append((len(numbers), int(covered < min(part.stop, length) and end < length)))
        (rows, more_rows), (columns, more_columns) = counts
        return (rows + more_rows) * (columns + more_columns) - rows * columns

    def strips(self, blocks: int = 1) -> Iterator[tuple[int, ...]]:
        """First rows of the patches of each strip.

        Args:
            blocks: rows of a block of the scene's file; a strip is at least as high, so that few
                blocks are decoded twice.
        """
        rows = self.rows
        height = max(_STRIP_ROWS, blocks if blocks <= _HIGHEST else 0)
        each = max(1, (height - self.size) // self.stride + 1)
        for start in range(0, len(rows), each):
            yield tuple(rows[start : start + each])
