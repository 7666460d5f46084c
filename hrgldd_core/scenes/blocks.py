"""How many bytes of a file hold the pixels of a window, by the file's own table of blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from odc.geo.geobox import GeoBox
from rasterio.enums import Interleaving
from rasterio.warp import transform_bounds

from hrgldd_core.grid import crs_of

__all__ = ["stored_bytes", "stored_bytes_on_grid"]


def stored_bytes(dataset: Any, indexes: Sequence[int], rows: slice, columns: slice) -> int:
    """Bytes (compressed, as stored) of the blocks of a TIFF that a window touches.

    Args:
        dataset: opened with rasterio.
        indexes: of the bands that are read, from 1.
        rows: of the window, within the file.
        columns: of the window, within the file.
    """
    height, width = dataset.block_shapes[0]
    own = dataset.interleaving == Interleaving.band
    total = 0
    for row in range(rows.start // height, -(-rows.stop // height)):
        for column in range(columns.start // width, -(-columns.stop // width)):
            for band in indexes if own else indexes[:1]:
                name = f"BLOCK_SIZE_{column}_{row}"
                total += int(dataset.get_tag_item(name, "TIFF", bidx=band) or 0)
    return total


def stored_bytes_on_grid(dataset: Any, grid: GeoBox) -> int:
    """The same of all bands of a file on any grid, for the part below another grid."""
    box = transform_bounds(str(crs_of(grid)), dataset.crs, *grid.boundingbox.bbox)
    window = dataset.window(*box)
    rows, columns = (
        slice(max(0, int(start)), min(length, int(start + size) + 1))
        for start, size, length in (
            (window.row_off, window.height, dataset.height),
            (window.col_off, window.width, dataset.width),
        )
    )
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return 0
    return stored_bytes(dataset, dataset.indexes, rows, columns)
