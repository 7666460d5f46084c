"""Every loader puts the same pixel in the same place."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.util import find_spec

import numpy as np
import pystac
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import Transformer

from hrgldd_core.errors import InputError
from hrgldd_core.scenes import load_stack
from tests.support import UTM, box_item, data_asset, write_raster

without_stackstac = pytest.mark.skipif(
    find_spec("stackstac") is None, reason="stackstac is not installed"
)
LOADERS = ("odc", "rasterio", pytest.param("stackstac", marks=without_stackstac))
BANDS = ("blue", "red")


def place(geobox):
    """Row and column (from 1) of each pixel: what a pixel holds tells where it belongs."""
    rows, columns = np.indices(geobox.shape)
    return np.stack([rows + 1, columns + 1]).astype(np.uint16)


def scene(folder, name, geobox, *, single=True, hour=0, **options):
    """An item whose blue band holds rows and whose red band holds columns."""
    pixels = place(geobox)
    grid = {"transform": geobox.affine, "crs": str(geobox.crs), "nodata": 0}
    grid |= {"driver": "COG", "blocksize": 128} | options
    if single:
        assets = {
            b: data_asset(write_raster(folder / name / f"{b}.tif", pixels[i : i + 1], **grid), (b,))
            for i, b in enumerate(BANDS)
        }
    else:
        extra = np.zeros_like(pixels[:1])
        path = write_raster(
            folder / f"{name}.tif", np.stack([pixels[1], extra[0], pixels[0]]), **grid
        )
        assets = {"analytic": data_asset(path, ("red", "green", "blue"))}
    moment = datetime(2024, 11, 10, hour, tzinfo=UTC).isoformat()
    return pystac.Item.from_dict(box_item(name, assets=assets, properties={"datetime": moment}))


def boxed(shape=(300, 260), *, left=363000.0, top=1305000.0, size=3.0, crs=UTM):
    return GeoBox(shape, Affine(size, 0, left, 0, -size, top), crs)


def expected(source, grid):
    """Row and column (from 1) of the source at each centre of the grid, fractional; NaN beyond."""
    rows, columns = np.indices(grid.shape) + 0.5
    x, y = grid.affine @ (columns, rows)
    if grid.crs != source.crs:
        x, y = Transformer.from_crs(str(grid.crs), str(source.crs), always_xy=True).transform(x, y)
    columns, rows = ~source.affine @ (x, y)
    found = np.stack([rows, columns])
    beyond = (rows < 0) | (columns < 0) | (rows >= source.height) | (columns >= source.width)
    found[:, beyond] = np.nan
    return found


def assert_there(layer, source, grid, *, slack=0.0):
    """Each pixel holds the row and column of the source's pixel in which its centre lies.

    ``slack``: pixels by which a centre may lie beyond that pixel.
    """
    at = expected(source, grid)
    seen = ~np.isnan(at[0])
    assert seen.any()
    # Right at the border of the source either is right.
    inner = seen & (at.min(0) > slack) & (at[0] < source.height - slack)
    inner &= at[1] < source.width - slack
    middle = layer.astype(np.float64) - 0.5
    assert np.abs(middle - at)[:, inner].max() <= 0.5 + slack
    if slack == 0:
        assert (layer[:, ~seen] == 0).all()


@pytest.mark.parametrize("loader", LOADERS)
def test_native_grid(tmp_path, loader):
    source = boxed()
    stack = load_stack([scene(tmp_path, "a", source)], bands=BANDS, loader=loader, chunk=128)
    assert stack.dims == ("time", "band", "y", "x")
    assert stack.chunks[2] == (128, 128, 44)
    assert stack.dtype == np.uint16
    np.testing.assert_array_equal(stack.values[0], place(source))
    assert float(stack.x[0]) == 363001.5
    assert float(stack.y[0]) == 1304998.5
    assert stack.band.values.tolist() == ["blue", "red"]
    assert stack.attrs == {"crs": UTM, "nodata": 0}


@pytest.mark.parametrize("loader", ["odc", "rasterio"])
@pytest.mark.parametrize("interleave", ["pixel", "band"])
def test_bands_of_one_file(tmp_path, loader, interleave):
    source = boxed()
    item = scene(tmp_path, "a", source, single=False, interleave=interleave)
    stack = load_stack([item], bands=BANDS, loader=loader)
    np.testing.assert_array_equal(stack.values[0], place(source))


@pytest.mark.parametrize("loader", LOADERS)
def test_overlapping_scenes_of_one_zone(tmp_path, loader):
    # One of them lies between the pixels of the other.
    first, second = boxed(), boxed((200, 210), left=363301.0, top=1304400.8)
    items = [scene(tmp_path, "b", second, hour=2), scene(tmp_path, "a", first, hour=1)]
    stack = load_stack(items, bands=BANDS, loader=loader, chunk=256)
    assert stack.scene.values.tolist() == ["a", "b"]
    grid = boxed(stack.shape[2:])
    assert stack.shape == (2, 2, 400, 311)
    for layer, source in zip(stack.values, (first, second), strict=True):
        assert_there(layer, source, grid)


@pytest.mark.parametrize("loader", LOADERS)
def test_area_of_interest_between_pixels(tmp_path, loader):
    source = boxed()
    west, south, east, north = source.extent.to_crs("EPSG:4326").boundingbox.bbox
    third = (east - west) / 3, (north - south) / 3
    aoi = (west + third[0], south + third[1], east - third[0], north - third[1])
    stack = load_stack([scene(tmp_path, "a", source)], bands=BANDS, loader=loader, aoi=aoi)
    height, width = stack.shape[2:]
    assert 95 < height < 110
    assert 80 < width < 100
    top, left = stack.values[0, :, 0, 0]
    np.testing.assert_array_equal(
        stack.values[0], place(source)[:, top - 1 : top - 1 + height, left - 1 : left - 1 + width]
    )
    assert float(stack.x[0]) == 363000 + (left - 0.5) * 3


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize("size", [3.0, 5.0])
def test_a_grid_between_pixels(tmp_path, loader, size):
    source = boxed()
    grid = boxed((333, 301), left=363000 - 100.7, top=1305000 + 50.9, size=size)
    stack = load_stack(
        [scene(tmp_path, "a", source)], bands=BANDS, loader=loader, grid=grid, chunk=200
    )
    assert_there(stack.values[0], source, grid)


@pytest.mark.parametrize("loader", LOADERS)
def test_two_zones(tmp_path, loader):
    # The same place at the border of two UTM zones, 78 degrees east.
    west = boxed(left=826000.0, top=1305000.0)
    x, y = Transformer.from_crs("EPSG:32643", "EPSG:32644", always_xy=True).transform(
        826000.0 + 30, 1305000.0 - 20
    )
    east = boxed(left=float(round(x)), top=float(round(y)), crs="EPSG:32644")
    items = [scene(tmp_path, "a", west, hour=1), scene(tmp_path, "b", east, hour=2)]
    grid = boxed((340, 330), left=826000.0 - 60, top=1305000.0 + 90)
    stack = load_stack(items, bands=BANDS, loader=loader, grid=grid, chunk=128).values
    assert_there(stack[0], west, grid)
    # GDAL approximates coordinates between points to an eighth of a pixel unless told otherwise.
    assert_there(stack[1], east, grid, slack=0.01 if loader == "rasterio" else 0.13)


@pytest.mark.parametrize("loader", LOADERS)
def test_a_band_that_is_0_where_others_are_not_stays_so(tmp_path, loader):
    source = boxed((64, 64))
    item = scene(tmp_path, "a", source)
    pixels = place(source)
    pixels[0, 10:20, 10:20] = 0
    for i, band in enumerate(BANDS):
        write_raster(
            tmp_path / "a" / f"{band}.tif", pixels[i : i + 1], transform=source.affine, nodata=0
        )
    stack = load_stack([item], bands=BANDS, loader=loader, grid=boxed((64, 64), left=363000.4))
    np.testing.assert_array_equal(stack.values[0], pixels)


@without_stackstac
def test_stackstac_refuses_several_bands_in_a_file(tmp_path):
    item = scene(tmp_path, "a", boxed(), single=False)
    with pytest.raises(InputError, match=r"a: has several bands in one file.*odc"):
        load_stack([item], bands=BANDS, loader="stackstac")


def test_south_up_is_refused(tmp_path):
    south_up = GeoBox((50, 60), Affine(3, 0, 363000, 0, 3, 1305000), UTM)
    item = scene(tmp_path, "a", south_up, driver="GTiff", blocksize=None)
    with pytest.raises(InputError, match="not north up"):
        load_stack([item], bands=BANDS)
    with pytest.raises(InputError, match="not north up"):
        load_stack([scene(tmp_path, "b", boxed())], bands=BANDS, grid=south_up)


def test_reflectance(tmp_path):
    source = boxed((20, 30))
    item = scene(tmp_path, "a", source)
    item.properties |= {"s2:processing_baseline": "05.11"}
    pixels = place(source)
    pixels[:, 3, 4] = 0
    write_raster(tmp_path / "a" / "red.tif", pixels[1:], transform=source.affine, nodata=0)
    found = load_stack([item], bands=BANDS, reflectance=True)
    assert found.dtype == np.float32
    red = found.sel(band="red").values[0]
    assert np.argwhere(np.isnan(red)).tolist() == [[3, 4]]
    np.testing.assert_allclose(red[0], pixels[1, 0] * 1e-4 - 0.1, atol=1e-6)


def test_nodata_values_that_differ(tmp_path):
    items = [scene(tmp_path, name, boxed(), nodata=n) for name, n in (("a", 0), ("b", 9))]
    with pytest.raises(InputError, match=r"different nodata values \(a: 0.0, b: 9.0\)"):
        load_stack(items, bands=BANDS)


def test_nothing_to_stack_and_no_such_loader(tmp_path):
    with pytest.raises(InputError, match="no scene to stack"):
        load_stack([], bands=BANDS)
    with pytest.raises(InputError, match=r"no loader 'x'.*odc, rasterio, stackstac"):
        load_stack([scene(tmp_path, "a", boxed())], bands=BANDS, loader="x")
    with pytest.raises(InputError, match="no scene touches"):
        load_stack([scene(tmp_path, "b", boxed())], bands=BANDS, aoi=(1, 1, 2, 2))
