"""Inventories of others: any vector file, any CRS, whatever is wrong with it, counted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hrgldd_core import storage
from hrgldd_core.errors import InputError, some

if TYPE_CHECKING:
    from geopandas import GeoDataFrame, GeoSeries

__all__ = ["Inventory", "InventoryCounts", "inventory_identity", "read_inventory"]

_POLYGON = 3
_REMEDY = "Give a vector file that GDAL reads (GeoPackage, Shapefile, GeoJSON, ...) or GeoParquet"


@dataclass(frozen=True)
class InventoryCounts:
    """What was met in an inventory.

    Attributes:
        features: read, after the attribute filter.
        empty: without a geometry; left out.
        other: points, lines and collections without a polygon; left out.
        parts: polygons added by taking multi-polygons apart.
        repaired: invalid (crossing outlines, ...), made valid.
        collapsed: of which nothing was left when made valid; left out.
        duplicates: the same outline again; left out.
        polygons: that remain.
    """

    features: int = 0
    empty: int = 0
    other: int = 0
    parts: int = 0
    repaired: int = 0
    collapsed: int = 0
    duplicates: int = 0
    polygons: int = 0

    def as_dict(self) -> dict[str, int]:
        """By name."""
        return asdict(self)


@dataclass(frozen=True)
class Inventory:
    """Valid, distinct, two-dimensional polygons.

    Attributes:
        polygons: in the CRS of the file.
        counts: what was read, repaired and left out.
        source: where it was read from.
    """

    polygons: GeoSeries
    counts: InventoryCounts
    source: str

    def in_crs(self, crs: str) -> npt.NDArray[np.object_]:
        """The polygons in another CRS; those that it cannot express are left out."""
        import shapely

        moved = self.polygons.to_crs(crs).to_numpy()
        bounds = shapely.bounds(moved)
        inside: npt.NDArray[np.object_] = moved[np.isfinite(bounds).all(axis=1)]
        return inside


def read_inventory(uri: str, *, layer: str | None = None, where: str | None = None) -> Inventory:
    """Read landslide polygons.

    Args:
        uri: a file that GDAL reads, or GeoParquet; any CRS.
        layer: of a file with several, which must be named.
        where: attribute filter (SQL).

    Raises:
        InputError: when it cannot be read, has no CRS, or no polygon is left.
    """
    import shapely

    frame = _read(uri, layer, where)
    if frame.crs is None:
        raise InputError(
            "has no coordinate reference system",
            where=uri,
            remedy="Assign it, such as: ogr2ogr -a_srs EPSG:32643 OUT IN (a .prj file is missing?)",
        )
    shapes = np.asarray(frame.geometry.array)
    there = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    flat = shapely.force_2d(shapes[there])
    finite = np.isfinite(shapely.bounds(flat)).all(axis=1)
    parts, of = _polygons(flat[finite])
    owners = len(np.unique(of))
    taken = len(parts)
    parts, repaired, collapsed = _repair(parts)
    distinct = _first_of_each(parts)
    counts = InventoryCounts(
        features=len(shapes),
        empty=int((~there).sum() + (~finite).sum()),
        other=int(finite.sum()) - owners,
        parts=taken - owners,
        repaired=repaired,
        collapsed=collapsed,
        duplicates=int((~distinct).sum()),
        polygons=int(distinct.sum()),
    )
    if not counts.polygons:
        raise InputError(
            f"no landslide polygon is left ({counts.features} features read, {counts.empty} empty, "
            f"{counts.other} not polygons)",
            where=uri,
            remedy="Check the layer and the attribute filter",
        )
    import geopandas as gpd

    return Inventory(gpd.GeoSeries(parts[distinct], crs=frame.crs), counts, uri)


def inventory_identity(uri: str) -> dict[str, Any]:
    """What tells this inventory from another: checksums of all files it consists of."""
    if not storage.is_local(uri):
        return dict(storage.identity(uri))
    path = storage.local_path(uri)
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.is_file())
    elif path.suffix.lower() == ".shp":
        parts = (".shp", ".dbf", ".prj", ".shx", ".cpg")
        files = sorted(p for p in path.parent.glob(f"{path.stem}.*") if p.suffix.lower() in parts)
    else:
        files = [path]
    if len(files) == 1 and files[0] == path:
        return dict(storage.identity(str(path)))
    return {p.name: storage.identity(str(p)) for p in files}


def _read(uri: str, layer: str | None, where: str | None) -> GeoDataFrame:
    import geopandas as gpd
    import pandas as pd
    import pyogrio

    parquet = Path(uri).suffix.lower() in (".parquet", ".geoparquet")
    if parquet and (layer or where):
        raise InputError(
            "'layer' and 'where' do not apply to GeoParquet",
            where=uri,
            remedy="Write the wanted rows to a GeoPackage",
        )
    if storage.is_local(uri) and not storage.local_path(uri).exists():
        raise InputError("no such file", where=uri, remedy="Check the path of the inventory")
    try:
        with _quiet():
            if parquet:
                return gpd.read_parquet(BytesIO(storage.read_bytes(uri)))
            options = {"layer": layer} if layer else _only_layer(uri)
            # The attributes are of no use here, and a broken encoding among them no harm.
            frame = pyogrio.read_dataframe(
                storage.gdal_path(uri), where=where, columns=[], **options
            )
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001
        # GDAL, Arrow, pandas: what a file that is none of theirs makes them raise has no end.
        reason = " ".join(str(error).split()) or type(error).__name__
        remedy = _what_there_is(uri, layer, where) or _REMEDY
        raise InputError(f"cannot be read ({reason})", where=uri, remedy=remedy) from None
    if not isinstance(frame, gpd.GeoDataFrame) or isinstance(frame, pd.Series):
        raise InputError("holds no geometries", where=uri, remedy=_REMEDY)
    return frame


def _layers(uri: str) -> list[str]:
    """Names of the layers that hold geometries."""
    import pyogrio

    return [str(n) for n, kind in pyogrio.list_layers(storage.gdal_path(uri)) if kind is not None]


def _only_layer(uri: str) -> dict[str, str]:
    """Nothing to choose, unless there are several layers."""
    layers = _layers(uri)
    if len(layers) > 1:
        raise InputError(
            f"holds {len(layers)} layers",
            where=uri,
            remedy=f"Name one as `layer` of the inventory: {some(layers, between=', ')}",
        )
    return {}


def _what_there_is(uri: str, layer: str | None, where: str | None) -> str:
    """A remedy for a wrong layer or filter: the names there are."""
    import pyogrio

    try:
        with _quiet():
            layers = _layers(uri)
            if layer and layer not in layers:
                return f"Correct `layer` of the inventory; there are: {', '.join(layers)}"
            if where:
                options = {"layer": layer} if layer else {}
                columns = pyogrio.read_info(storage.gdal_path(uri), **options)["fields"]
                return f"Correct `where` of the inventory; columns are: {', '.join(columns)}"
    except Exception:  # noqa: BLE001 - as above: the file itself is broken
        return ""
    return ""


@contextmanager
def _quiet() -> Iterator[None]:
    """GDAL warns of attributes, ring orders and encodings that do not matter here."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _polygons(
    shapes: npt.NDArray[np.object_],
) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.int64]]:
    """Polygons of all shapes, and the number of the shape each belongs to."""
    import shapely

    parts, of = shapely.get_parts(shapes, return_index=True)
    # Collections may hold multi-polygons: twice.
    parts, again = shapely.get_parts(parts, return_index=True)
    keep = (shapely.get_type_id(parts) == _POLYGON) & ~shapely.is_empty(parts)
    return parts[keep], of[again][keep]


def _repair(parts: npt.NDArray[np.object_]) -> tuple[npt.NDArray[np.object_], int, int]:
    """Valid polygons, how many were repaired and how many came to nothing."""
    import shapely

    wrong = ~shapely.is_valid(parts)
    if not wrong.any():
        return parts, 0, 0
    mended = shapely.make_valid(parts[wrong], method="structure", keep_collapsed=False)
    pieces, piece_of = _polygons(mended)
    repaired = len(np.unique(piece_of))
    # Each piece goes where its polygon was.
    owner = np.concatenate([np.flatnonzero(~wrong), np.flatnonzero(wrong)[piece_of]])
    found = np.concatenate([parts[~wrong], pieces])
    return found[np.argsort(owner, kind="stable")], repaired, int(wrong.sum()) - repaired


def _first_of_each(parts: npt.NDArray[np.object_]) -> npt.NDArray[np.bool_]:
    """True for the first of equal polygons, wherever their rings begin."""
    import shapely

    first = np.zeros(len(parts), bool)
    if len(parts):
        keys = shapely.to_wkb(shapely.normalize(parts))
        first[np.unique(keys, return_index=True)[1]] = True
    return first
