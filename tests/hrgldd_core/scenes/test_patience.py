"""GDAL's reads are repeated when their answers are cut, not only when they are refused."""

from __future__ import annotations

import numpy as np
import pystac
import pytest

from hrgldd_core.errors import AccessError, InputError
from hrgldd_core.scenes import SceneReader, open_scene
from hrgldd_core.scenes.patience import open_patiently
from hrgldd_core.storage import failures
from tests.servers.files import FileServer
from tests.servers.store import faulty_store
from tests.support import BGR, box_item, data_asset, texture, write_raster

BLOCKS = {"tiled": True, "blockxsize": 256, "blockysize": 256}


def opened(uri):
    item = pystac.Item.from_dict(box_item(assets={"data": data_asset(uri)}))
    return open_scene(item, bands=BGR)


@pytest.fixture
def pauses(monkeypatch):
    """Pauses between tries that were made, all of them short."""
    monkeypatch.setenv("GDAL_HTTP_RETRY_DELAY", "0.01")
    made = []
    monkeypatch.setattr(failures, "_FIRST_PAUSE_S", 0.001)
    patiently = failures.random.uniform
    monkeypatch.setattr(
        failures.random, "uniform", lambda *ends: made.append(ends) or patiently(*ends)
    )
    return made


@pytest.fixture
def image():
    return texture((600, 600))


@pytest.fixture
def content(tmp_path, image):
    return write_raster(tmp_path / "a.tif", image, **BLOCKS).read_bytes()


@pytest.mark.parametrize("cut", [0, 100, 9000])
@pytest.mark.parametrize("moment", ["opened", "read"])
def test_a_cut_answer_of_a_web_server(pauses, image, content, cut, moment):
    with FileServer({"/a.tif": content}) as server:
        faults = server.faults["/a.tif"]
        if moment == "opened":
            faults += [f"cut {cut}"] * 3
        with SceneReader(opened(f"{server.url}/a.tif")) as reader:
            if moment == "read":
                faults += [f"cut {cut}"] * 5
            pixels, _ = reader.read(slice(300, 600), slice(250, 600))
        np.testing.assert_array_equal(pixels, np.moveaxis(image[:, 300:, 250:], 0, -1))
        assert not faults


@pytest.mark.parametrize("fault", ["503", "cut before", "cut after"])
def test_a_store_that_cuts_connections(monkeypatch, pauses, image, content, fault):
    monkeypatch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
    with faulty_store(monkeypatch) as store:
        for name in ("a.tif", "b.tif"):
            store.store(name, content, create=True, metadata={})
        scene = opened(f"{store.uri}/a.tif")
        store.next_fault = [fault] * 4
        with SceneReader(scene) as reader:
            pixels, _ = reader.read(slice(0, 600), slice(0, 600))
        np.testing.assert_array_equal(pixels, np.moveaxis(image, 0, -1))
        store.next_fault = [fault] * 3
        with open_patiently(f"{store.uri}/b.tif") as raster:
            np.testing.assert_array_equal(raster(lambda d: d.read(2)), image[1])
        assert not store.next_fault


def test_what_stays_broken_is_said(pauses, content):
    with FileServer({"/a.tif": content}) as server:
        scene = opened(f"{server.url}/a.tif")
        server.files["/a.tif"] = content[:1_000_000]
        with (
            SceneReader(scene) as reader,
            pytest.raises(InputError, match=r"a\.tif: window .* cannot be read"),
        ):
            reader.read(slice(300, 600), slice(250, 600))
    assert len(pauses) == 3


def test_what_is_gone_is_said_at_once(pauses, content):
    with FileServer({"/a.tif": content}) as server:
        opened(f"{server.url}/a.tif")
        del server.files["/a.tif"]
        with pytest.raises(InputError, match=r"a\.tif: cannot be read \(404 Not Found\)"):
            opened(f"{server.url}/a.tif?another=name")
    assert pauses == []


def test_refused_credentials_are_said_without_the_signature(pauses, content):
    with FileServer({}) as server:
        server.faults["/a.tif?sig=abc"] += [403] * 60
        with pytest.raises(AccessError, match=r"a\.tif: cannot be read \(403 ") as told:
            opened(f"{server.url}/a.tif?sig=abc")
        assert "abc" not in str(told.value)
    assert pauses == []


def test_a_local_file_is_not_tried_again(pauses, tmp_path):
    (tmp_path / "a.tif").write_bytes(b"II*\0")
    with pytest.raises(InputError, match="not a readable raster"):
        open_patiently(str(tmp_path / "a.tif"))
    assert pauses == []
