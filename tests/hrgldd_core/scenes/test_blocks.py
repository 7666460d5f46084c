"""Bytes that are said to be read are those that come."""

from __future__ import annotations

import numpy as np
import pystac
import pytest
import rasterio

from hrgldd_core.mapping.reading import read_extent
from hrgldd_core.mapping.windows import WindowGrid
from hrgldd_core.scenes import SceneReader, open_scene
from tests.servers.files import FileServer
from tests.support import BGR, box_item, data_asset, texture, write_raster

SHAPE = (700, 900)
TILES = {"tiled": True, "blockxsize": 128, "blockysize": 128}


def opened(href, **assets):
    item = pystac.Item.from_dict(box_item(assets={"data": data_asset(href), **assets}))
    return open_scene(item, bands=BGR)


def told(scene, rows, columns):
    with SceneReader(scene) as reader:
        return reader.stored_bytes(rows, columns)


@pytest.mark.parametrize("interleave", ["pixel", "band"])
def test_blocks_of_a_window(tmp_path, interleave):
    path = write_raster(tmp_path / "a.tif", texture(SHAPE, 4), interleave=interleave, **TILES)
    scene = opened(path)
    # Three bands of four are read; pixel by pixel all four come along.
    bands = 3 if interleave == "band" else 4
    block = 128 * 128 * 2 * bands
    assert told(scene, slice(0, 128), slice(128, 256)) == block
    assert told(scene, slice(127, 129), slice(0, 129)) == 4 * block
    assert told(scene, slice(0, 700), slice(0, 900)) == 6 * 8 * block


def test_mask_is_counted(tmp_path):
    path = write_raster(tmp_path / "a.tif", texture(SHAPE), **TILES)
    mask = write_raster(tmp_path / "m.tif", np.zeros((8, *SHAPE), np.uint8), **TILES)
    both = told(opened(path, udm2={"href": str(mask)}), slice(0, 100), slice(0, 100))
    assert both == told(opened(path), slice(0, 100), slice(0, 100)) + 128 * 128 * 8


def test_as_many_as_a_server_sends(tmp_path):
    path = write_raster(tmp_path / "a.tif", texture(SHAPE), compress="deflate", **TILES)
    with FileServer({"/a.tif": path.read_bytes()}) as server:
        scene = opened(f"{server.url}/a.tif")
        rows, columns = slice(300, 500), slice(200, 600)
        expected = told(scene, rows, columns)
        server.asked.clear()
        with SceneReader(scene) as reader, rasterio.Env(GDAL_CACHEMAX=64 << 20):
            reader.read(rows, columns)
        sent = 0
        for _, wanted in server.asked:
            first, last = wanted.removeprefix("bytes=").split("-")
            sent += int(last) - int(first) + 1
    # GDAL fetches whole pieces of 16 kB around the blocks, and had the header before.
    pieces = 2 * 16384 * len(server.asked)
    assert expected - pieces <= sent <= expected + pieces
    assert pieces < expected


def test_windows_reach_beyond_the_part_that_is_mapped(tmp_path):
    path = write_raster(tmp_path / "a.tif", texture(SHAPE), **TILES)
    whole = opened(path)
    west, south, east, north = whole.geobox[300:400, 350:500].extent.to_crs(4326).boundingbox.bbox
    item = pystac.Item.from_dict(box_item(assets={"data": data_asset(path)}))
    scene = open_scene(item, bands=BGR, aoi=(west, south, east, north))
    grid = WindowGrid.plan(tuple(scene.target.shape), largest=256, margin=16, blend=32)
    rows, columns = read_extent(scene, grid)
    assert rows.start == scene.window[0].start - 32
    assert rows.stop >= scene.window[0].stop + 32
    assert columns.start == scene.window[1].start - 32
    grid = WindowGrid.plan(tuple(whole.target.shape), largest=256, margin=16, blend=32)
    assert read_extent(whole, grid) == (slice(0, 700), slice(0, 900))
