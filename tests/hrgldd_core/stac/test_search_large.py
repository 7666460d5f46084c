"""Searches among 5 000 items: every kind of catalogue finds what a loop over the items finds."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
import requests

from hrgldd_core.stac.catalog import SearchQuery, find
from hrgldd_core.stac.cql2_filter import parse_filter
from tests.hrgldd_core.stac.catalogues import START, catalogue, made

COUNT = 5000
PAGE = 250


@pytest.fixture(scope="module")
def items():
    return made(COUNT)


@pytest.fixture(scope="module", params=["items", "remote geoparquet", "api"])
def source(request, items, tmp_path_factory):
    with catalogue(request.param, items, tmp_path_factory.mktemp("catalogue")) as uri:
        yield uri


@pytest.fixture
def asked(monkeypatch):
    """Addresses that searches of an API asked for."""
    seen = []
    send = requests.Session.send

    def counted(session, request, **options):
        seen.append(request.url)
        return send(session, request, **options)

    monkeypatch.setattr(requests.Session, "send", counted)
    return seen


def a_query(rng):
    """A query drawn at random, and whether an item answers it."""
    west, south = rng.uniform(-180, 100), rng.uniform(-85, 20)
    east, north = west + rng.uniform(60, 79), south + rng.uniform(40, 60)
    first = rng.randrange(30)
    last = first + rng.randrange(20, 30)
    names = rng.sample("abc", rng.choice((1, 2, 3)))
    cloud, platform = rng.randrange(50, 101), rng.choice("ab")
    most = rng.choice((None, None, 1, 40, 300))
    query = SearchQuery(
        bbox=(west, south, east, north),
        interval=(START + timedelta(days=first), START + timedelta(days=last)),
        collections=tuple(names),
        filter=parse_filter(f"eo:cloud_cover <= {cloud} AND platform = '{platform}'"),
        max_items=most,
    )
    begins = {
        f"{(START + timedelta(hours=h)):%Y-%m-%dT%H:%M:%SZ}"
        for h in range(24 * first, 24 * last + 1)
    }

    def answers(item):
        w, s, e, n = item["bbox"]
        told = item["properties"]
        return (
            w <= east and e >= west and s <= north and n >= south
            and told["datetime"] in begins and item["collection"] in names
            and told.get("eo:cloud_cover", 101) <= cloud and told["platform"] == platform
        )  # fmt: skip

    return query, answers


def test_random_queries(source, items):
    rng = random.Random(11)  # noqa: S311
    tried = found = 0
    while tried < 8:
        query, answers = a_query(rng)
        expected = sorted(i["id"] for i in items if answers(i))[: query.max_items]
        if expected:
            assert [i.id for i in find(source, query).items] == expected, query.describe()
            tried, found = tried + 1, found + len(expected)
    assert found > 100


def test_all_pages_and_no_more(source, items, asked):
    assert len(find(source, SearchQuery()).items) == COUNT
    if "items" not in source:
        assert len(asked) <= COUNT / PAGE + 4
    asked.clear()
    few = find(source, SearchQuery(max_items=300)).items
    assert [i.id for i in few] == sorted(i["id"] for i in items)[:300]
    assert len(asked) <= 5
