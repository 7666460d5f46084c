"""``hrgldd map --stac``: searches and catalogues that lead nowhere are refused clearly."""

from __future__ import annotations

import json

import pytest
from rasterio.shutil import copy as raster_copy

from tests.servers.files import FileServer
from tests.support import (
    BGR,
    assert_refused,
    box_item,
    data_asset,
    hrgldd,
    texture,
    write_catalogue,
    write_raster,
)


@pytest.fixture
def refused(tmp_path, bright_model):
    """Search with options; the line of the refusal, once nothing was written."""

    def check(*words: object, patterns: tuple[str, ...]):
        out = tmp_path / "out" / "result"
        done = hrgldd("map", *words, "--model", bright_model, "--out", out)
        line = assert_refused(done, *patterns)
        assert not out.parent.exists()
        return line

    return check


@pytest.fixture
def catalogue(tmp_path, plain_scene):
    """A catalogue of one sound item."""
    item = box_item(collection="planet", assets={"analytic": data_asset(plain_scene)})
    return write_catalogue(tmp_path / "items.json", item)


@pytest.mark.parametrize(
    ("bbox", "pattern"),
    [
        ("somewhere", "not four numbers"),
        ("75,11,76", "not four numbers"),
        ("75,11,76,12,13", "not four numbers"),
        ("75,11,76,north", "not four numbers"),
        ("75,12,76,11", "empty"),
        ("75,11,75,12", "empty"),
        ("75,11,76,11", "empty"),
        ("76,11,75,12", "west east of east"),
        ("-190,11,76,12", "beyond 180 or a latitude beyond 90"),
        ("75,11,76,91", "beyond 180 or a latitude beyond 90"),
        ("nan,11,76,12", "beyond 180 or a latitude beyond 90|not four numbers"),
        ("75,11,inf,12", "beyond 180 or a latitude beyond 90"),
    ],
)
def test_bad_box(refused, catalogue, bbox, pattern):
    refused("--stac", catalogue, "--bbox", bbox, patterns=(pattern, "--bbox W,S,E,N"))


@pytest.mark.parametrize(
    "interval",
    ["soon", "2024-13-01", "2024-11-31", "2024-11-01/then", "2024-11-30/2024-11-01"],
)
def test_bad_interval(refused, catalogue, interval):
    line = refused("--stac", catalogue, "--datetime", interval, patterns=("datetime|dates|time",))
    assert interval in line or "begin" in line


@pytest.mark.parametrize(
    "words",
    [
        ("--bbox", "10,45,11,46"),
        ("--datetime", "2020-01-01/2020-12-31"),
        ("--collections", "sentinel-2"),
    ],
)
def test_nothing_found_says_what_was_searched(refused, catalogue, words):
    searched = words[1].split("/", maxsplit=1)[0]
    refused(
        "--stac", catalogue, *words, patterns=("no scene found", searched, r"items\.json", "--bbox")
    )


def test_empty_catalogue(refused, tmp_path):
    path = write_catalogue(tmp_path / "items.json")
    refused("--stac", path, patterns=("no scene found", "any place", "any time"))


@pytest.mark.parametrize("both", [True, False])
def test_scene_or_search(refused, catalogue, plain_scene, both):
    words = ("--stac", catalogue, "--scene", plain_scene) if both else ()
    refused(*words, patterns=("either --scene or --stac",))


def test_catalogue_is_not_there(refused, tmp_path):
    refused("--stac", tmp_path / "absent.json", patterns=(r"absent\.json", "cannot be read"))


@pytest.mark.parametrize(
    "text", ["", "<html>", '{"type": "FeatureCollection", "features": [', "\0"]
)
def test_catalogue_is_not_json(refused, tmp_path, text):
    path = tmp_path / "items.json"
    path.write_text(text)
    refused("--stac", path, patterns=(r"items\.json", "is not JSON"))


def test_catalogue_is_not_text(refused, tmp_path):
    path = tmp_path / "items.json"
    path.write_bytes(b"\xff\xfe\xfa\x80")
    refused("--stac", path, patterns=(r"items\.json", "is not JSON"))


@pytest.mark.parametrize("document", [[], 3, "x", {}, {"type": "Catalog"}, box_item()])
def test_catalogue_is_no_item_collection(refused, tmp_path, document):
    path = tmp_path / "items.json"
    path.write_text(json.dumps(document))
    refused("--stac", path, patterns=("not an item collection", "FeatureCollection"))


@pytest.mark.parametrize("features", [None, 3, "abc", {"a": 1}])
def test_features_are_no_list(refused, tmp_path, features):
    path = tmp_path / "items.json"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    refused("--stac", path, patterns=(r"items\.json",))


BROKEN = {
    "no item": {},
    "no dictionary": "item",
    "null": None,
    "no datetime": box_item(properties={}),
    "datetime is text": box_item(properties={"datetime": "yesterday"}),
    "datetime is a number": box_item(properties={"datetime": 20241110}),
    "geometry of nothing": box_item(geometry={"type": "Polygon"}),
    "geometry is text": box_item(geometry="somewhere"),
    "geometry of text": box_item(geometry={"type": "Polygon", "coordinates": [[["a", "b"]]]}),
    "properties is a list": box_item(properties=[]),
    "assets is a list": box_item(assets=[]),
    "asset without address": box_item(assets={"analytic": {"roles": ["data"]}}),
    "asset is text": box_item(assets={"analytic": "a.tif"}),
    "address is a number": box_item(assets={"analytic": {**data_asset("x"), "href": 3}}),
    "id is a number": box_item(7),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_item(refused, tmp_path, plain_scene, name):
    good = box_item("good", assets={"analytic": data_asset(plain_scene)})
    path = write_catalogue(tmp_path / "items.json", good, BROKEN[name])
    refused("--stac", path, "--bbox", "75,11,76,12", patterns=("items.json|scene|7",))


@pytest.mark.parametrize(
    "item_id", ["../x", "../../etc/passwd", "/etc/x", "a/b", "", ".", "..", ".x", "a\nb", "x" * 300]
)
def test_id_that_cannot_name_a_file(refused, tmp_path, plain_scene, item_id):
    item = box_item(item_id, assets={"analytic": data_asset(plain_scene)})
    path = write_catalogue(tmp_path / "items.json", item)
    refused("--stac", path, patterns=("item id", "cannot name a file", "letters, digits"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["items.json"]


def test_asset_is_a_virtual_raster(refused, tmp_path, plain_scene):
    raster_copy(str(plain_scene), str(tmp_path / "scene.vrt"), driver="VRT")
    item = box_item(assets={"analytic": data_asset("./scene.vrt")})
    path = write_catalogue(tmp_path / "items.json", item)
    refused("--stac", path, patterns=(r"scene\.vrt", "not a readable raster"))


@pytest.mark.parametrize("href", ["/vsizip/x.zip/a.tif", "ftp://host/a.tif", "/dev/null"])
def test_asset_at_an_odd_address(refused, tmp_path, href):
    path = write_catalogue(tmp_path / "items.json", box_item(assets={"a": data_asset(href)}))
    refused("--stac", path, patterns=("a.tif|/dev/null",))


def test_asset_is_missing(refused, tmp_path):
    path = write_catalogue(tmp_path / "items.json", box_item(assets={"a": data_asset("no.tif")}))
    refused("--stac", path, patterns=(r"no\.tif", "[Nn]o such file"))


def test_item_without_the_bands(refused, tmp_path, plain_scene):
    assets = {"analytic": data_asset(plain_scene, ("green", "red", "nir"))}
    path = write_catalogue(tmp_path / "items.json", box_item(assets=assets))
    refused("--stac", path, patterns=("no blue band", "analytic: green, red, nir"))


def test_item_with_more_bands_than_the_file(refused, tmp_path, plain_scene):
    assets = {"analytic": data_asset(plain_scene, ("coastal", *BGR))}
    path = write_catalogue(tmp_path / "items.json", box_item(assets=assets))
    refused("--stac", path, patterns=("has 3 bands, the item names 4", "Correct the item"))


def test_bands_on_different_grids(refused, tmp_path):
    assets = {
        band: data_asset(write_raster(tmp_path / f"{band}.tif", texture((64, 64 + i), 1)), (band,))
        for i, band in enumerate(BGR)
    }
    path = write_catalogue(tmp_path / "items.json", box_item(assets=assets))
    refused(
        "--stac",
        path,
        patterns=("different grids", r"blue \d+ x \d+ pixels of 3 m", "red", "gdalwarp"),
    )


@pytest.mark.parametrize("mask", ["absent", "cut", "few bands", "text"])
def test_unusable_mask(refused, tmp_path, plain_scene, mask):
    udm2 = tmp_path / "udm2.tif"
    if mask == "cut":
        whole = write_raster(tmp_path / "w.tif", texture((96, 112), 8, dtype="uint8"))
        udm2.write_bytes(whole.read_bytes()[:-5000])
    elif mask == "few bands":
        write_raster(udm2, texture((96, 112), 1, dtype="uint8"))
    elif mask == "text":
        udm2.write_text("clear")
    assets = {"analytic": data_asset(plain_scene), "udm2": {"href": str(udm2)}}
    path = write_catalogue(tmp_path / "items.json", box_item(assets=assets))
    refused("--stac", path, patterns=(r"udm2\.tif",))


@pytest.mark.parametrize("text", ["eo:cloud_cover <", "{", "cloud"])
def test_filter_that_does_not_parse(refused, catalogue, text):
    refused("--stac", catalogue, "--filter", text, patterns=("is not CQL2", "--filter"))


@pytest.mark.parametrize(
    ("fault", "patterns"),
    [
        (401, ("answers 401", "HRGLDD_STAC_TOKEN")),
        (403, ("answers 403", "HRGLDD_STAC_TOKEN")),
        (404, ("answers 404", "Check the address")),
    ],
)
def test_server_that_refuses(refused, fault, patterns):
    with FileServer({"/": b"{}"}) as server:
        server.faults["/"] += [fault]
        refused("--stac", f"{server.url}/", patterns=patterns)


def test_server_of_web_pages(refused):
    with FileServer({"/": b"<html><p>Welcome"}) as server:
        refused("--stac", f"{server.url}/", patterns=("web page", "address of a STAC API"))


def test_server_that_is_not_there(refused):
    with FileServer() as server:
        server.stop()
        refused("--stac", f"{server.url}/", patterns=("does not answer", "Check the address"))


def test_server_without_filters(refused):
    with FileServer() as server:
        root = {
            "type": "Catalog", "id": "x", "stac_version": "1.0.0", "description": "x",
            "conformsTo": [f"https://api.stacspec.org/v1.0.0/{c}" for c in ("core", "item-search")],
            "links": [{"rel": "search", "href": f"{server.url}/search"}],
        }  # fmt: skip
        server.files["/"] = json.dumps(root).encode()
        words = ("--stac", f"{server.url}/", "--filter", "eo:cloud_cover < 20")
        refused(*words, patterns=("does not offer the filter extension", "--filter"))
