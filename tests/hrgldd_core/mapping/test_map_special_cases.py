"""Mapping runs that find nothing, lose a scene, overlap, or have no time."""

from __future__ import annotations

import json
import re

import geopandas as gpd
import numpy as np
import pystac
import pytest

from hrgldd_core.inventory.schema import COLUMNS
from tests.support import (
    NORTH_UP,
    data_asset,
    hrgldd,
    raster_of,
    texture,
    tree,
    write_catalogue,
    write_raster,
)

FORMATS = ("inventory.parquet", "inventory.gpkg", "inventory.fgb", "inventory.shp.zip")


def read(path):
    return gpd.read_parquet(path) if path.suffix == ".parquet" else gpd.read_file(path)


def scene(folder, name, *, scar=True, column=0):
    """A dark scene of 128 px with one bright scar of 30 x 40 px; ``column`` shifts its place."""
    image = texture((128, 128), seed=len(name)) // 80 + 300
    if scar:
        image[:, 40:70, 60 - column : 100 - column] = 2500
    transform = NORTH_UP @ type(NORTH_UP).translation(column, 0)
    return write_raster(folder / f"{name}.tif", image, transform=transform)


def run(model, out, *scenes, words=()):
    named = [w for s in scenes for w in ("--scene", s)]
    options = ("--bands", "blue,green,red", "--model", model, "--out", out)
    return hrgldd("map", *named, *options, *words)


@pytest.mark.parametrize("why", ["no pixel", "all too small"])
def test_nothing_found_is_a_result(tmp_path, bright_model, why):
    # Bright enough for the threshold, or not; too small for the minimum area, or not.
    scars = why == "all too small"
    words = ("--min-area", "1e7") if scars else ("--threshold", "0.99999")
    out = tmp_path / "out"
    path = scene(tmp_path, "quiet", scar=scars)
    done = run(bright_model, out, path, words=(*words, "--json"))
    assert done.code == 0, done.err
    assert done.document["polygons"] == 0
    assert done.document["area_m2"] == done.document["largest_m2"] == 0
    assert (done.document["specks"] > 0) == scars
    for name in FORMATS:
        empty = read(out / name)
        assert len(empty) == 0
        assert empty.crs == "EPSG:4326"
    frame = read(out / FORMATS[0])
    assert list(frame.columns) == [*COLUMNS, "geometry"]
    pystac.Collection.from_file(str(out / "collection.json")).clone().validate()
    assert "No landslide above" in (out / "report.html").read_text()


def test_one_scene_of_two_is_lost(tmp_path, bright_model):
    good = scene(tmp_path, "good")
    bad = scene(tmp_path, "bad")
    content = bad.read_bytes()
    bad.write_bytes(content[: len(content) // 2])
    features = [
        {
            "type": "Feature", "stac_version": "1.1.0", "id": path.stem, "links": [],
            "geometry": {"type": "Point", "coordinates": [76, 12]}, "bbox": [76, 12, 76, 12],
            "properties": {"datetime": "2024-11-10T05:39:42Z"},
            "assets": {"analytic": data_asset(path)},
        }
        for path in (good, bad)
    ]  # fmt: skip
    catalogue = write_catalogue(tmp_path / "items.json", *features)
    out = tmp_path / "out"
    words = ("map", "--stac", catalogue, "--model", bright_model, "--out", out, "--json")
    done = hrgldd(*words)
    assert done.code == 3
    assert "Traceback" not in done.err
    assert "bad" in done.err
    summary = done.document
    assert summary["status"] == "incomplete"
    assert summary["scenes"] == 1
    assert list(summary["missing"]) == ["bad"]
    assert "Download it again" in summary["missing"]["bad"]
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["summary"]["missing"] == summary["missing"]
    assert set(manifest["scenes"]) == {"good"}
    assert [p.name for p in (out / "probability").iterdir()] == ["good.tif"]
    collection = pystac.Collection.from_file(str(out / "collection.json"))
    assert [i.id for i in collection.get_items()] == ["good"]
    assert collection.extra_fields["hrgldd:status"] == "incomplete"
    assert len(read(out / FORMATS[0])) == summary["polygons"] == 1
    # Again: what is missing is tried again, what is mapped is not mapped again.
    before = tree(out)
    assert hrgldd(*words).code == 3
    after = tree(out)
    kept = {name for name in before if name.startswith(("probability", "coverage", "items"))}
    assert len(kept) == 3
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}


def test_all_scenes_lost(tmp_path, bright_model):
    paths = [scene(tmp_path, name) for name in ("one", "two2")]
    for path in paths:
        image = np.zeros((3, 128, 128), np.uint16)
        write_raster(path, image, nodata=0)
    done = run(bright_model, tmp_path / "out", *paths)
    assert done.code == 2
    # One line a scene, each with its remedy.
    why = r"no usable pixel.*bbox.\n"
    assert re.fullmatch(rf"hrgldd: \S+one.tif: {why}\S+two2.tif: {why}", done.err)
    assert not (tmp_path / "out").exists()


def test_landslide_in_the_overlap_of_two_scenes_is_one(tmp_path, bright_model):
    paths = scene(tmp_path, "left"), scene(tmp_path, "right", column=20)
    out = tmp_path / "out"
    done = run(bright_model, out, *paths, words=("--json",))
    assert done.code == 0, done.err
    frame = read(out / FORMATS[0])
    assert len(frame) == 1
    # Of one time: ids decide.
    assert frame["scene_id"][0] == "left"
    assert frame["area_m2"][0] == pytest.approx(30 * 40 * 9, rel=2e-3)
    assert not frame["edge"][0]
    # The area that both scenes saw counts once.
    assert done.document["aoi_km2"] == pytest.approx(128 * 148 * 9e-6, rel=0.02)
    assert {p.name for p in (out / "items").iterdir()} == {"left.json", "right.json"}


def test_scene_without_a_time_is_not_given_one(tmp_path, bright_model):
    out = tmp_path / "out"
    assert run(bright_model, out, scene(tmp_path, "undated")).code == 0
    assert read(out / FORMATS[0])["acquired"].isna().all()


@pytest.mark.parametrize("side", [1, 15, 17])
def test_tiny_scenes(tmp_path, bright_model, side):
    image = texture((side, side + 2))
    path = write_raster(tmp_path / "tiny.tif", image)
    out = tmp_path / "out"
    assert run(bright_model, out, path).code == 0
    levels = raster_of(out / "probability" / "tiny.tif")
    assert levels.shape == (side, side + 2)
    assert (levels != 255).all()


@pytest.mark.parametrize("able", [True, False])
def test_bfloat16_without_the_hardware_is_warned_of(tmp_path, bright_model, monkeypatch, able):
    monkeypatch.setattr("hrgldd_core.models.precision.has_bfloat16", lambda: able)
    path = scene(tmp_path, "a")
    done = run(bright_model, tmp_path / "out", path, words=("--precision", "bfloat16"))
    assert done.code == 0, done.err
    assert ("no bfloat16 in this device" in done.err) is not able


def test_same_scene_gives_the_same_bytes(tmp_path, bright_model):
    path = scene(tmp_path, "twice")
    for name in ("a", "b"):
        assert run(bright_model, tmp_path / name, path).code == 0
    for name in ("probability/twice.tif", "coverage/twice.tif", "inventory.parquet",
                 "inventory.shp.zip"):  # fmt: skip
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
