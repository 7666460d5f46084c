"""Statistics: counted by hand on small masks, and written whole or not at all."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from PIL import Image

from hrgldd_core.dataset.build import build_dataset
from hrgldd_core.dataset.patches import IGNORE, PatchSet
from hrgldd_core.dataset.statistics import dataset_statistics
from hrgldd_core.dataset.statistics_inventory import (
    inventory_areas,
    named_sources,
    square_metres,
)
from hrgldd_core.dataset.study_areas import StudyAreas, study_areas
from hrgldd_core.errors import InputError
from tests.support import NORTH_UP, assert_refused, hrgldd, texture, tree, write_raster


def masks():
    """Four patches: two landslides, one that touches itself by a corner, none, all unknown."""
    labels = np.zeros((4, 16, 16), np.uint8)
    labels[0, :2, :3] = 1
    labels[0, 10:12, 10:14] = 1
    labels[1, 5, 5] = labels[1, 6, 6] = 1
    labels[1, 15] = IGNORE
    labels[3] = IGNORE
    return labels


def patches(groups=(4, 4, 9, 9), **changes):
    images = np.ones((4, 16, 16, 3), np.uint8)
    return PatchSet(images, masks(), np.array(groups), ("blue", "green", "red"), **changes)


def test_counts_and_areas():
    found = dataset_statistics(patches(), np.full(4, 9.0))
    one, other = found.rows
    assert (found.by, found.counted) == ("site", "masks")
    assert (one.site, one.tiles, one.landslides) == ("4", 2, 3)
    assert (one.min_area_m2, one.max_area_m2, one.total_area_m2) == (18, 72, 6 * 9 + 8 * 9 + 18)
    assert one.area_km2 == pytest.approx(2 * 256 * 9e-6)
    assert one.positive_share == pytest.approx(16 / (256 + 240))
    assert (other.site, other.tiles, other.landslides, other.total_area_m2) == ("9", 2, 0, 0)
    assert other.min_area_m2 is None
    assert other.positive_share == 0
    assert found.total.tiles == 4
    assert found.total.landslides == 3
    assert found.total.positive_share == pytest.approx(16 / (3 * 256 - 16))


def test_pixels_of_other_sizes():
    found = dataset_statistics(patches(), np.array([1.0, 100.0, 4.0, 4.0]))
    assert (found.rows[0].min_area_m2, found.rows[0].max_area_m2) == (6, 200)
    assert found.rows[0].area_km2 == pytest.approx(256 * 101e-6)


def test_sites_by_name_and_splits_where_sites_are_unknown():
    named = patches(groups=(1, 1, 0, 1), sites=("here", "there", "nowhere"))
    assert [r.site for r in dataset_statistics(named, np.ones(4)).rows] == ["here", "there"]
    split = patches(groups=(0,) * 4, splits=np.array(["test", "train", "train", "val"]))
    found = dataset_statistics(split, np.ones(4))
    assert found.by == "split"
    assert [(r.site, r.tiles) for r in found.rows] == [("train", 2), ("val", 1), ("test", 1)]
    assert found.rows[2].landslides == 2
    alone = dataset_statistics(patches(groups=(0,) * 4), np.ones(4))
    assert [r.site for r in alone.rows] == ["0"]


def test_landslides_of_an_inventory_take_the_place_of_those_of_the_masks():
    data = patches(groups=(0, 0, 1, 1), sites=("a", "b"))
    found = dataset_statistics(
        data, np.ones(4), inventory={0: np.array([50.0, 20.0]), 1: np.array([])}
    )
    assert found.counted == "inventory"
    assert (found.rows[0].landslides, found.rows[0].min_area_m2) == (2, 20)
    assert found.rows[1].landslides == 0
    assert found.total.total_area_m2 == 70


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "a.npz"
    labels = masks()
    labels[labels == IGNORE] = 0
    np.savez(path, X=np.ones((4, 16, 16, 3), np.uint8), Y=labels, block=[4, 4, 9, 9])
    return path


def stats(data, out, *words):
    return hrgldd("dataset", "stats", "--data", data, "--out", out, *words)


def test_what_is_written(archive, tmp_path):
    out = tmp_path / "out"
    done = stats(archive, out, "--json")
    assert done.code == 0, done.err
    kept = json.loads((out / "statistics.json").read_text())
    assert kept == done.document
    assert kept["total"]["landslides"] == 3
    with (out / "statistics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["site"] for row in rows] == ["4", "9", "total"]
    assert [float(row["total_area_m2"]) for row in rows] == [144, 0, 144]
    lines = (out / "statistics.md").read_text().splitlines()
    assert lines[2].startswith("| 4 | 2 | 0.00 | 3 | 18 | 72 | 144 |")
    assert lines[4].startswith("| **total** | **4** |")
    with Image.open(out / "statistics.png") as picture:
        assert min(picture.size) > 150
        assert len(np.unique(np.asarray(picture.convert("L")))) > 20


def test_again_is_the_same_and_something_else_is_refused(archive, tmp_path):
    out = tmp_path / "out"
    stats(archive, out)
    first = {p.name: p.read_bytes() for p in out.iterdir()}
    assert stats(archive, out).code == 0
    assert {p.name: p.read_bytes() for p in out.iterdir()} == first
    before = tree(out)
    refused = stats(archive, out, "--pixel-size", 10)
    assert_refused(refused, "statistics of something else", "another --out")
    assert tree(out) == before


def test_statistics_that_are_none_of_ours(archive, tmp_path):
    (tmp_path / "statistics.json").write_text("[]")
    assert_refused(stats(archive, tmp_path), "statistics.json", "another --out")


def test_the_size_of_a_pixel(archive, tmp_path):
    done = stats(archive, tmp_path / "out", "--pixel-size", 0.5, "--json")
    assert done.document["total"]["total_area_m2"] == 4
    for size in (0, -3, "nan", 1e9):
        assert_refused(stats(archive, tmp_path / "other", "--pixel-size", size), "pixel size")


def test_arrays_know_no_events(archive, tmp_path):
    done = stats(archive, tmp_path / "out", "--event", tmp_path / "event.yaml")
    assert_refused(done, "do not say where their patches lie", "Leave --event away")
    assert not (tmp_path / "out").exists()


def write_event(folder, site, outlines):
    name = folder / f"{site}.gpkg"
    gpd.GeoDataFrame(geometry=outlines, crs="EPSG:32643").to_file(name)
    path = folder / f"{site}.yaml"
    path.write_text(f"name: {site}\nscenes: [scene.tif]\ninventory: {name.name}\n")
    return str(path)


@pytest.fixture
def footprints():
    corners = [(363000, 1305000), (363048, 1305000), (400000, 1300000), (400048, 1300000)]
    boxes = [shapely.box(x, y, x + 48, y + 48) for x, y in corners]
    return gpd.GeoDataFrame(
        {"site": ["a", "a", "b", "b"]}, geometry=boxes, crs="EPSG:32643"
    ).to_crs("EPSG:4326")


def test_outlines_count_once_and_whole_where_they_touch_a_patch(footprints, tmp_path):
    data = patches(groups=(0, 0, 1, 1), sites=("a", "b"))
    both = shapely.box(363040, 1305010, 363060, 1305020)  # lies in two patches
    beyond = shapely.box(363000, 1305040, 363010, 1305140)  # half of it in none
    away = shapely.box(380000, 1305000, 380010, 1305010)
    events = [
        write_event(tmp_path, "a", [both, beyond, away]),
        write_event(tmp_path, "b", [shapely.box(400000, 1300000, 400010, 1300010), both]),
    ]
    found = inventory_areas(named_sources(events, data.sites), footprints, data.sites)
    assert [len(found[i]) for i in (0, 1)] == [2, 1]
    # UTM enlarges and shrinks by less than a thousandth near its axis.
    np.testing.assert_allclose(np.sort(found[0]), [200, 1000], rtol=3e-3)
    np.testing.assert_allclose(found[1], [100], rtol=3e-3)


def test_an_event_is_missing(footprints, tmp_path):
    data = patches(groups=(0, 0, 1, 1), sites=("a", "b"))
    events = [write_event(tmp_path, "a", [shapely.box(0, 0, 1, 1)])]
    with pytest.raises(InputError, match=r"no event tells of site b.*all event"):
        named_sources(events, data.sites)


def test_area_of_a_patch_is_that_on_the_ground(footprints):
    # 16 pixels of 3 m a side.
    np.testing.assert_allclose(square_metres(footprints) / 256, np.full(4, 9), rtol=3e-3)


def test_real_patches(shared_data, tmp_path):
    done = stats(shared_data / "hrgldd/patches_dev.npz", tmp_path / "out", "--json")
    total = done.document["total"]
    assert total["tiles"] == 241
    # The paper: 0.147 km2 a patch and about a tenth of the pixels.
    assert total["area_km2"] / 241 == pytest.approx(0.147, abs=5e-4)
    assert total["positive_share"] == pytest.approx(0.10, abs=0.01)
    assert [s["site"] for s in done.document["sites"]] == ["0", "1", "2", "4", "6", "7", "8"]


def test_study_areas():
    found = study_areas()
    assert found.count == 13
    assert sum(found.trained.values()) + 3 == found.count
    assert sum(found.patches.values()) == 1758
    assert {a.name for a in found.areas if a.role == "unseen"} == {"Indonesia", "Haiti", "DRC"}
    assert found.missing == found.count - len(found.areas)


@pytest.mark.parametrize(
    "change",
    [
        {"table_1": {"min_area_m2": 50, "max_area_m2": 20}},
        {"table_1": {"tiles": 0}},
        {"trigger": "magic"},
        {"date": "last summer"},
        {"name": "Haiti"},
    ],
)
def test_study_areas_that_cannot_be(change):
    document = study_areas().model_dump(mode="json")
    document["areas"][0].update(change)
    with pytest.raises(ValueError, match="validation error"):
        StudyAreas.model_validate(document)


@pytest.fixture
def built(tmp_path):
    """A dataset of one scene, with an outline in every 32 pixels and two across patches."""
    write_raster(tmp_path / "scene.tif", texture((256, 256)))
    west, north = NORTH_UP.c, NORTH_UP.f
    corners = [(96 * i + 12, 96 * j + 12) for i in range(8) for j in range(8)]
    outlines = [shapely.box(west + x, north - y - 24, west + x + 15, north - y) for x, y in corners]
    outlines += [shapely.box(west + 90, north - 42, west + 102, north - 6)]
    outlines += [shapely.box(west - 500, north - 42, west - 490, north - 6)]
    event = write_event(tmp_path, "a", outlines)
    with Path(event).open("a") as file:
        file.write("bands: blue,green,red\n")
    build_dataset([event], out=str(tmp_path / "built"), size=32, stride=32)
    return tmp_path / "built"


def test_a_built_dataset_is_counted_in_its_inventory(built, tmp_path):
    done = stats(built, tmp_path / "out", "--json")
    assert done.code == 0, done.err
    (row,) = done.document["sites"]
    assert done.document["counted"] == "inventory"
    assert (row["site"], row["tiles"], row["landslides"]) == ("a", 64, 65)
    assert row["area_km2"] == pytest.approx(64 * 32 * 32 * 9e-6, rel=3e-3)
    assert row["min_area_m2"] == pytest.approx(15 * 24, rel=3e-3)
    assert row["max_area_m2"] == pytest.approx(12 * 36, rel=3e-3)
    named = stats(built, tmp_path / "named", "--event", tmp_path / "a.yaml", "--json")
    assert named.document["sites"] == done.document["sites"]


@pytest.mark.parametrize("change", ["gone", "changed"])
def test_a_built_dataset_without_its_inventory_is_counted_in_its_masks(built, tmp_path, change):
    if change == "gone":
        (tmp_path / "a.gpkg").unlink()
    else:
        write_event(tmp_path, "a", [shapely.box(363000, 1304900, 363010, 1304910)])
    found = stats(built, tmp_path / "out", "--json").document
    assert found["counted"] == "masks"
    assert f"could not be used: {tmp_path / 'a.gpkg'}" in found["note"]
    # One outline lies in two patches.
    assert found["total"]["landslides"] == 66
    assert found["total"]["total_area_m2"] == pytest.approx(64 * 360 + 432, rel=3e-3)


def test_a_built_dataset_knows_its_pixels(built, tmp_path):
    refused = stats(built, tmp_path / "out", "--pixel-size", 3)
    assert_refused(refused, "knows the size of its pixels", "Leave --pixel-size away")
