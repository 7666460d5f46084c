"""A STAC API server and the catalogues without one find what a loop over the items finds."""

from __future__ import annotations

from datetime import datetime, timedelta

import pystac
import pytest

from hrgldd_core.errors import InputError
from hrgldd_core.stac.catalog import SearchQuery, find, parse_interval
from hrgldd_core.stac.cql2_filter import parse_filter
from tests.hrgldd_core.stac.catalogues import SOURCES, START, catalogue, made, write_static

COUNT = 150
AS_JSON = '{"op": "<", "args": [{"property": "eo:cloud_cover"}, 35]}'


@pytest.fixture(scope="module")
def items():
    return made(COUNT)


@pytest.fixture(scope="module", params=SOURCES)
def source(request, items, tmp_path_factory):
    """Each kind of catalogue of the same items."""
    with catalogue(request.param, items, tmp_path_factory.mktemp("catalogue")) as uri:
        yield uri


def days(first, last):
    return tuple(None if d is None else START + timedelta(days=d) for d in (first, last))


def begins(item):
    return datetime.fromisoformat(item["properties"]["datetime"])


def cloud(item, most):
    return item["properties"].get("eo:cloud_cover", 101) < most


CASES = {
    "all": (SearchQuery(), lambda i: True),
    "box": (
        SearchQuery(bbox=(-60.5, -40.5, 60.5, 30.5)),
        lambda i: i["bbox"][0] < 60.5 and i["bbox"][2] > -60.5
        and i["bbox"][1] < 30.5 and i["bbox"][3] > -40.5,
    ),
    "across the antimeridian": (
        SearchQuery(bbox=(140.5, -60.5, -140.5, 60.5)),
        lambda i: (i["bbox"][2] > 140.5 or i["bbox"][0] < -140.5)
        and i["bbox"][1] < 60.5 and i["bbox"][3] > -60.5,
    ),
    "interval": (
        SearchQuery(interval=days(10, 30)),
        lambda i: START + timedelta(10) <= begins(i) <= START + timedelta(30),
    ),
    "from": (SearchQuery(interval=days(40, None)), lambda i: begins(i) >= START + timedelta(40)),
    "until": (SearchQuery(interval=days(None, 9)), lambda i: begins(i) <= START + timedelta(9)),
    "one day": (
        SearchQuery(interval=parse_interval("2024-01-20")),
        lambda i: begins(i).date().isoformat() == "2024-01-20",
    ),
    "collections": (SearchQuery(collections=("a", "c")), lambda i: i["collection"] in "ac"),
    "cloud": (SearchQuery(filter=parse_filter("eo:cloud_cover < 20")), lambda i: cloud(i, 20)),
    "cloud as json": (
        SearchQuery(filter=parse_filter(AS_JSON)),
        lambda i: cloud(i, 35),
    ),
    "not cloudy": (
        SearchQuery(filter=parse_filter("NOT (eo:cloud_cover < 20)")),
        lambda i: "eo:cloud_cover" in i["properties"] and not cloud(i, 20),
    ),
    "unknown": (
        SearchQuery(filter=parse_filter("eo:cloud_cover IS NULL")),
        lambda i: "eo:cloud_cover" not in i["properties"],
    ),
    "together": (
        SearchQuery(bbox=(-100.5, -80.5, 150.5, 60.5), interval=days(5, 50),
                    collections=("a", "b"),
                    filter=parse_filter("eo:cloud_cover <= 60 AND platform = 'a'")),
        lambda i: i["bbox"][0] < 150.5 and i["bbox"][2] > -100.5 and i["bbox"][1] < 60.5
        and START + timedelta(5) <= begins(i) <= START + timedelta(50) and i["collection"] in "ab"
        and cloud(i, 61) and i["properties"]["platform"] == "a",
    ),
}  # fmt: skip


def test_the_same_answer_everywhere(source, items):
    for name, (query, wanted) in CASES.items():
        expected = sorted(i["id"] for i in items if wanted(i))
        assert len(expected) > 0, name
        assert [i.id for i in find(source, query).items] == expected, name


@pytest.mark.parametrize("most", [1, 7, 149])
def test_most_items_are_the_first(source, items, most):
    found = find(source, SearchQuery(max_items=most)).items
    assert [i.id for i in found] == sorted(i["id"] for i in items)[:most]
    assert all(isinstance(i, pystac.Item) and i.assets["data"].href for i in found)


def test_nothing_found(source):
    with pytest.raises(InputError, match=r"no scene found.*filter eo:cloud_cover < -1"):
        find(source, SearchQuery(filter=parse_filter("eo:cloud_cover < -1")))


def test_a_dead_link_costs_its_item_only(tmp_path, items):
    root = write_static(tmp_path, items[:9])
    gone = items[3]
    (tmp_path / gone["collection"] / f"{gone['id']}.json").unlink()
    broken = items[5]
    (tmp_path / broken["collection"] / f"{broken['id']}.json").write_text("<html>")
    found = find(str(root), SearchQuery())
    assert {i.id for i in found.items} == {i["id"] for i in items[:9]} - {gone["id"], broken["id"]}
    assert len(found.unreadable) == 2


def test_real_old_catalogue(shared_data):
    root = shared_data / "planet_stac/disaster/collection.json"
    query = SearchQuery(bbox=(-96.0, 29.5, -95.8, 29.6), interval=parse_interval("2017-08-31"))
    assert [i.id for i in find(str(root), query).items] == ["20170831_172754_101c"]


@pytest.mark.parametrize(
    "text", ["eo:cloud_cover <", "eo:cloud_cover", "1", "{", '{"op": "<"}', "a <> <", ""]
)
def test_filters_that_do_not_parse(text):
    with pytest.raises(InputError, match=r"is not CQL2 .*--filter"):
        parse_filter(text)
