"""The inventory in the formats that surveys open."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from hrgldd_core import storage
from hrgldd_core.inventory.schema import SHAPEFILE_NAMES

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

__all__ = ["FORMATS", "write_inventory"]

FORMATS = {
    "inventory.parquet": "GeoParquet 1.1",
    "inventory.gpkg": "GeoPackage",
    "inventory.fgb": "FlatGeobuf",
    "inventory.shp.zip": "Shapefile (zipped)",
}

_LAYER = "landslides"
# ZIP cannot hold an earlier date; a fixed one, there and in the table's header, makes the archive
# reproducible: a run resumed after midnight ends with the same bytes.
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)
_DBF_DATE = "1980-01-01"


def write_inventory(frame: GeoDataFrame, prefix: str) -> None:
    """Write all `FORMATS` of an inventory (EPSG:4326) below a prefix, at the same time."""
    writers = (_parquet, _geopackage, _flatgeobuf, _shapefile)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(len(writers)) as pool:

        def publish(write: Callable[[GeoDataFrame, Path], None], name: str) -> None:
            path = Path(folder) / name
            write(frame, path)
            storage.put_file(path, storage.join(prefix, name))

        list(pool.map(publish, writers, FORMATS))


def _parquet(frame: GeoDataFrame, path: Path) -> None:
    frame.to_parquet(path, compression="zstd", schema_version="1.1.0", write_covering_bbox=True)


def _geopackage(frame: GeoDataFrame, path: Path) -> None:
    frame.to_file(
        path, layer=_LAYER, driver="GPKG", promote_to_multi=True, geometry_type=_multi(frame)
    )


def _flatgeobuf(frame: GeoDataFrame, path: Path) -> None:
    frame.to_file(
        path, layer=_LAYER, driver="FlatGeobuf", promote_to_multi=True, geometry_type=_multi(frame)
    )


def _shapefile(frame: GeoDataFrame, path: Path) -> None:
    short = frame.rename(columns=SHAPEFILE_NAMES)
    for column in ("acquired", "acq_last"):
        short[column] = [t.isoformat() if t == t else "" for t in short[column]]  # noqa: PLR0124
    short["edge"] = short["edge"].astype(int)
    with tempfile.TemporaryDirectory() as folder:
        short.to_file(
            Path(folder) / f"{_LAYER}.shp",
            driver="ESRI Shapefile",
            promote_to_multi=True,
            geometry_type=_multi(frame),
            DBF_DATE_LAST_UPDATE=_DBF_DATE,
        )
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(Path(folder).iterdir()):
                archive.writestr(zipfile.ZipInfo(file.name, _ZIP_DATE), file.read_bytes())


def _multi(frame: GeoDataFrame) -> str | None:
    """Geometry type to declare: an empty layer has none of its own."""
    return None if len(frame) else "MultiPolygon"
