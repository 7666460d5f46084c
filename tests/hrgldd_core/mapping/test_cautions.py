"""What a user is warned of before trusting a map."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hrgldd_core.mapping.cautions import cautions
from hrgldd_core.scenes import open_scene
from hrgldd_core.stac.ingest import item_from_raster
from tests.support import BGR, texture, write_raster


@pytest.fixture
def scene(tmp_path):
    path = write_raster(tmp_path / "s.tif", texture((64, 64)))
    plain = open_scene(item_from_raster(str(path), bands=BGR), bands=BGR)
    return replace(plain, mask="mask.tif", nodata=0.0, acquired=datetime(2024, 11, 10, tzinfo=UTC))


def test_nothing_to_say_of_a_good_scene(scene):
    assert cautions({"a": scene, "b": scene}) == []


def test_missing_mask(scene):
    (text,) = cautions({"a": scene, "b": replace(scene, mask=None)})
    assert "1 of 2 images have no usable data mask" in text
    assert "clouds" in text


def test_missing_mask_and_nodata(scene):
    texts = cautions({"a": replace(scene, mask=None, nodata=None)})
    assert ["no usable data mask" in t for t in texts] == [True, False]
    assert "black borders" in texts[1]


def test_pixels_of_another_size(scene):
    coarse = replace(scene, geobox=scene.geobox.zoom_out(3.5))
    (text,) = cautions({"a": coarse})
    assert "10.5" in text


def test_dates_far_apart(scene):
    later = replace(scene, acquired=scene.acquired + timedelta(days=30))
    (text,) = cautions({"a": scene, "b": later})
    assert "2024-11-10 to 2024-12-10" in text
    assert cautions({"a": scene, "b": replace(scene, acquired=None)}) == []
