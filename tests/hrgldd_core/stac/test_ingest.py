"""Rasters as items, and as a provider would register them."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
import rasterio
from pystac.extensions.projection import ProjectionExtension
from rio_cogeo import cog_validate

from hrgldd_core.grid import footprint, raster_grid
from hrgldd_core.stac.ingest import item_collection, item_from_raster, register_scene
from tests.servers.store import faulty_store
from tests.support import BGR, NORTH_UP, UTM, raster_of, texture, tree, write_raster

PLANET = "20241110_053942_45_24f7_3B_AnalyticMS_SR.tif"


def test_item_describes_the_raster(tmp_path):
    path = write_raster(tmp_path / PLANET, texture((40, 60), 4), nodata=0)
    item = item_from_raster(str(path))
    assert item.id == PLANET.removesuffix(".tif")
    assert item.datetime == datetime(2024, 11, 10, 5, 39, 42, tzinfo=UTC)
    projection = ProjectionExtension.ext(item)
    assert projection.code == UTM
    assert projection.shape == [40, 60]
    assert projection.transform == list(NORTH_UP)[:6]
    assert item.properties["gsd"] == 3
    asset = item.assets["analytic"]
    assert [b["eo:common_name"] for b in asset.extra_fields["bands"]] == [*BGR, "nir"]
    assert asset.extra_fields["nodata"] == 0
    with rasterio.open(path) as dataset:
        outline = footprint(raster_grid(dataset, ""))
    assert item.bbox == pytest.approx(list(outline.boundingbox.bbox))
    item.stac_extensions = []
    item.validate()


@pytest.mark.parametrize("middle", ["_3B", ""])
def test_mask_beside_the_image_is_found(tmp_path, middle):
    mask = f"20241110_053942_45_24f7{middle}_udm2.tif"
    path = write_raster(tmp_path / PLANET, texture((40, 60), 4))
    assert "udm2" not in item_from_raster(str(path)).assets
    write_raster(tmp_path / mask, texture((40, 60), 8, dtype="uint8"))
    write_raster(tmp_path / "other_udm2.tif", texture((40, 60), 8, dtype="uint8"))
    assert item_from_raster(str(path)).assets["udm2"].href == str(tmp_path / mask)


def test_mask_beside_the_image_is_found_in_a_bucket(tmp_path, monkeypatch):
    with faulty_store(monkeypatch) as store:
        for name, bands in ((PLANET, 4), ("20241110_053942_45_24f7_3B_udm2.tif", 8)):
            path = write_raster(tmp_path / name, texture((40, 60), bands))
            store.store(name, path.read_bytes(), create=True, metadata={})
        masks = item_from_raster(f"{store.uri}/{PLANET}").assets["udm2"]
    assert masks.href == f"{store.uri}/20241110_053942_45_24f7_3B_udm2.tif"


def test_who_may_not_list_a_bucket_finds_no_mask_beside(tmp_path, monkeypatch):
    with faulty_store(monkeypatch, listed=False) as store:
        path = write_raster(tmp_path / PLANET, texture((40, 60), 4))
        store.store(PLANET, path.read_bytes(), create=True, metadata={})
        assert "udm2" not in item_from_raster(f"{store.uri}/{PLANET}").assets


def test_time_from_the_tag(tmp_path):
    path = write_raster(tmp_path / "a.tif", texture((40, 60)))
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(TIFFTAG_DATETIME="2024:11:10 05:39:42")
    moment = datetime(2024, 11, 10, 5, 39, 42, tzinfo=UTC)
    assert item_from_raster(str(path), bands=BGR).datetime == moment
    other = datetime(2020, 1, 1, tzinfo=UTC)
    assert item_from_raster(str(path), bands=BGR, acquired=other).datetime == other


def test_without_a_time_an_item_is_found_at_any(tmp_path):
    path = write_raster(tmp_path / "a.tif", texture((40, 60)))
    item = item_from_raster(str(path), bands=BGR)
    assert item.datetime is None
    assert item.properties["hrgldd:undated"] is True
    item.stac_extensions = []
    item.validate()


def test_registered_scene_is_a_lossless_cog(tmp_path):
    image = texture((700, 600), 4)
    image[:, :50] = 0
    path = write_raster(tmp_path / "delivered" / PLANET, image, nodata=0)
    folder = tmp_path / "catalogue"
    item = register_scene(str(path), str(folder), properties={"hrgldd:synthetic": True})
    target = folder / PLANET
    assert item.assets["analytic"].href == str(target)
    assert item.properties["hrgldd:synthetic"] is True
    assert cog_validate(target, strict=True)[0]
    with rasterio.open(target) as dataset:
        np.testing.assert_array_equal(dataset.read(), image)
        assert (dataset.nodata, dataset.crs, dataset.transform) == (0, UTM, NORTH_UP)
        assert dataset.overviews(1)
    assert [p.name for p in folder.iterdir()] == [PLANET]
    before = tree(folder)
    register_scene(str(path), str(folder))
    assert tree(folder) == before
    assert raster_of(path).any()


def test_collection_of_items_is_movable(tmp_path):
    path = write_raster(tmp_path / PLANET, texture((40, 60), 4))
    document = item_collection([item_from_raster(str(path))], str(tmp_path))
    assert document["type"] == "FeatureCollection"
    assert document["features"][0]["assets"]["analytic"]["href"] == f"./{PLANET}"
