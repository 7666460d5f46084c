"""Pixels come through a server that fails now and then."""

from __future__ import annotations

import numpy as np
import pystac
import pytest

from hrgldd_core.errors import InputError
from hrgldd_core.scenes import SceneReader, open_scene
from hrgldd_core.scenes.env import READING, reading
from tests.servers.files import FileServer
from tests.support import BGR, box_item, data_asset, texture, write_raster


def opened(url):
    item = pystac.Item.from_dict(box_item(assets={"data": data_asset(url)}))
    return open_scene(item, bands=BGR)


@pytest.fixture
def served(tmp_path, monkeypatch):
    monkeypatch.setitem(READING, "GDAL_HTTP_RETRY_DELAY", "0.01")
    image = texture((600, 600))
    path = write_raster(tmp_path / "a.tif", image, tiled=True, blockxsize=256, blockysize=256)
    with FileServer({"/a.tif": path.read_bytes()}) as server:
        yield server, image


def test_passing_faults_are_waited_out(served):
    server, image = served
    server.faults["/a.tif"] += [503, 502]
    scene = opened(f"{server.url}/a.tif")
    server.faults["/a.tif"] += [503, 429, 500]
    with SceneReader(scene) as reader:
        pixels, _ = reader.read(slice(300, 600), slice(250, 600))
    np.testing.assert_array_equal(pixels, np.moveaxis(image[:, 300:600, 250:600], 0, -1))
    assert not server.faults["/a.tif"]


def test_a_file_that_is_not_there_is_said_at_once(served):
    server, _ = served
    with pytest.raises(InputError, match=r"cannot be read \(404 Not Found\)"):
        opened(f"{server.url}/b.tif")


def test_the_environment_wins(monkeypatch):
    import rasterio

    monkeypatch.setenv("GDAL_HTTP_MAX_RETRY", "9")
    with reading():
        assert "GDAL_HTTP_MAX_RETRY" not in rasterio.env.getenv()
        assert rasterio.env.getenv()["GDAL_DISABLE_READDIR_ON_OPEN"] == "EMPTY_DIR"
