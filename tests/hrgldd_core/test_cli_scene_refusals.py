"""``hrgldd map --scene``: every unusable file is refused clearly, and nothing is written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.shutil import copy as raster_copy
from rasterio.transform import from_origin

from tests.support import NORTH_UP, UTM, assert_refused, hrgldd, texture, write_raster


@pytest.fixture
def refused(tmp_path, bright_model):
    """Map a file with further options; the line of the refusal, once nothing was written."""

    def check(path: Path, *patterns: str, words: tuple[str, ...] = ("--bands", "blue,green,red")):
        out = tmp_path / "out" / "result"
        done = hrgldd("map", "--scene", path, *words, "--model", bright_model, "--out", out)
        line = assert_refused(done, *patterns)
        assert not out.parent.exists()
        return line

    return check


def test_no_such_file(refused, tmp_path):
    refused(tmp_path / "absent.tif", r"absent\.tif", "no such file", "Check the path")


def test_folder_instead_of_file(refused, tmp_path):
    refused(tmp_path, str(tmp_path), "Give a GeoTIFF or COG")


@pytest.mark.parametrize("content", [b"", b"not a picture at all\n" * 40, b"II*\0", b"\x89PNG\r\n"])
def test_not_a_raster(refused, tmp_path, content):
    path = tmp_path / "scene.tif"
    path.write_bytes(content)
    refused(path, r"scene\.tif", "not a readable raster", "Give a GeoTIFF or COG")


LAYOUTS = {
    "striped": {},
    "tiled": {"tiled": True, "blockxsize": 64, "blockysize": 64},
    "compressed": {"tiled": True, "blockxsize": 64, "blockysize": 64, "compress": "deflate"},
    "band by band": {"interleave": "band"},
    "band by band, tiled": {
        "interleave": "band", "tiled": True, "blockxsize": 64, "blockysize": 64,
    },
}  # fmt: skip


def _whole(folder: Path, layout: str) -> Path:
    array = texture((256, 256))
    if layout != "cog":
        return write_raster(folder / "whole.tif", array, **LAYOUTS[layout])
    write_raster(folder / "plain.tif", array)
    raster_copy(str(folder / "plain.tif"), str(folder / "whole.tif"), driver="COG", BLOCKSIZE=128)
    return folder / "whole.tif"


@pytest.mark.parametrize("kept", [0.001, 0.3, 0.6, 0.9, 0.9998])
@pytest.mark.parametrize("layout", [*LAYOUTS, "cog"])
def test_truncated_file(refused, tmp_path, layout, kept):
    content = _whole(tmp_path, layout).read_bytes()
    path = tmp_path / "cut.tif"
    path.write_bytes(content[: int(kept * len(content))])
    # Of the very start even the reference system is cut off.
    refused(path, r"cut\.tif", "[Dd]ownload it again" if kept > 0.01 else "")


@pytest.mark.parametrize("layout", [*LAYOUTS, "cog"])
def test_truncation_is_seen_before_a_pixel_is_read(tmp_path, layout):
    # A large scene is only sampled before it is mapped: the check must not rely on reading.
    from hrgldd_core.errors import InputError
    from hrgldd_core.scenes.open import open_raster

    whole = _whole(tmp_path, layout)
    open_raster(str(whole)).close()
    path = tmp_path / "cut.tif"
    path.write_bytes(whole.read_bytes()[:-200])
    with pytest.raises(InputError, match=r"[Dd]ownload it again"):
        open_raster(str(path))


def test_damaged_block(refused, tmp_path):
    path = _whole(tmp_path, "compressed")
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 4000] = bytes(4000)
    path.write_bytes(content)
    refused(path, r"whole\.tif", "cannot be read", "[Dd]ownload it again")


def test_no_reference_system(refused, tmp_path):
    path = write_raster(tmp_path / "a.tif", texture((64, 64)), crs=None)
    refused(path, r"a\.tif", "no coordinate reference system", "gdal_edit.py -a_srs")


def test_geographic_reference_system(refused, tmp_path):
    path = write_raster(
        tmp_path / "a.tif",
        texture((64, 64)),
        crs="EPSG:4326",
        transform=from_origin(75, 12, 3e-5, 3e-5),
    )
    refused(path, "in degrees", "gdalwarp -t_srs")


def test_rotated(refused, tmp_path):
    transform = NORTH_UP * Affine.rotation(10)
    path = write_raster(tmp_path / "a.tif", texture((64, 64)), transform=transform)
    refused(path, "rotated", "gdalwarp")


def test_south_up(refused, tmp_path):
    path = write_raster(
        tmp_path / "a.tif", texture((64, 64)), transform=Affine(3, 0, 363000, 0, 3, 1300000)
    )
    refused(path, "not north up", "gdalwarp")


def test_pixels_that_are_not_square(refused, tmp_path):
    path = write_raster(
        tmp_path / "a.tif", texture((64, 64)), transform=from_origin(363000, 1305000, 3, 6)
    )
    refused(path, "3 x 6, not square", "gdalwarp")


@pytest.mark.parametrize("given", ["blue,green", "blue,green,red,nir"])
def test_wrong_number_of_bands(refused, plain_scene, given):
    words = ("--bands", given)
    refused(plain_scene, "has 3 bands", f"{given.count(',') + 1} are named", "--bands", words=words)


def test_bands_without_names(refused, plain_scene):
    refused(plain_scene, "3 bands without names", "--bands blue,green,red,nir", words=())


def test_bands_that_the_model_lacks(refused, plain_scene):
    words = ("--bands", "green,red,nir")
    refused(plain_scene, "no blue band", "needed: blue, green, red", "green, red, nir", words=words)


def test_bands_named_twice(refused, plain_scene):
    refused(plain_scene, "red", words=("--bands", "blue,red,red"))


def test_all_nodata(refused, tmp_path):
    path = write_raster(tmp_path / "a.tif", np.zeros((3, 64, 64), np.uint16), nodata=0)
    refused(path, "no usable pixel", "another scene")


def test_all_not_a_number(refused, tmp_path):
    path = write_raster(tmp_path / "a.tif", np.full((3, 64, 64), np.nan, np.float32))
    refused(path, "no usable pixel")


def test_complex_pixels(refused, tmp_path):
    path = write_raster(tmp_path / "a.tif", np.ones((3, 64, 64), np.complex64))
    refused(path, r"a\.tif", "complex")


def test_same_scene_twice(refused, plain_scene):
    words = ("--bands", "blue,green,red", "--scene", str(plain_scene))
    refused(plain_scene, "two scenes are called 'plain'", "once", words=words)


def test_box_elsewhere(refused, plain_scene):
    words = ("--bands", "blue,green,red", "--bbox", "10,45,11,46")
    refused(plain_scene, "does not touch the AOI", "--bbox", words=words)


def test_virtual_raster(refused, tmp_path, plain_scene):
    # A VRT names other files: from a catalogue it could name any file of the machine.
    path = tmp_path / "scene.tif"
    raster_copy(str(plain_scene), str(path), driver="VRT")
    with rasterio.open(path) as dataset:
        assert dataset.driver == "VRT"
        assert dataset.crs == UTM
    refused(path, "not a readable raster", "Give a GeoTIFF or COG")
