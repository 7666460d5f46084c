"""A mapping run from a catalogue to its published result, checked against the scene itself."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyarrow.parquet as pq
import pystac
import pytest
import rasterio
import shapely
from pystac.extensions.projection import ProjectionExtension
from rasterio.features import geometry_mask
from rio_cogeo import cog_validate
from scipy import ndimage

from hrgldd_core.inventory.schema import COLUMNS
from hrgldd_core.scenes import Coverage
from tests.support import MIDDLE, SLOPE, hrgldd, raster_of, tree

SCENE = "synthetic-7-384x384-post_AnalyticMS_SR"
FILES = {
    "collection.json", f"items/{SCENE}.json", f"probability/{SCENE}.tif", f"coverage/{SCENE}.tif",
    "inventory.parquet", "inventory.gpkg", "inventory.fgb", "inventory.shp.zip", "report.html",
    "manifest.json", "run.json",
}  # fmt: skip


@pytest.fixture(scope="module")
def levels(mapped):
    return raster_of(mapped.out / "probability" / f"{SCENE}.tif")


@pytest.fixture(scope="module")
def coverage(mapped):
    return raster_of(mapped.out / "coverage" / f"{SCENE}.tif")


@pytest.fixture(scope="module")
def item(mapped):
    return pystac.Item.from_file(str(mapped.out / "items" / f"{SCENE}.json"))


@pytest.fixture(scope="module")
def inventory(mapped):
    return gpd.read_parquet(mapped.out / "inventory.parquet")


@pytest.fixture(scope="module")
def manifest(mapped):
    return json.loads((mapped.out / "manifest.json").read_text())


@pytest.fixture(scope="module")
def source(event, item):
    """Pixels, and where there is no data or cloud, cut to what was mapped."""
    with rasterio.open(event.folder / f"{SCENE}.tif") as image:
        a = image.transform
        to = ProjectionExtension.ext(item)
        row, column = round((to.transform[5] - a.f) / a.e), round((to.transform[2] - a.c) / a.a)
        part = np.s_[row : row + to.shape[0], column : column + to.shape[1]]
        pixels = image.read()[:, *part]
    with rasterio.open(event.folder / "synthetic-7-384x384-post_udm2.tif") as mask:
        udm2 = mask.read()
    # Shadow, heavy haze, cloud; and ten pixels around them, which may be veiled or dim.
    clear = ~udm2[[2, 4, 5]].any(axis=0)
    cloud = ndimage.distance_transform_cdt(clear, "taxicab") <= 10
    nodata = (pixels[:3] == 0).all(axis=0) | (udm2[7][part] & 1 == 1)
    return pixels, nodata, cloud[part] & ~nodata


def test_every_file_of_the_contract_and_no_other(mapped):
    assert set(tree(mapped.out)) == FILES


@pytest.mark.parametrize("kind", ["probability", "coverage"])
def test_rasters_are_cloud_optimised(mapped, kind):
    path = mapped.out / kind / f"{SCENE}.tif"
    valid, errors, warnings = cog_validate(path, strict=True)
    assert (valid, errors, warnings) == (True, [], [])
    with rasterio.open(path) as dataset:
        assert dataset.dtypes == ("uint8",)
        assert dataset.crs == "EPSG:32651"
        assert dataset.transform.a == 3
        assert dataset.nodata == (255 if kind == "probability" else None)


def test_stored_values_are_those_documented(levels, coverage, item):
    assert set(np.unique(levels)) <= {*range(251), 255}
    assert set(np.unique(coverage)) == {c.value for c in Coverage}
    band = item.assets["probability"].extra_fields["raster:bands"][0]
    assert (band["nodata"], band["scale"], band["offset"]) == (255, 1 / 250, 0)
    classes = item.assets["coverage"].extra_fields["classification:classes"]
    assert {c["value"]: c["name"] for c in classes} == {c.value: c.name.lower() for c in Coverage}


def test_only_what_was_seen_is_mapped(levels, coverage, source):
    _, nodata, cloud = source
    np.testing.assert_array_equal(levels != 255, coverage == Coverage.MAPPED)
    inside = coverage != Coverage.OUTSIDE
    assert nodata[inside].any()
    assert cloud[inside].any()
    np.testing.assert_array_equal(coverage[inside] == Coverage.NODATA, nodata[inside])
    np.testing.assert_array_equal(coverage[inside] == Coverage.CLOUD, cloud[inside])


def test_probability_is_what_the_model_says_of_each_pixel(levels, source, item):
    red = source[0][2].astype(np.float64)
    center = item.properties["hrgldd:band_center"][2]
    z = np.arcsinh((red - center) / item.properties["hrgldd:band_scale"][2])
    expected = 250 / (1 + np.exp(-SLOPE * (np.maximum(z, 0) - MIDDLE)))
    seen = levels != 255
    assert np.ptp(levels[seen]) > 150
    np.testing.assert_allclose(levels[seen], expected[seen], atol=0.51)


def test_statistics_are_those_of_what_was_seen(source, item):
    pixels, nodata, cloud = source
    expected = np.median(pixels[:3, ~nodata & ~cloud], axis=1)
    np.testing.assert_allclose(item.properties["hrgldd:band_center"], expected)


def _regions(levels, threshold=0.5):
    labels, _ = ndimage.label((levels != 255) & (levels >= threshold * 250), np.ones((3, 3)))
    return labels, np.bincount(labels.ravel())[1:]


def test_inventory_holds_every_region_but_specks(levels, inventory, manifest):
    _, pixels = _regions(levels)
    areas = np.sort(pixels[pixels * 9 >= 101] * 9.0)[::-1]
    specks = pixels[pixels * 9 <= 99]
    assert len(specks)
    assert len(areas) == len(inventory) > 5
    # Geodesic against projected areas: the scale of UTM differs by less than 0.1 % here.
    np.testing.assert_allclose(inventory["area_m2"], areas, rtol=1e-3)
    assert manifest["summary"]["specks"] == len(specks)
    assert manifest["summary"]["specks_m2"] == pytest.approx(specks.sum() * 9, rel=1e-3)


def test_polygons_lie_where_the_probability_reaches_the_threshold(mapped, levels, inventory):
    with rasterio.open(mapped.out / "probability" / f"{SCENE}.tif") as dataset:
        outlines = inventory.to_crs(str(dataset.crs)).geometry.buffer(-0.01)
        inside = geometry_mask(outlines, levels.shape, dataset.transform, invert=True)
    labels, pixels = _regions(levels)
    large = np.flatnonzero(pixels * 9 >= 100) + 1
    np.testing.assert_array_equal(inside, np.isin(labels, large))


def test_attributes_are_those_of_the_pixels(levels, inventory):
    labels, pixels = _regions(levels)
    order = np.argsort(-pixels, kind="stable")[:3]
    values = levels / 250
    for row, label in zip(inventory.itertuples(), order + 1, strict=False):
        assert row.prob_max <= 1
        if (pixels == pixels[label - 1]).sum() == 1:
            assert row.prob_mean == pytest.approx(values[labels == label].mean(), abs=1e-3)
            assert row.prob_max == pytest.approx(values[labels == label].max(), abs=1e-3)
    assert list(inventory.columns) == [*COLUMNS, "geometry"]
    assert inventory["area_m2"].is_monotonic_decreasing
    assert inventory["id"].is_unique
    assert set(inventory["scene_id"]) == {SCENE}
    assert set(inventory["model_id"]) == {"bright 1"}
    assert set(inventory["threshold"]) == {0.5}
    assert (inventory["length_m"] >= inventory["width_m"]).all()
    assert inventory.geometry.is_valid.all()
    assert set(inventory["edge"]) == {True, False}


def test_edge_marks_polygons_beside_the_unseen(levels, inventory, manifest):
    labels, pixels = _regions(levels)
    unseen = np.pad(levels == 255, 1, constant_values=True)
    beside = ndimage.binary_dilation(unseen, np.ones((3, 3)))[1:-1, 1:-1]
    touching = np.unique(labels[beside & (labels > 0)])
    assert inventory["edge"].sum() == (pixels[touching - 1] * 9 >= 100).sum()


@pytest.mark.parametrize("name", ["inventory.gpkg", "inventory.fgb", "inventory.shp.zip"])
def test_all_formats_hold_the_same(mapped, inventory, name):
    other = gpd.read_file(mapped.out / name)
    assert len(other) == len(inventory)
    assert other.crs == inventory.crs == "EPSG:4326"
    other = other.set_index("id").loc[inventory["id"]]
    np.testing.assert_allclose(other["area_m2"], inventory["area_m2"], rtol=1e-6)
    apart = shapely.symmetric_difference(other.geometry.values, inventory.geometry.values)
    # Square degrees: a hundredth of a square metre.
    assert shapely.area(apart).max() < 1e-12


def test_parquet_says_that_it_is_geoparquet_1_1(mapped):
    geo = json.loads(pq.read_metadata(mapped.out / "inventory.parquet").metadata[b"geo"])
    assert geo["version"] == "1.1.0"
    assert "bbox" in geo["columns"]["geometry"]["covering"]


def test_shapefile_holds_its_parts(mapped):
    with zipfile.ZipFile(mapped.out / "inventory.shp.zip") as archive:
        assert {Path(n).suffix for n in archive.namelist()} >= {".shp", ".shx", ".dbf", ".prj"}


def test_collection_leads_to_valid_items_and_existing_assets(mapped):
    collection = pystac.Collection.from_file(str(mapped.out / "collection.json"))
    items = list(collection.get_items(recursive=True))
    assert [i.id for i in items] == [SCENE]
    for stac_object in (collection, *items):
        core = stac_object.clone()
        core.stac_extensions = []
        core.validate()
        for asset in stac_object.assets.values():
            assert Path(asset.get_absolute_href()).is_file()
    assert items[0].collection_id == collection.id
    assert items[0].get_parent().id == collection.id
    west, south, east, north = items[0].bbox
    assert collection.extent.spatial.bboxes == [[west, south, east, north]]


def test_item_describes_its_files(mapped, item, coverage):
    import hashlib

    for kind, asset in item.assets.items():
        content = (mapped.out / kind / f"{SCENE}.tif").read_bytes()
        assert asset.extra_fields["file:size"] == len(content)
        assert asset.extra_fields["file:checksum"] == "1220" + hashlib.sha256(content).hexdigest()
    counts = np.bincount(coverage.ravel(), minlength=4).tolist()
    assert item.properties["hrgldd:pixels"] == {c.name.lower(): counts[c] for c in Coverage}
    assert item.properties["hrgldd:synthetic"] is True


def test_manifest_agrees_with_the_result(mapped, manifest, inventory, coverage):
    summary = manifest["summary"]
    assert summary["status"] == "done"
    assert summary["polygons"] == len(inventory)
    assert summary["area_m2"] == pytest.approx(inventory["area_m2"].sum(), abs=0.1)
    assert summary["largest_m2"] == inventory["area_m2"].max()
    assert summary["scenes"] == 1
    assert summary["missing"] == {}
    inside = coverage != Coverage.OUTSIDE
    share = (coverage == Coverage.MAPPED).sum() / inside.sum()
    # Of the pixels on the outline of the AOI, the share counts those whose centre is inside.
    assert summary["mapped_share"] == pytest.approx(share, abs=5e-3)
    assert summary["aoi_km2"] == pytest.approx(inside.sum() * 9e-6, rel=0.02)
    assert sum(summary["coverage_km2"].values()) == pytest.approx(summary["aoi_km2"], abs=2e-3)
    assert len(manifest["inputs"]) == 2
    assert all(len(v["xxh3_128"]) == 32 for v in manifest["inputs"].values())
    assert set(manifest["outputs"]) == {n for n in FILES if n.startswith("inventory")}
    for name, identity in manifest["outputs"].items():
        assert identity["size"] == (mapped.out / name).stat().st_size


def test_manifest_says_what_went_in(manifest, event, bright_model):
    assert manifest["event"] == event.name
    assert manifest["model"]["id"] == "bright"
    assert manifest["model"]["uri"] == str(bright_model)
    assert manifest["parameters"]["threshold"] == 0.5


def test_truth_of_a_synthetic_event_is_compared(manifest):
    truth = manifest["summary"]["truth"]
    assert 0 < truth["f1"] < 1
    assert truth["found"] + truth["missed"] > 0


def test_report_says_what_was_found(mapped, manifest):
    report = (mapped.out / "report.html").read_text()
    assert "ynthetic" in report
    assert str(manifest["summary"]["polygons"]) in report


def test_json_line_and_words_for_people(mapped, manifest):
    assert mapped.done.out.count("\n") == 1
    assert mapped.done.document == {**manifest["summary"], "reused": False}
    assert "SYNTHETIC" in mapped.done.err
    assert f"{manifest['summary']['polygons']} polygons" in mapped.done.err


def test_second_run_finds_the_first(mapped):
    before = tree(mapped.out)
    again = hrgldd(*mapped.words)
    assert again.code == 0
    assert tree(mapped.out) == before
    assert again.document == {**mapped.done.document, "reused": True}
    assert "was there already" in again.err


def test_result_without_collection_is_finished(mapped, tmp_path):
    out = shutil.copytree(mapped.out, tmp_path / "result")
    (out / "collection.json").unlink()
    raster = out / "probability" / f"{SCENE}.tif"
    before = raster.stat().st_mtime_ns
    done = hrgldd(*mapped.words[:-2], out)
    assert done.code == 0, done.err
    assert (out / "collection.json").exists()
    assert raster.stat().st_mtime_ns == before
