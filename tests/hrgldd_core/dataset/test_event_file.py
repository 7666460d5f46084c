"""Event files: what they may say, and one clear line for what they may not."""

from __future__ import annotations

import pytest
import yaml

from hrgldd_core.dataset.event_file import read_events
from hrgldd_core.errors import InputError
from tests.hrgldd_core.dataset.building import Place, build, masks
from tests.support import assert_refused, write_raster

GOOD = {"name": "Hokkaido 2018", "scenes": ["a.tif"], "inventory": "b.shp"}


def write(folder, document):
    path = folder / "events.yaml"
    path.write_text(document if isinstance(document, str) else yaml.safe_dump(document))
    return str(path)


@pytest.mark.parametrize("document", [GOOD, [GOOD], {"events": [GOOD]}])
def test_one_event_or_several(tmp_path, document):
    (event,) = read_events([write(tmp_path, document)])
    assert event.place == "hokkaido-2018"
    assert event.role == "train"
    # Relative to the file, not to the working directory.
    assert event.scenes[0].path == str(tmp_path / "a.tif")
    assert event.inventory.path == str(tmp_path / "b.shp")


def test_every_field(tmp_path):
    text = """
name: Vilangad debris flows
site: Kozhikode
role: unseen
country: India
trigger: rainfall
date: 2024-07-30
bbox: [75.7, 11.7, 75.8, 11.8]
datetime: 2024-11-01/2024-11-30
stac: https://stac.example.org
collections: [planetscope]
max_items: 3
inventory: {path: gs://bucket/a.gpkg, layer: slides, where: year = 2024}
"""
    (event,) = read_events([write(tmp_path, text)])
    assert event.date == "2024-07-30"
    assert event.place == "kozhikode"
    assert event.stac == "https://stac.example.org"
    assert event.inventory.path == "gs://bucket/a.gpkg"


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("a: [", "is not YAML"),
        ("", "holds no event"),
        ("just text", "holds no event"),
        ([3], "event 1"),
        ({"scenes": ["a"], "inventory": "b"}, "event 1: name is missing"),
        (GOOD | {"sight": "x"}, "event Hokkaido 2018: 'sight' is no field. Did you mean 'site'"),
        (GOOD | {"role": "test"}, "role is 'test'. Choose 'train' or 'unseen'"),
        (GOOD | {"scenes": []}, "give either 'scenes' .* or 'stac'"),
        (GOOD | {"stac": "c.json"}, "give either 'scenes' .* or 'stac'"),
        ({k: v for k, v in GOOD.items() if k != "scenes"} | {"stac": "c"}, "needs a 'bbox'"),
        (GOOD | {"bbox": [1, 2, 3]}, "bbox"),
        (GOOD | {"collections": ["a"]}, "'collections' belongs to a 'stac' search"),
        (GOOD | {"inventory": {"layer": "x"}}, "inventory.path is missing. Add"),
        (GOOD | {"scenes": [{"file": "a"}]}, r"scenes.0.path is missing"),
        (GOOD | {"name": "..."}, "need letters or digits"),
        ([GOOD, GOOD], "two events are called 'Hokkaido 2018'"),
        ({"events": [GOOD], "more": 1}, "unknown field 'more'"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, document, words):
    with pytest.raises(InputError, match=words) as raised:
        read_events([write(tmp_path, document)])
    if "two events" not in words:
        assert str(tmp_path / "events.yaml") in str(raised.value)


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path, "any", masks(9, 9))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"size": 100}, "size must be divisible by 16"),
        ({"size": 0}, "--size is 0. Give a number of at least 16"),
        ({"negatives": -1}, "--negatives"),
        ({"min_usable": 0}, "--min-usable"),
        ({"bands": "red,red"}, "each once"),
        ({"bands": "blue,nir"}, "event any: .*has no nir band.*--bands that all scenes have"),
    ],
)
def test_refused_options(tmp_path, place, options, words):
    assert_refused(build(tmp_path / "out", place, **options), words)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"scenes": ["absent.tif"]}, "event any: .*absent.tif: no such file"),
        ({"scenes": ["any.tif", "any.tif"]}, "two scenes are called 'any'"),
        ({"inventory": "absent.gpkg"}, "absent.gpkg: cannot be read|absent.gpkg: no such file"),
        ({"bands": ["red"]}, "has 3 bands, 1 are named.*in the event file, such as bands: \\["),
        ({"bands": []}, "without names.*in the event file, such as bands: \\["),
        ({"bbox": [0, 0, 1, 1]}, "does not touch the AOI. Check `bbox` of the event"),
        ({"bbox": [5, 0, 1, 1]}, "west east of east. Give `bbox` of the event"),
        ({"inventory": {"path": "any.gpkg", "layer": "slide"}}, "there are: any"),
        ({"inventory": {"path": "any.gpkg", "where": "yaer = 1"}}, "columns are:"),
        ({"date": "yesterday"}, "date: 'yesterday' is no date: write it as 2024-07-30"),
        ({"scenes": [{"path": "any.tif", "datetime": "soon"}]}, "'soon' of a scene is no date"),
    ],
)
def test_refused_events(tmp_path, place, change, words):
    place.file.write_text(yaml.safe_dump(place.entry | change))
    assert_refused(build(tmp_path / "out", place), words)
    assert not (tmp_path / "out").exists()


def test_an_inventory_elsewhere(tmp_path, place):
    write_raster(tmp_path / "far.tif", place.image, crs="EPSG:32610")
    place.file.write_text(yaml.safe_dump(place.entry | {"scenes": ["far.tif"]}))
    done = build(tmp_path / "out", place)
    assert done.code == 2
    assert not (tmp_path / "out").exists()
    assert "no patch with a landslide: any/far: 0 polygons on it" in done.err.splitlines()[-1]


@pytest.mark.parametrize("date", ["2024-07-30", "2024-07", 2024, "2024-07-30/2024-08-02"])
def test_dates(tmp_path, date):
    (event,) = read_events([write(tmp_path, GOOD | {"date": date})])
    assert event.date == str(date)


def test_whole_sites_are_counted_before_a_scene_is_cut(tmp_path, place):
    done = build(tmp_path / "out", place, split="sites")
    assert_refused(done, "one site cannot be split", "at least three sites")
    assert not (tmp_path / "out").exists()


def test_no_cluster_there(tmp_path, place):
    done = build(tmp_path / "out", place, cluster="nonsense://1:2")
    assert_refused(done, "nonsense.*no Dask scheduler answers.*--cluster")
