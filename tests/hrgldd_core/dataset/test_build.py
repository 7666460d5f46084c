"""Building through the command line: what goes in comes out, and nothing is lost uncounted."""

from __future__ import annotations

import json
import re

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from rasterio.transform import from_origin
from xxhash import xxh3_128

from hrgldd_core.dataset.patches import IGNORE, open_patches
from hrgldd_core.dataset.store import open_store
from hrgldd_core.normalise import band_statistics
from hrgldd_core.scenes import Coverage, SceneReader, open_scene
from hrgldd_core.stac.ingest import item_from_raster
from tests.hrgldd_core.dataset.building import SIZE, Place, build, layout, masks
from tests.servers.dask import DaskCluster
from tests.support import BGR, NORTH_UP, UTM, hrgldd, texture, tree, write_raster


def index_of(out, version=1):
    return gpd.read_parquet(out / f"index/v{version:04d}.parquet")


def assert_cut_from(out, place, version=1):
    """Every patch of a place holds the scene's pixels and the mask at its row and column."""
    frame, patches = index_of(out, version), open_store(str(out))
    for number in np.flatnonzero(frame["scene"] == place.name):
        row, column = int(frame["row"][number]), int(frame["column"][number])
        at = slice(row, row + SIZE), slice(column, column + SIZE)
        image, label = patches.images[number], patches.labels[number]
        assert (image == place.image[:, at[0], at[1]].transpose(1, 2, 0)).all()
        known = label != IGNORE
        assert (label[known] == place.mask[at][known]).all()
        digest = xxh3_128(image.tobytes())
        assert frame["pixels_checksum"][number] == digest.hexdigest()
        digest.update(label.tobytes())
        assert frame["checksum"][number] == digest.hexdigest()


def test_round_trip_with_the_real_patches(tmp_path, shared_data):
    file = np.load(shared_data / "hrgldd/patches_dev.npz")
    # 240 of the 241: a rectangle.
    x, y = file["X"][:240], file["Y"][:240]
    assert (y.max(axis=(1, 2)) == 1).all()
    place = Place(tmp_path, "real", layout(y, 16), image=layout(x, 16).transpose(2, 0, 1))
    done = build(tmp_path / "out", place, size=128, block=4)
    assert done.code == 0, done.err
    patches = open_store(str(tmp_path / "out"))
    assert patches.images.dtype == np.uint8
    assert patches.bands == BGR
    assert (np.asarray(patches.images) == x).all()
    assert (np.asarray(patches.labels) == y).all()


@pytest.mark.parametrize("dtype", ["uint16", "uint8"])
def test_round_trip_with_random_patches(tmp_path, dtype):
    mask = masks(7, 9)
    place = Place(tmp_path, "any", mask, image=texture(mask.shape, 4, dtype=dtype),
                  bands=[*BGR, "nir"])  # fmt: skip
    done = build(tmp_path / "out", place)
    assert done.code == 0, done.err
    patches = open_store(str(tmp_path / "out"))
    assert patches.bands == (*BGR, "nir")
    assert patches.images.dtype == dtype
    pixels = np.asarray(patches.images).reshape(7, 9, SIZE, SIZE, 4)
    whole = np.moveaxis(pixels, 2, 1).reshape(7 * SIZE, 9 * SIZE, 4)
    assert (whole == place.image.transpose(1, 2, 0)).all()
    assert (layout(np.asarray(patches.labels), 9) == mask).all()


def test_an_inventory_in_another_crs_gives_the_same_masks(tmp_path):
    mask = masks(6, 6)
    place = Place(tmp_path, "any", mask, inventory_crs="EPSG:4326")
    assert build(tmp_path / "out", place).code == 0
    assert (layout(np.asarray(open_store(str(tmp_path / "out")).labels), 6) == mask).all()


def test_footprints_lie_where_the_scene_is(tmp_path):
    place = Place(tmp_path, "any", masks(6, 6))
    assert build(tmp_path / "out", place).code == 0
    frame = index_of(tmp_path / "out")
    assert frame.crs.to_epsg() == 4326
    back = frame.to_crs(UTM)
    for row, column, outline in zip(frame["row"], frame["column"], back.geometry, strict=True):
        west, north = NORTH_UP @ (column, row)
        expected = (west, north - 3 * SIZE, west + 3 * SIZE, north)
        assert np.allclose(outline.bounds, expected, atol=1e-3)


def test_everything_left_out_is_counted(tmp_path):
    mask = masks(8, 8, share=0.7, seed=3)
    mask = np.pad(mask, ((0, 5), (0, 9)))
    image = texture(mask.shape, seed=1)
    # A patch without data, one with three quarters missing, one whose landslides are not seen.
    image[:, :SIZE, :SIZE] = 0
    image[:, SIZE : 2 * SIZE, : 3 * SIZE // 4] = 0
    mask[2 * SIZE : 3 * SIZE, :SIZE] = 0
    mask[2 * SIZE : 2 * SIZE + 3, :4] = 1
    image[:, 2 * SIZE : 2 * SIZE + 3, :4] = 0
    mask[: 2 * SIZE : 5, :SIZE:5] = 1
    place = Place(tmp_path, "any", mask, image=image, raster={"nodata": 0})
    done = build(tmp_path / "out", place, split="random")
    assert done.code == 0, done.err
    counts = done.document["scenes"][0]["counts"]
    kept = mask[: 8 * SIZE, : 8 * SIZE].reshape(8, SIZE, 8, SIZE).any((1, 3)).sum() - 3
    assert counts == {
        "polygons": counts["polygons"], "positions": 64, "partial": 17, "kept": kept,
        "negatives": 0, "empty": 64 - kept - 3, "unusable": 2, "unseen": 1,
    }  # fmt: skip
    assert counts["polygons"] > kept
    assert done.document["patches"] == kept
    assert "2 with too few usable pixels" in done.err
    assert "1 whose landslides are all under cloud" in done.err
    assert "17 partial, at the edge" in done.err
    assert_cut_from(tmp_path / "out", place)


def test_unusable_pixels_of_kept_patches_are_unknown(tmp_path):
    mask = masks(6, 6)
    image = texture(mask.shape)
    image[:, 4:8, 20:30] = 0
    image[0, 40, 40] = 0  # one band may be 0
    place = Place(tmp_path, "any", mask, image=image, raster={"nodata": 0})
    assert build(tmp_path / "out", place).code == 0
    labels = layout(np.asarray(open_store(str(tmp_path / "out")).labels), 6)
    expected = mask.copy()
    expected[4:8, 20:30] = IGNORE
    assert (labels == expected).all()
    frame = index_of(tmp_path / "out")
    assert frame["usable_share"][1] == 1 - 40 / 256
    seen = expected[:SIZE, SIZE : 2 * SIZE]
    assert frame["positive_share"][1] == (seen == 1).sum() / (seen != IGNORE).sum()


def test_what_is_no_number_is_stored_as_nothing(tmp_path):
    mask = masks(6, 6)
    image = texture(mask.shape).astype(np.float32)
    image[:, 4:8, 20:30] = np.nan
    place = Place(tmp_path, "any", mask, image=image, raster={"nodata": np.nan})
    done = build(tmp_path / "out", place)
    assert done.code == 0, done.err
    stored = open_store(str(tmp_path / "out"))
    images = layout(np.asarray(stored.images), 6)
    assert (images[4:8, 20:30] == 0).all()
    assert (np.delete(images, range(20, 30), axis=1) > 0).all()
    assert (layout(np.asarray(stored.labels), 6)[4:8, 20:30] == IGNORE).all()


def test_pixels_of_several_sizes_are_warned_of(tmp_path):
    fine = Place(tmp_path, "fine", masks(6, 6))
    coarse = Place(tmp_path, "coarse", masks(18, 18, seed=1), east=500000)
    scene = tmp_path / "coarse.tif"
    write_raster(scene, coarse.image, transform=from_origin(500000, 1305000, 10, 10))
    done = build(tmp_path / "out", fine, coarse, block=1)
    assert done.code == 0, done.err
    assert any("pixels of 3 to 10 m" in warning for warning in done.document["warnings"])
    assert "WARNING    pixels of 3 to 10 m" in done.err


def test_clouds_and_the_area_of_interest(event, tmp_path):
    feature = next(
        f for f in json.loads(event.catalogue.read_text())["features"] if "truth" in f["assets"]
    )
    truth = event.catalogue.parent / feature["assets"]["truth"]["href"]
    file = tmp_path / "event.yaml"
    file.write_text(json.dumps({
        "name": "Synthetic", "stac": str(event.catalogue), "bbox": feature["bbox"],
        "datetime": feature["properties"]["datetime"][:10], "inventory": str(truth),
    }))  # fmt: skip
    done = hrgldd("dataset", "build", "--event", file, "--size", 32, "--block", 2, "--out",
                  tmp_path / "out", "--json", "--split", "random")  # fmt: skip
    assert done.code == 0, done.err
    frame, labels = index_of(tmp_path / "out"), open_store(str(tmp_path / "out")).labels
    href = next(iter(done.document["scenes"][0]["inputs"]))
    scene = open_scene(item_from_raster(href), bands=BGR)
    assert scene.mask is not None
    with SceneReader(scene) as reader:
        _, coverage = reader.read(slice(0, 384), slice(0, 384))
    assert (coverage == Coverage.CLOUD).any()
    for number in range(len(frame)):
        row, column = int(frame["row"][number]), int(frame["column"][number])
        seen = coverage[row : row + 32, column : column + 32] == Coverage.MAPPED
        # Whole patches lie within the area of interest but for those at its rim.
        if 0 < row < 352 and 0 < column < 352:
            assert ((labels[number] != IGNORE) == seen).all()


def test_pixels_outside_the_area_of_interest_are_unknown(tmp_path):
    mask = masks(8, 8)
    whole = Place(tmp_path, "any", mask)
    wanted = gpd.GeoSeries([shapely.box(363060, 1304700, 363300, 1304940)], crs=UTM)
    west, south, east, north = wanted.to_crs("EPSG:4326").total_bounds
    whole.file.write_text(whole.file.read_text() + f"bbox: [{west}, {south}, {east}, {north}]\n")
    done = build(tmp_path / "out", whole, min_usable=0.01, split="random")
    assert done.code == 0, done.err
    frame, patches = index_of(tmp_path / "out"), open_store(str(tmp_path / "out"))
    labels = np.asarray(patches.labels)
    for number in range(len(frame)):
        rows, columns = np.indices((SIZE, SIZE)) + 0.5
        x = 363000 + 3 * (columns + frame["column"][number])
        y = 1305000 - 3 * (rows + frame["row"][number])
        deep = (x > 363066) & (x < 363294) & (y > 1304706) & (y < 1304934)
        far = (x < 363054) | (x > 363306) | (y < 1304694) | (y > 1304946)
        assert (labels[number][deep] != IGNORE).all()
        assert (labels[number][far] == IGNORE).all()


def test_statistics_are_those_of_mapping(tmp_path):
    mask = masks(90, 80, share=0.05, seed=5)
    image = texture(mask.shape, seed=9)
    image[:, 100:400, 50:300] = 0
    place = Place(tmp_path, "any", mask, image=image, raster={"nodata": 0})
    assert build(tmp_path / "out", place, split="random").code == 0
    scene = open_scene(item_from_raster(str(place.raster), bands=BGR), bands=BGR)
    with SceneReader(scene) as reader:
        expected = band_statistics(reader.sample())
    patches = open_store(str(tmp_path / "out"))
    assert patches.statistics is not None
    assert set(patches.statistics) == {expected}


@pytest.mark.parametrize("ratio", [0.5, 1, 3])
def test_negatives(tmp_path, ratio):
    mask = masks(40, 20, share=0.25, seed=2)
    image = texture(mask.shape)
    image[:, 200:280, 100:200] = 0
    place = Place(tmp_path, "any", mask, image=image, raster={"nodata": 0})
    outs = []
    for name, threads in (("one", 1), ("two", 2)):
        done = build(tmp_path / name, place, negatives=ratio, threads=threads, split="random")
        assert done.code == 0, done.err
        counts = done.document["scenes"][0]["counts"]
        there = sum(counts[k] for k in ("kept", "negatives", "empty", "unusable", "unseen"))
        assert there == counts["positions"] == 800
        wanted = round(ratio * counts["kept"])
        assert counts["negatives"] == wanted or (counts["empty"] == 0 and wanted > 500)
        frame = index_of(tmp_path / name)
        assert (frame["positive_share"] == 0).sum() == counts["negatives"]
        assert (frame["usable_share"] >= 0.5).all()
        assert_cut_from(tmp_path / name, place)
        outs.append(frame)
    assert outs[0].equals(outs[1])
    if ratio == 1:
        # From everywhere, not only from the rows at the top.
        assert outs[0].loc[outs[0]["positive_share"] == 0, "row"].max() > 35 * SIZE


def test_overlapping_patches(tmp_path):
    place = Place(tmp_path, "any", masks(12, 12))
    done = build(tmp_path / "out", place, overlap=4, block=3)
    assert done.code == 0, done.err
    frame = index_of(tmp_path / "out")
    assert set(frame["row"]) == set(range(0, 12 * SIZE - SIZE + 1, 12))
    assert_cut_from(tmp_path / "out", place)
    assert build(tmp_path / "b", place, overlap=16).code == 2
    done = build(tmp_path / "c", place, stride=12, split="random")
    assert done.code == 2
    assert re.match(r"hrgldd: leak .* overlap", done.err.splitlines()[-1])
    assert tree(tmp_path / "c") == {}


def test_scenes_larger_than_a_strip(tmp_path):
    # Strips of 512 rows: patches of 16 at a stride of 24 end nowhere near a strip's last row.
    mask = masks(80, 8, share=0.5, seed=4)
    place = Place(tmp_path, "any", mask, raster={"tiled": True, "blockxsize": 64, "blockysize": 64})
    done = build(tmp_path / "out", place, stride=24, split="random", threads=2)
    assert done.code == 0, done.err
    frame = index_of(tmp_path / "out")
    expected = [
        (row, column)
        for row in range(0, 80 * SIZE - SIZE + 1, 24)
        for column in range(0, 8 * SIZE - SIZE + 1, 24)
        if mask[row : row + SIZE, column : column + SIZE].any()
    ]
    assert list(zip(frame["row"], frame["column"], strict=True)) == expected
    assert_cut_from(tmp_path / "out", place)


def test_the_index_says_what_each_patch_is(tmp_path):
    place = Place(tmp_path, "20240102_030405_any", masks(9, 9), site="Wayanad South", role="train")
    assert build(tmp_path / "out", place).code == 0
    frame = index_of(tmp_path / "out")
    assert frame["patch_id"].is_unique
    assert set(frame["site"]) == {"wayanad-south"}
    assert {t.isoformat() for t in frame["date"]} == {"2024-01-02T03:04:05+00:00"}
    patches = open_store(str(tmp_path / "out"))
    assert patches.sites == ("wayanad-south",)
    assert patches.splits.tolist() == frame["split"].tolist()
    for split in ("train", "val", "test"):
        part = open_patches(str(tmp_path / "out"), split=split)
        assert len(part) == (frame["split"] == split).sum() > 0
    with rasterio.open(place.raster) as dataset:
        assert patches.images.dtype == dataset.dtypes[0]


def test_on_a_dask_cluster_as_on_threads(tmp_path):
    mask = masks(40, 12, share=0.5, seed=6)
    place = Place(tmp_path, "any", mask)
    options = {"negatives": 0.5, "split": "random"}
    assert build(tmp_path / "threads", place, **options).code == 0
    with DaskCluster(threads=2) as cluster:
        done = build(tmp_path / "dask", place, cluster=cluster.address, **options)
        assert done.code == 0, done.err
        (tmp_path / "any.tif").write_bytes((tmp_path / "any.tif").read_bytes()[:-5000])
        broken = build(tmp_path / "b", place, cluster=cluster.address, **options)
    assert "is cut off" in broken.err
    assert index_of(tmp_path / "dask").equals(index_of(tmp_path / "threads"))
    ours, expected = (open_store(str(tmp_path / name)) for name in ("dask", "threads"))
    assert (np.asarray(ours.images) == np.asarray(expected.images)).all()
    assert (np.asarray(ours.labels) == np.asarray(expected.labels)).all()
