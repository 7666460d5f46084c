"""Sensitivity, truth and coverage, looked at in tiles and parts, against the whole at once."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pystac
import pytest
import rasterio
from odc.geo.geobox import GeoBox
from rasterio.features import rasterize
from rasterio.transform import from_origin
from rasterio.warp import transform_bounds
from scipy import ndimage

from hrgldd_core.inventory import components
from hrgldd_core.mapping import truth
from hrgldd_core.mapping.plan import MappingParameters
from hrgldd_core.mapping.probability import landslide
from hrgldd_core.mapping.seen import coverage_km2
from hrgldd_core.mapping.sensitivity import threshold_sensitivity
from hrgldd_core.scenes import Coverage
from tests.support import NORTH_UP, UTM, write_raster

EIGHT = np.ones((3, 3))


@pytest.fixture(scope="module")
def levels():
    """Patches of all sizes, and a corner without data."""
    noise = ndimage.gaussian_filter(np.random.default_rng(3).normal(size=(130, 171)), 1.2)
    levels = np.clip(125 + noise / noise.std() * 60, 0, 250).astype(np.uint8)
    levels[:30, :40] = 255
    return levels


@pytest.fixture(scope="module")
def raster(levels, tmp_path_factory):
    path = tmp_path_factory.mktemp("levels") / "p.tif"
    return str(write_raster(path, levels[None], nodata=255))


def sizes_of(mask):
    labels, _ = ndimage.label(mask, EIGHT)
    return np.bincount(labels.ravel())[1:], labels


@pytest.mark.parametrize("side", [7, 64, 1024])
def test_sensitivity(levels, raster, side):
    found = threshold_sensitivity([raster, raster], threshold=0.6, min_area_m2=45, side=side)
    assert [t for t, *_ in found] == [0.4, 0.5, 0.6, 0.7, 0.8]
    for threshold, count, area in found:
        sizes, _ = sizes_of(landslide(levels, threshold))
        sizes = sizes[sizes >= 5]
        assert count == 2 * len(sizes) > 10
        assert area == 2 * 9 * sizes.sum()


@pytest.mark.parametrize("side", [16, 1024])
def test_truth(levels, raster, tmp_path, monkeypatch, side):
    monkeypatch.setattr(truth, "tiles", lambda shape: components.tiles(shape, side))
    import geopandas as gpd
    import shapely

    rng = np.random.default_rng(8)
    corners = [(x, y) for x, y in zip(rng.integers(0, 150, 25), rng.integers(0, 110, 25))]  # noqa: B905
    boxes = shapely.MultiPolygon(
        shapely.union_all([shapely.box(x, y, x + 12, y + 9) for x, y in corners])
    )
    on_ground = [
        shapely.transform(part, lambda p: np.c_[NORTH_UP.c + p[:, 0] * 3, NORTH_UP.f - p[:, 1] * 3])
        for part in boxes.geoms
    ]
    frame = gpd.GeoDataFrame(geometry=on_ground, crs=UTM).to_crs("EPSG:4326")
    (tmp_path / "truth.geojson").write_text(frame.to_json())
    item = pystac.Item("s", None, None, pystac.utils.str_to_datetime("2024-01-01"), {})
    item.add_asset("truth", pystac.Asset(str(tmp_path / "truth.geojson")))
    scene = SimpleNamespace(id="s", synthetic=True)
    parameters = MappingParameters(threshold=0.6, min_area_m2=45)
    found = truth.compare_with_truth(
        {"s": scene}, {"s": item}, {"s": raster}, parameters=parameters
    )

    mapped, seen = landslide(levels, 0.6), levels != 255
    back = frame.to_crs(UTM)
    label = rasterize(back.geometry, levels.shape, transform=NORTH_UP).astype(bool)
    true_positive = (label & mapped).sum()
    assert found["precision"] == pytest.approx(true_positive / mapped.sum())
    assert found["recall"] == pytest.approx(true_positive / (label & seen).sum())
    sizes, labels = sizes_of(label & seen)
    hits = np.bincount(labels[mapped], minlength=len(sizes) + 1)[1:]
    assert found["found"] == ((sizes >= 5) & (hits >= 0.1 * sizes)).sum()
    assert found["missed"] == ((sizes >= 5) & (hits < 0.1 * sizes)).sum()
    sizes, labels = sizes_of(mapped)
    hits = np.bincount(labels[label], minlength=len(sizes) + 1)[1:]
    assert found["false"] == ((sizes >= 5) & (hits == 0)).sum() > 0


def write_coverage(path, values, *, at, crs=UTM):
    transform = from_origin(NORTH_UP.c + at[1] * 3, NORTH_UP.f - at[0] * 3, 3, 3)
    write_raster(path, values[None].astype(np.uint8), transform=transform, crs=crs)
    return str(path), GeoBox(values.shape, transform, crs)


def test_coverage_of_many_overlapping_scenes_counts_each_place_once(tmp_path):
    rng = np.random.default_rng(0)
    best = np.zeros((300, 400), int)
    rank = {Coverage.OUTSIDE: 0, Coverage.NODATA: 1, Coverage.CLOUD: 2, Coverage.MAPPED: 3}
    paths = []
    for number in range(40):
        row, column = (0, 0) if number == 0 else (rng.integers(0, 240), rng.integers(0, 330))
        if number == 1:
            row, column = 240, 330
        values = rng.choice([0, 1, 2, 3], (12, 14)).repeat(5, 0).repeat(5, 1)
        paths.append(write_coverage(tmp_path / f"{number}.tif", values, at=(row, column))[0])
        part = best[row : row + 60, column : column + 70]
        np.maximum(part, np.vectorize(lambda v: rank[Coverage(v)])(values), out=part)
    found = coverage_km2(paths, None)
    for kind in (Coverage.MAPPED, Coverage.CLOUD, Coverage.NODATA):
        assert found[kind.name.lower()] == pytest.approx((best == rank[kind]).sum() * 9e-6)


def test_coverage_of_two_zones_within_an_aoi(tmp_path):
    # A place in the east of zone 43 and the same place in zone 44, each half of it.
    west, grid = write_coverage(tmp_path / "43.tif", np.full((200, 100), 1), at=(0, 92000))
    bounds = grid.extent.boundingbox.bbox
    moved = transform_bounds(UTM, "EPSG:32644", *bounds)
    write_raster(
        tmp_path / "44.tif", np.full((1, 220, 120), 2, np.uint8), crs="EPSG:32644",
        transform=from_origin(moved[0] + 300, moved[3], 3, 3),
    )  # fmt: skip
    degrees = transform_bounds(UTM, "EPSG:4326", *bounds)
    wide = (degrees[0], degrees[1], degrees[0] + 2 * (degrees[2] - degrees[0]), degrees[3])
    found = coverage_km2([west, str(tmp_path / "44.tif")], wide)
    total = sum(found.values())
    assert found["mapped"] / total == pytest.approx(0.5, abs=0.03)
    assert found["cloud"] / total == pytest.approx(0.5, abs=0.03)
    assert total == pytest.approx(2 * 0.3 * 0.6, rel=0.05)


def test_coverage_is_read_from_overviews_where_the_grid_is_coarse(tmp_path, monkeypatch):
    opened = []
    real = rasterio.open
    monkeypatch.setattr(
        "hrgldd_core.mapping.seen.rasterio.open",
        lambda *a, **k: opened.append(k.get("overview_level")) or real(*a, **k),
    )
    monkeypatch.setattr("hrgldd_core.mapping.seen._LARGEST", 100)
    values = np.ones((800, 800), int)
    values[:, 200:] = 2
    path, _ = write_coverage(tmp_path / "a.tif", values, at=(0, 0))
    with real(path, "r+") as dataset:
        dataset.build_overviews([2, 4, 8], rasterio.enums.Resampling.mode)
    found = coverage_km2([path], None)
    assert 2 in opened
    assert found["mapped"] == pytest.approx(800 * 200 * 9e-6, rel=0.02)
    assert found["cloud"] == pytest.approx(800 * 600 * 9e-6, rel=0.02)


def test_the_chosen_threshold_is_among_those_compared(raster):
    found = threshold_sensitivity([raster], threshold=0.1234, min_area_m2=0)
    assert [t for t, *_ in found] == [0.023, 0.1234, 0.223, 0.323]
