"""What reads a stack: rasterio's windows, odc-stac or stackstac, behind one interface.

Each is given the scenes as they were found in their files, not as their items describe them: an
item made from a scene says where each band is, on which grid, in the words of the library.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
import pystac
from odc.geo.geobox import GeoBox

from hrgldd_core import storage
from hrgldd_core.errors import InputError
from hrgldd_core.grid import crs_of, footprint
from hrgldd_core.scenes.env import READING, reading
from hrgldd_core.scenes.model import Scene
from hrgldd_core.scenes.windowed import read_on_grid, scene_type

__all__ = ["LoaderName", "Stacked", "loader_of"]

LoaderName = Literal["odc", "rasterio", "stackstac"]


@dataclass(frozen=True)
class Stacked:
    """What to load.

    Attributes:
        scenes: one layer each, in this order.
        grid: of all layers.
        fill: value where a scene has no pixel.
        chunk: side of a block, pixels.
    """

    scenes: tuple[Scene, ...]
    grid: GeoBox
    fill: float
    chunk: int

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the result: one that holds the values of all scenes."""
        return np.result_type(*(scene_type(scene) for scene in self.scenes))


_EXTENSIONS = (
    "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
    "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
    "https://stac-extensions.github.io/eo/v1.1.0/schema.json",
)
_ANY_TIME = datetime(1970, 1, 1, tzinfo=UTC)

Loader = Callable[[Stacked], Any]
"""Gives (scene, band, y, x) as a dask array."""


def loader_of(name: LoaderName) -> Loader:
    """The loader of a name.

    Raises:
        InputError: for a name that is none, with those there are.
    """
    loaders: dict[str, Loader] = {"odc": _odc, "rasterio": _rasterio, "stackstac": _stackstac}
    if name not in loaders:
        raise InputError(f"no loader {name!r}", remedy=f"Use one of {', '.join(loaders)}")
    return loaders[name]


def _rasterio(what: Stacked) -> Any:
    import dask.array as da
    from dask.delayed import delayed

    size = what.chunk
    height, width = what.grid.shape
    rows = [slice(r, min(r + size, height)) for r in range(0, height, size)]
    columns = [slice(c, min(c + size, width)) for c in range(0, width, size)]
    read = delayed(read_on_grid, pure=False)

    def block(scene: Scene, r: slice, c: slice) -> Any:
        shape = (len(scene.sources), r.stop - r.start, c.stop - c.start)
        task = read(scene, what.grid[r, c], fill=what.fill, dtype=what.dtype)
        return da.from_delayed(task, shape, what.dtype)

    return da.stack(
        [da.block([[block(s, r, c) for c in columns] for r in rows]) for s in what.scenes]
    )


def _odc(what: Stacked) -> Any:
    import dask.array as da
    import odc.stac

    layers = []
    for scene in what.scenes:
        item, names = _item(scene, str(what.dtype))
        # What is set here is what odc-stac's tasks read with, in whatever process.
        with reading():
            loaded = odc.stac.load(
                [item],
                bands=names,
                geobox=what.grid,
                chunks={"y": what.chunk, "x": what.chunk},
                resampling="nearest",
                nodata=what.fill,
                dtype=str(what.dtype),
            )
        layers.append(da.stack([loaded[name].data[0] for name in names]))
    return da.stack(layers)


def _stackstac(what: Stacked) -> Any:
    try:
        import stackstac
    except ImportError:
        raise InputError(
            "the loader stackstac is not installed", remedy="pip install 'hrgldd[stackstac]'"
        ) from None
    items = []
    for scene in what.scenes:
        paths = [source.path for source in scene.sources]
        if len(set(paths)) != len(paths) or any(source.index != 1 for source in scene.sources):
            raise InputError(
                "has several bands in one file, which stackstac does not read",
                where=scene.id,
                remedy="Use the loader odc or rasterio",
            )
        items.append(_item(scene, str(what.dtype))[0].to_dict(include_self_link=False))
    epsg = crs_of(what.grid).epsg
    if epsg is None:
        raise InputError(
            "stackstac needs a grid with an EPSG code", remedy="Use the loader odc or rasterio"
        )
    options = {key: value for key, value in READING.items() if key.startswith("GDAL_")}
    stack = stackstac.stack(
        items,
        assets=[f"a{i}" for i in range(len(what.scenes[0].sources))],
        epsg=epsg,
        # Told all four it guesses nothing: with snapped bounds pixels move by up to a half.
        bounds=tuple(what.grid.boundingbox.bbox),
        resolution=(what.grid.resolution.x, -what.grid.resolution.y),
        snap_bounds=False,
        rescale=False,
        dtype=what.dtype,
        fill_value=what.dtype.type(what.fill),
        chunksize=what.chunk,
        sortby_date=False,
        properties=False,
        band_coords=False,
        xy_coords=False,
        gdal_env=stackstac.DEFAULT_GDAL_ENV.updated(always=options),
    )
    if stack.shape[2:] != tuple(what.grid.shape):
        raise InputError(
            f"stackstac made {stack.shape[2:]} pixels of {tuple(what.grid.shape)}",
            remedy="Use the loader odc or rasterio",
        )
    return stack.data


def _item(scene: Scene, dtype: str) -> tuple[pystac.Item, list[str]]:
    """A scene in a form that both libraries read alike, and what the first calls its bands.

    An asset for each band; bands of one file say which they are by ``raster:bands`` and their
    place, as odc-stac wants it.
    """
    grid = scene.geobox
    crs = crs_of(grid)
    projection: dict[str, Any] = {
        "proj:shape": list(grid.shape),
        "proj:transform": list(grid.affine)[:6],
    }
    if crs.epsg is not None:
        projection |= {"proj:code": f"EPSG:{crs.epsg}", "proj:epsg": crs.epsg}
    else:
        projection["proj:wkt2"] = crs.wkt
    outline = footprint(grid)
    item = pystac.Item(
        id=scene.id,
        geometry=outline.json,
        bbox=list(outline.boundingbox.bbox),
        datetime=scene.acquired or _ANY_TIME,
        properties=projection,
        stac_extensions=list(_EXTENSIONS),
    )
    raster = {"data_type": dtype, "nodata": scene.nodata}
    names = []
    for number, source in enumerate(scene.sources):
        bands = [{k: v for k, v in raster.items() if v is not None}] * source.index
        item.add_asset(
            f"a{number}",
            pystac.Asset(
                storage.signed_path(source.path),
                media_type=pystac.MediaType.COG,
                roles=["data"],
                extra_fields={
                    **projection,
                    "raster:bands": bands,
                    "eo:bands": [{"name": f"b{i + 1}"} for i in range(source.index)],
                },
            ),
        )
        names.append(f"a{number}.{source.index}" if source.index > 1 else f"a{number}")
    return item, names
