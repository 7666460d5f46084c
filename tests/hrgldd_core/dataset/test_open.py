"""One function opens data sets of every kind, and says so when a thing is none."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from hrgldd_core.dataset.build import build_dataset
from hrgldd_core.dataset.patches import open_patches
from hrgldd_core.errors import InputError
from tests.support import NORTH_UP, texture, write_raster


@pytest.fixture
def built(tmp_path):
    """A dataset of one scene, each patch with an outline."""
    write_raster(tmp_path / "scene.tif", texture((256, 256)))
    west, north = NORTH_UP.c, NORTH_UP.f
    outlines = [
        shapely.box(west + x + 12, north - y - 36, west + x + 27, north - y - 12)
        for x in range(0, 768, 96)
        for y in range(0, 768, 96)
    ]
    gpd.GeoDataFrame(geometry=outlines, crs="EPSG:32643").to_file(tmp_path / "a.gpkg")
    (tmp_path / "a.yaml").write_text(
        "name: a\nscenes: [scene.tif]\nbands: blue,green,red\ninventory: a.gpkg\n"
    )
    build_dataset([str(tmp_path / "a.yaml")], out=str(tmp_path / "built"), size=32, stride=32)
    return str(tmp_path / "built")


def test_a_built_dataset_and_its_splits(built):
    whole = open_patches(built)
    aside = len(open_patches(built, split="guard"))
    assert aside > 0
    assert set(whole.splits) == {"train", "val", "test"}
    assert (len(whole), whole.bands, whole.sites) == (64 - aside, ("blue", "green", "red"), ("a",))
    assert whole.site_name(0) == "a"
    train = open_patches(built, split="train")
    assert 0 < len(train) < 64
    assert set(train.splits) == {"train"}
    np.testing.assert_array_equal(train.images, whole.images[whole.splits == "train"])
    assert len(train.statistics) == len(train)
    with pytest.raises(InputError, match=r"has no 'unseen' patches. Splits there: .*train"):
        open_patches(built, split="unseen")


def test_subsets_keep_what_is_known_of_each_patch(built):
    whole = open_patches(built)
    some = whole.subset([9, 3]).with_bands(("red", "blue"))
    assert some.splits.tolist() == [whole.splits[9], whole.splits[3]]
    np.testing.assert_array_equal(some.images, whole.images[[9, 3]][..., [2, 0]])
    assert some.statistics[1].center == (
        whole.statistics[3].center[2],
        whole.statistics[3].center[0],
    )
    with pytest.raises(InputError, match="has blue, green, red, and no nir"):
        whole.with_bands(("nir",))


def test_arrays_are_read_from_disk_only(monkeypatch):
    monkeypatch.setattr("hrgldd_core.storage.exists", lambda _: False)
    with pytest.raises(InputError, match=r"no built dataset .* from disk only"):
        open_patches("gs://bucket/patches")


@pytest.mark.parametrize("prefix", ["", "file://"])
def test_paths_and_file_uris(tmp_path, prefix):
    folder = tmp_path / "with space"
    folder.mkdir()
    np.savez(folder / "a.npz", X=np.ones((2, 16, 16, 3)), Y=np.ones((2, 16, 16)))
    path = str(folder / "a.npz")
    assert len(open_patches(prefix + (path.replace(" ", "%20") if prefix else path))) == 2
