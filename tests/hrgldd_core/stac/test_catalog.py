"""Searching a file of items finds what a loop over them finds."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hrgldd_core.errors import InputError
from hrgldd_core.stac.catalog import SearchQuery, parse_bbox, parse_interval, search
from tests.support import box_item, data_asset, write_catalogue

START = datetime(2024, 1, 1, tzinfo=UTC)


def boxes(item_id, west, south, east, north, **changes):
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    bbox = [west, south, east, north]
    return box_item(item_id, geometry=geometry, bbox=bbox, **changes)


def days(number):
    return (START + timedelta(days=number)).isoformat()


@st.composite
def catalogues(draw):
    """Items on whole degrees and days: (id, box, first day, last day, collection)."""
    items = []
    for index in range(draw(st.integers(1, 12))):
        west, south = draw(st.integers(-170, 160)), draw(st.integers(-80, 70))
        box = (west, south, west + draw(st.integers(1, 9)), south + draw(st.integers(1, 9)))
        first = draw(st.integers(0, 60))
        last = first + draw(st.integers(0, 5))
        items.append((f"i{index:02d}", box, first, last, draw(st.sampled_from("abc"))))
    return items


def document(item_id, box, first, last, collection):
    times = (
        {"datetime": days(first)}
        if first == last
        else {"datetime": None, "start_datetime": days(first), "end_datetime": days(last)}
    )
    return boxes(item_id, *box, properties=times, collection=collection)


HALF = 0.5  # queries lie between whole degrees: what touches is not in question


@settings(max_examples=60, deadline=None)
@given(catalogues(), st.data())
def test_search_is_a_filter(tmp_path_factory, items, data):
    path = tmp_path_factory.mktemp("c") / "items.json"
    write_catalogue(path, *(document(*item) for item in items))
    bbox = interval = None
    if data.draw(st.booleans()):
        west, east = (data.draw(st.integers(-175, 174)) + HALF for _ in range(2))
        south = data.draw(st.integers(-85, 83)) + HALF
        north = min(south + data.draw(st.integers(1, 40)), 89.5)
        bbox = (west, south, east if east != west else west + 1, north)
    first, last = (data.draw(st.none() | st.integers(0, 70)) for _ in range(2))
    if first is not None and last is not None:
        first, last = sorted((first, last))
    interval = tuple(None if d is None else START + timedelta(days=d) for d in (first, last))
    wanted = tuple(data.draw(st.sets(st.sampled_from("abc"))))

    def matches(box, begin, end, collection):
        if wanted and collection not in wanted:
            return False
        if (first is not None and end < first) or (last is not None and begin > last):
            return False
        if bbox is None:
            return True
        west, south, east, north = bbox
        # Across the antimeridian a box is two.
        spans = [(west, east)] if west < east else [(west, 180), (-180, east)]
        return (
            box[1] < north and box[3] > south and any(box[0] < e and box[2] > w for w, e in spans)
        )

    expected = [i[0] for i in items if matches(*i[1:])]
    query = SearchQuery(bbox=bbox, interval=interval, collections=wanted)
    if expected:
        assert [i.id for i in search(str(path), query)] == sorted(expected)
    else:
        with pytest.raises(InputError, match="no scene found"):
            search(str(path), query)


def test_box_across_the_antimeridian(tmp_path):
    path = write_catalogue(
        tmp_path / "items.json",
        boxes("fiji", 177, -18, 179, -16), boxes("samoa", -173, -15, -171, -13),
        boxes("kerala", 75, 11, 76, 12),
    )  # fmt: skip
    found = search(str(path), SearchQuery(bbox=parse_bbox("176,-20,-170,-10")))
    assert [i.id for i in found] == ["fiji", "samoa"]


def test_outline_counts_and_not_its_box(tmp_path):
    # A triangle whose box holds the place, but which itself does not.
    ring = [[70, 10], [80, 10], [70, 20], [70, 10]]
    item = box_item(geometry={"type": "Polygon", "coordinates": [ring]}, bbox=[70, 10, 80, 20])
    path = write_catalogue(tmp_path / "items.json", item)
    with pytest.raises(InputError, match="no scene found"):
        search(str(path), SearchQuery(bbox=(78, 18, 79, 19)))
    assert search(str(path), SearchQuery(bbox=(71, 11, 72, 12)))


def test_item_without_an_outline_is_nowhere(tmp_path):
    item = box_item(geometry=None)
    del item["bbox"]
    path = write_catalogue(tmp_path / "items.json", item)
    assert len(search(str(path), SearchQuery())) == 1
    with pytest.raises(InputError, match="no scene found"):
        search(str(path), SearchQuery(bbox=(0, 0, 90, 45)))


def test_result_is_sorted_and_limited(tmp_path):
    path = write_catalogue(tmp_path / "items.json", *(box_item(i) for i in "dbca"))
    assert [i.id for i in search(str(path), SearchQuery())] == list("abcd")
    assert [i.id for i in search(str(path), SearchQuery(max_items=2))] == ["a", "b"]


def test_relative_assets_are_found_beside_the_catalogue(tmp_path):
    assets = {"a": data_asset("./sub/a.tif"), "b": data_asset("https://host/b.tif")}
    path = write_catalogue(tmp_path / "deep/items.json", box_item(assets=assets))
    (item,) = search(str(path), SearchQuery())
    assert item.assets["a"].href == str(tmp_path / "deep/sub/a.tif")
    assert item.assets["b"].href == "https://host/b.tif"


def test_old_items_are_migrated(tmp_path):
    item = box_item(stac_version="1.0.0", stac_extensions=[])
    path = write_catalogue(tmp_path / "items.json", item)
    assert search(str(path), SearchQuery())[0].id == "scene"


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2024-11-01/2024-11-30", "2024-11-01T00:00:00", "2024-11-30T23:59:59"),
        ("2024-11-10", "2024-11-10T00:00:00", "2024-11-10T23:59:59"),
        ("2024-11-01/..", "2024-11-01T00:00:00", None),
        ("2024-11-01/", "2024-11-01T00:00:00", None),
        ("/2024-11-30", None, "2024-11-30T23:59:59"),
        ("../2024-11-30", None, "2024-11-30T23:59:59"),
        ("2024-11-10T05:00:00Z/2024-11-10T06:00:00Z", "2024-11-10T05:00:00", "2024-11-10T06:00:00"),
        ("2024-11-10T05:00:00+05:30/..", "2024-11-09T23:30:00", None),
    ],
)
def test_intervals(text, first, last):
    found = [t and t.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S") for t in parse_interval(text)]
    assert found == [first, last]


@pytest.mark.parametrize("day", [3, 5])
def test_ends_of_an_interval_belong_to_it(tmp_path, day):
    times = {"datetime": None, "start_datetime": days(3), "end_datetime": days(5)}
    path = write_catalogue(tmp_path / "items.json", box_item(properties=times))
    moment = START + timedelta(days=day)
    assert search(str(path), SearchQuery(interval=(moment, moment)))
    beyond = moment + timedelta(days=1 if day == 5 else -1)
    with pytest.raises(InputError, match="no scene found"):
        search(str(path), SearchQuery(interval=(beyond, beyond)))


def test_the_whole_day_counts(tmp_path):
    late = box_item(properties={"datetime": "2024-11-10T23:59:59.5Z"})
    path = write_catalogue(tmp_path / "items.json", late)
    assert search(str(path), SearchQuery(interval=parse_interval("2024-11-10")))


@pytest.mark.parametrize("text", ["75.748,11.755,-75,11.811", " 75.748, 11.755, -75, 11.811 "])
def test_boxes(text):
    assert parse_bbox(text) == (75.748, 11.755, -75, 11.811)


def test_query_in_words():
    words = SearchQuery(bbox=(75, 11, 76, 12), interval=parse_interval("2024-11-01/..")).describe()
    assert words["bbox"] == "75,11,76,12"
    assert words["datetime"] == "2024-11-01T00:00:00Z/.."
    assert words["collections"] == "any"
    assert json.dumps(SearchQuery().describe()).count("any") == 3
