"""The synthetic event: repeatable, consistent with its own truth, and shaped like landslides."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio import features
from scipy import ndimage

from hrgldd_core.errors import InputError
from hrgldd_core.synthetic import SyntheticScene, make_scene, write_scene
from hrgldd_core.synthetic.flow import accumulate, descend, fill, relax
from hrgldd_core.synthetic.slides import draw_slides
from hrgldd_core.synthetic.terrain import PIXEL, make_terrain

SEED = 5
SHAPE = (320, 384)


@pytest.fixture(scope="module")
def after() -> SyntheticScene:
    return make_scene(SEED, shape=SHAPE)


@pytest.fixture(scope="module")
def before() -> SyntheticScene:
    return make_scene(SEED, shape=SHAPE, slides=False)


def _ndvi(scene: SyntheticScene) -> NDArray[np.float64]:
    red, nir = scene.reflectance[2:].astype(np.float64)
    return (nir - red) / np.maximum(nir + red, 1)


def test_same_seed_same_scene(after: SyntheticScene) -> None:
    again, other = make_scene(SEED, shape=SHAPE), make_scene(SEED + 1, shape=SHAPE)
    for name in ("reflectance", "udm2", "truth"):
        np.testing.assert_array_equal(getattr(after, name), getattr(again, name))
        assert not np.array_equal(getattr(after, name), getattr(other, name))
    assert after.inventory.equals(again.inventory)
    assert after.datetime == again.datetime


def test_shapes_types_and_grid(after: SyntheticScene) -> None:
    assert after.reflectance.shape == (4, *SHAPE)
    assert after.reflectance.dtype == np.uint16
    assert after.udm2.shape == (8, *SHAPE)
    assert after.udm2.dtype == np.uint8
    assert after.truth.shape == SHAPE
    assert after.truth.dtype == np.bool_
    assert tuple(after.geobox.shape) == SHAPE
    assert after.geobox.crs.to_epsg() == 32651
    assert tuple(after.geobox.transform)[:6] == (3.0, 0.0, 300000.0, 0.0, -3.0, 1850000.0)
    assert after.datetime.utcoffset() == dt.timedelta(0)


def test_outside_the_swath_is_nodata(after: SyntheticScene) -> None:
    blackfill = (after.udm2[7] & 1).astype(bool)
    assert 0.01 < blackfill.mean() < 0.15
    assert blackfill[0, 0]
    assert blackfill[-1, -1]
    assert (after.reflectance[:, blackfill] == 0).all()
    assert (after.reflectance[:, ~blackfill] > 0).all()
    assert (after.udm2[:7, blackfill] == 0).all()
    assert not (after.truth & blackfill).any()


@pytest.mark.parametrize("share", [0.0, 0.04, 0.3])
def test_clouds_cover_the_share_asked_for(share: float) -> None:
    scene = make_scene(SEED, shape=(200, 200), cloud_share=share)
    valid = scene.udm2[7] & 1 == 0
    cloud = scene.udm2[5].astype(bool)
    assert cloud[valid].mean() == pytest.approx(share, abs=0.005)
    assert (scene.udm2[:6].sum(axis=0) == valid).all(), "one class for each valid pixel"
    assert ((scene.udm2[7] & 2 > 0) == cloud).all()
    assert scene.udm2[6].max() <= 100
    if share:
        clear = scene.udm2[0].astype(bool)
        assert np.median(scene.reflectance[0, cloud]) > 5 * np.median(scene.reflectance[0, clear])


def test_truth_is_the_inventory_rasterised(after: SyntheticScene) -> None:
    table = after.inventory
    assert list(table.columns) == ["id", "area_m2", "geometry"]
    assert table.crs == after.geobox.crs
    assert table["id"].is_unique
    assert table.geometry.is_valid.all()
    assert (table["area_m2"] >= 300).all()
    np.testing.assert_allclose(table["area_m2"], table.area)
    burned = features.rasterize(
        table.geometry, out_shape=SHAPE, transform=after.geobox.transform, dtype="uint8"
    )
    np.testing.assert_array_equal(burned.astype(bool), after.truth)
    assert after.truth.sum() * PIXEL**2 == pytest.approx(table["area_m2"].sum(), rel=0.05)


def test_slides_run_downhill() -> None:
    terrain = make_terrain(SEED, SHAPE)
    slides = draw_slides(terrain, SEED)
    assert len(slides) >= 3
    falls, grades = [], []
    for slide in slides:
        column, row = slide.path.astype(int).T
        falls.append(terrain.elevation[row[0], column[0]] - terrain.elevation[row[-1], column[-1]])
        grades.append(falls[-1] / (PIXEL * len(slide.path)))
    assert min(falls) > 0
    assert np.median(grades) > np.tan(np.radians(15))


def test_slides_are_bright_and_red_against_what_was_there(
    after: SyntheticScene, before: SyntheticScene
) -> None:
    clear = (after.udm2[0] & before.udm2[0]).astype(bool)
    fresh = clear & after.truth
    assert fresh.sum() > 200
    gain = after.reflectance[2, fresh] / before.reflectance[2, fresh].astype(float)
    assert np.median(gain) > 2
    green, bare = _ndvi(before)[fresh], _ndvi(after)[fresh]
    assert np.median(green) > 0.7
    assert np.median(bare) < 0.45
    ground = clear & ~ndimage.binary_dilation(after.truth, iterations=4)
    lost = _ndvi(before)[ground] - _ndvi(after)[ground]
    assert (lost > 0.3).mean() < 0.001, "soil appeared outside the inventory"


def test_before_the_event_the_place_is_the_same(
    after: SyntheticScene, before: SyntheticScene
) -> None:
    assert not before.truth.any()
    assert before.inventory.empty
    assert before.inventory.crs == after.inventory.crs
    assert list(before.inventory.columns) == list(after.inventory.columns)
    assert dt.timedelta(14) < after.datetime - before.datetime < dt.timedelta(60)
    assert not np.array_equal(after.udm2[5], before.udm2[5])
    near_slide = features.rasterize(
        after.inventory.buffer(15), out_shape=SHAPE, transform=after.geobox.transform
    )
    same = (after.udm2[0] & before.udm2[0]).astype(bool) & (near_slide == 0)
    same &= (after.udm2[6] > 90) & (before.udm2[6] > 90)
    for band in range(4):
        pair = np.corrcoef(after.reflectance[band, same], before.reflectance[band, same])
        assert pair[0, 1] > 0.9


@pytest.mark.parametrize("shape", [(128, 128), (131, 217)])
@pytest.mark.parametrize("seed", [0, 1])
def test_any_size(shape: tuple[int, int], seed: int) -> None:
    scene = make_scene(seed, shape=shape, crs="EPSG:32718", origin=(6e5, 8.5e6))
    assert scene.reflectance.shape == (4, *shape)
    assert scene.truth.any()
    assert scene.inventory.crs.to_epsg() == 32718


@pytest.mark.parametrize(
    ("arguments", "word"),
    [({"shape": (127, 300)}, "small"), ({"cloud_share": 1.0}, "cloud_share"), ({"seed": -1}, "-1")],
)
def test_bad_arguments_are_named(arguments: dict[str, object], word: str) -> None:
    with pytest.raises(InputError, match=word):
        make_scene(**{"seed": 0, **arguments})  # type: ignore[arg-type]


def test_written_files_read_back(after: SyntheticScene, tmp_path: Path) -> None:
    paths = write_scene(after, tmp_path / "new", name="event")
    assert [path.name for path in paths] == ["event_AnalyticMS_SR.tif", "event_udm2.tif"]
    with rasterio.open(paths[0]) as image, rasterio.open(paths[1]) as mask:
        np.testing.assert_array_equal(image.read(), after.reflectance)
        np.testing.assert_array_equal(mask.read(), after.udm2)
        assert image.descriptions == ("blue", "green", "red", "nir")
        assert image.nodata == 0
        assert set(image.block_shapes) == {(256, 256)}
        assert mask.nodata is None
        assert image.tags()["TIFFTAG_DATETIME"] == f"{after.datetime:%Y:%m:%d %H:%M:%S}"
        for file in (image, mask):
            assert file.transform == after.geobox.transform
            assert file.crs.to_epsg() == 32651
    again = write_scene(after, tmp_path / "again", name="event")
    for one, other in zip(paths, again, strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_water_finds_the_outlet() -> None:
    rng = np.random.default_rng(0)
    outlet = 7
    height = fill(rng.uniform(0, 50, (23, 31)), outlet)
    receiver = descend(height, outlet)
    level, cells = height.ravel(), np.arange(height.size)
    assert (level[receiver] < level)[cells != outlet].all()
    area = accumulate(receiver)
    assert area[outlet] == height.size
    inflow = np.bincount(receiver, area * (cells != outlet), minlength=height.size)
    np.testing.assert_array_equal(area, inflow + 1)
    steps = relax(receiver, np.where(cells == outlet, 0.0, 1.0), (cells != outlet).astype(float))
    np.testing.assert_array_equal(steps[cells != outlet], steps[receiver][cells != outlet] + 1)


def test_the_library_does_not_import_it() -> None:
    code = "import sys, hrgldd_core; print('hrgldd_core.synthetic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
