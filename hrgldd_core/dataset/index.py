"""The index of a dataset: one row a patch, as GeoParquet."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from hrgldd_core import storage
from hrgldd_core.dataset.event_file import slug
from hrgldd_core.dataset.sample import Cut
from hrgldd_core.dataset.units import Unit

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

__all__ = ["COLUMNS", "index_rows", "join_index", "read_index", "write_index"]

COLUMNS = {
    "patch_id": "unique in the dataset: event, scene, row, column",
    "site": "study area",
    "event": "name of the event",
    "role": "train or unseen",
    "scene": "id of the scene",
    "unit": "id of the scene's entry in dataset.json",
    "date": "acquisition (UTC); empty when unknown",
    "row": "first row of the patch in the scene, pixels",
    "column": "first column of the patch in the scene, pixels",
    "positive_share": "landslide among the usable pixels",
    "usable_share": "usable pixels among all",
    "block": "spatial block",
    "split": "train, val, test, unseen or guard",
    "checksum": "XXH3 (128 bits) of pixels and labels, as stored",
    "pixels_checksum": "the same of the pixels alone",
    "geometry": "footprint (EPSG:4326)",
}


def index_rows(unit: Unit, cuts: Sequence[Cut], *, size: int) -> GeoDataFrame:
    """Index of what was cut of a scene, without block and split."""
    import geopandas as gpd
    import pandas as pd
    import shapely

    scene, transform = unit.scene, unit.scene.geobox.affine
    corners = np.concatenate([cut.corners for cut in cuts])
    rows, columns = corners.T
    west, east = (transform.c + transform.a * at for at in (columns, columns + size))
    north, south = (transform.f + transform.e * at for at in (rows, rows + size))
    count = len(rows)
    name = slug(unit.event.name)

    def same(value: Any) -> Any:
        return np.full(count, value, dtype=object)

    return gpd.GeoDataFrame(
        {
            "patch_id": [f"{name}/{scene.id}/{row}-{column}" for row, column in corners.tolist()],
            "site": same(unit.event.place),
            "event": same(unit.event.name),
            "role": same(unit.event.role),
            "scene": same(scene.id),
            "unit": same(unit.content.id),
            "date": pd.to_datetime(
                pd.Series([scene.acquired] * count, dtype=object), utc=True
            ).astype("datetime64[us, UTC]"),
            "row": rows.astype(np.int64),
            "column": columns.astype(np.int64),
            "positive_share": np.concatenate([cut.positive for cut in cuts]),
            "usable_share": np.concatenate([cut.usable for cut in cuts]),
            "block": same(""),
            "split": same(""),
            "checksum": np.array([c for cut in cuts for c in cut.checksums], dtype=object),
            "pixels_checksum": np.array([p for cut in cuts for p in cut.pixels], dtype=object),
        },
        geometry=shapely.box(west, south, east, north),
        crs=str(scene.geobox.crs),
    ).to_crs("EPSG:4326")


def join_index(parts: Sequence[GeoDataFrame]) -> GeoDataFrame:
    """Indices one after the other."""
    import pandas as pd

    joined: GeoDataFrame = pd.concat(parts, ignore_index=True)
    return joined


def read_index(uri: str) -> GeoDataFrame:
    """An index file."""
    import geopandas as gpd

    return gpd.read_parquet(BytesIO(storage.read_bytes(uri)))


def write_index(frame: GeoDataFrame, uri: str) -> None:
    """Write an index file, whole."""
    buffer = BytesIO()
    frame[list(COLUMNS)].to_parquet(
        buffer, compression="zstd", schema_version="1.1.0", write_covering_bbox=True
    )
    storage.write_bytes(uri, buffer.getvalue())
