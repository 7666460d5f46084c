"""Bands and masks are found by what metadata say, or not at all."""

from __future__ import annotations

import pystac
import pytest

from hrgldd_core.errors import InputError
from hrgldd_core.scenes.bands import asset_band_names, find_bands, find_mask, names_from_raster
from tests.support import BGR, box_item, data_asset


def item(**assets) -> pystac.Item:
    return pystac.Item.from_dict(box_item(assets=assets))


def eo_bands(*names):
    return {"eo:bands": [{"name": f"b{i}", "common_name": n} for i, n in enumerate(names)]}


def found(of: pystac.Item, wanted=BGR):
    by_asset = {id(asset): key for key, asset in of.assets.items()}
    return [(by_asset[id(asset)], index) for asset, index in find_bands(of, wanted)]


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"bands": [{"name": "B1", "eo:common_name": "Blue"}, {"name": "NIR"}]}, ["blue", "nir"]),
        (eo_bands("red", "nir"), ["red", "nir"]),
        ({"eo:bands": [{"name": "green"}]}, ["green"]),
        ({"bands": [{"name": "red"}], **eo_bands("blue")}, ["red"]),
        ({"bands": [{}]}, [""]),
        ({}, []),
    ],
)
def test_names_of_an_asset(fields, names):
    assert asset_band_names(pystac.Asset("a.tif", extra_fields=fields)) == names


def test_one_asset_with_more_bands_in_another_order():
    four = item(analytic=data_asset("a.tif", ("nir", "red", "green", "blue")))
    assert found(four) == [("analytic", 4), ("analytic", 3), ("analytic", 2)]


def test_old_items_with_eo_bands():
    old = item(analytic={"href": "a.tif", "roles": ["data"], **eo_bands(*BGR)})
    assert found(old) == [("analytic", 1), ("analytic", 2), ("analytic", 3)]


def test_one_asset_a_band():
    single = item(**{f"B{i}": data_asset(f"{n}.tif", (n,)) for i, n in enumerate(reversed(BGR))})
    assert found(single) == [("B2", 1), ("B1", 1), ("B0", 1)]


def test_surface_reflectance_is_preferred():
    both = item(analytic=data_asset("toa.tif"), ortho_analytic_4b_sr=data_asset("sr.tif"))
    assert {key for key, _ in found(both)} == {"ortho_analytic_4b_sr"}


def test_pictures_that_name_bands_are_no_data():
    # Planetary Computer's Sentinel-2 items give the true colour picture the role "data".
    single = {n: data_asset(f"{n}.tif", (n,)) for n in BGR}
    sentinel = item(visual=data_asset("tci.tif", BGR[::-1]), **single)
    assert found(sentinel) == [("blue", 1), ("green", 1), ("red", 1)]


def test_jpeg2000_is_passed_over_and_the_finest_band_taken():
    assets = {"a-jp2": data_asset("b.jp2", type="image/jp2")}
    for size in (20, 10, 60):
        assets |= {f"{b}_{size}m": data_asset(f"{b}{size}.tif", (b,), gsd=size) for b in BGR}
    assert [key for key, _ in found(item(**assets))] == ["blue_10m", "green_10m", "red_10m"]


def test_planet_items_without_bands_are_told_by_the_name_of_the_product():
    four = item(analytic={"href": "https://host/x_3B_AnalyticMS.tif?token=1", "roles": ["data"]})
    assert [index for _, index in found(four)] == [1, 2, 3]
    eight = item(analytic={"href": "x_3B_AnalyticMS_SR_8b.tif", "roles": ["data"]})
    assert [index for _, index in found(eight)] == [2, 4, 6]


def test_one_asset_with_all_is_preferred_to_several():
    mixed = item(a_red_sr=data_asset("r.tif", ("red",)), whole=data_asset("w.tif"))
    assert {key for key, _ in found(mixed)} == {"whole"}


@pytest.mark.parametrize("role", ["thumbnail", "overview", "visual", "metadata", "data-mask"])
def test_pictures_are_no_data(role):
    with pytest.raises(InputError, match="no blue band"):
        found(item(picture=data_asset("rgb.tif", roles=[role])))


def test_a_missing_band_is_named_with_what_there_is():
    few = item(analytic=data_asset("a.tif", ("green", "red")), other={"href": "x"})
    with pytest.raises(InputError) as error:
        found(few)
    message = str(error.value)
    assert message.startswith("scene: has no blue band (needed: blue, green, red;")
    assert "analytic: green, red" in message
    assert "other: unnamed" in message
    assert "--bands" in message
    assert "--model" in message


@pytest.mark.parametrize(
    ("key", "asset", "known"),
    [
        ("udm2", {"href": "u.tif"}, True),
        ("ortho_udm2", {"href": "u.tif"}, True),
        ("mask", {"href": "x_udm2.tif", "roles": ["data-mask"]}, True),
        ("mask", {"href": "x.tif", "roles": ["data-mask"]}, False),
        ("udm", {"href": "x_DN_udm.tif"}, False),
        ("SCL", {"href": "SCL.tif"}, True),
        ("scl", {"href": "SCL.jp2", "type": "image/jp2"}, False),
    ],
)
def test_mask(key, asset, known):
    mask = find_mask(item(**{key: asset}))
    assert (mask is not None) == known


SUPER = ("coastal", "blue", "green_i", "green", "yellow", "red", "rededge", "nir")


@pytest.mark.parametrize(
    ("name", "count", "names"),
    [
        ("20241110_053942_45_24f7_3B_AnalyticMS_SR_8b.tif", 8, SUPER),
        ("20241110_053942_45_24f7_3B_AnalyticMS_SR_8b_harmonized_clip.tif", 8, SUPER),
        ("20200101_010101_1_1035_3B_AnalyticMS.tif", 4, (*BGR, "nir")),
        ("20200101_010101_1_1035_3B_AnalyticMS_SR.TIF", 4, (*BGR, "nir")),
    ],
)
def test_names_of_planetscope_files(name, count, names):
    assert names_from_raster(name, count, [None] * count) == names


def test_given_names_win_and_are_trimmed():
    given = ["Red", " green ", "BLUE"]
    assert names_from_raster("a.tif", 3, BGR, given) == ("red", "green", "blue")


def test_names_in_the_file_are_used():
    assert names_from_raster("a.tif", 4, ("Blue", "GREEN", "red", "x")) == (*BGR, "x")


@pytest.mark.parametrize(
    ("name", "count", "descriptions"),
    [
        ("a.tif", 3, [None] * 3),
        ("a.tif", 4, ["blue", "b", "c", "d"]),
        ("x_3B_AnalyticMS_SR.tif", 5, [None] * 5),
        ("x_3B_AnalyticMS_SR_preview.tif", 4, [None] * 4),
    ],
)
def test_names_are_never_guessed(name, count, descriptions):
    with pytest.raises(InputError, match=rf"{count} bands without names.*--bands"):
        names_from_raster(name, count, descriptions)
