"""The same items in every kind of catalogue, and a loop over them that says what is right."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import stac_geoparquet.arrow

from tests.servers import pgstac
from tests.servers.files import FileServer
from tests.support import box_item, data_asset

START = datetime(2024, 1, 1, tzinfo=UTC)
SOURCES = (
    "items", "remote items", "static", "remote static", "geoparquet", "remote geoparquet", "api",
)  # fmt: skip


def made(count):
    """Generated items of three collections, boxes on whole degrees, times on hours."""
    rng = random.Random(7)  # noqa: S311
    items = []
    for index in range(count):
        west, south = rng.randint(-170, 160), rng.randint(-80, 70)
        east, north = west + rng.randint(1, 9), south + rng.randint(1, 9)
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        moment = START + timedelta(hours=rng.randrange(24 * 60))
        properties = {
            "datetime": moment.isoformat().replace("+00:00", "Z"),
            "platform": "ab"[index % 2],
        }
        if index % 7:
            properties["eo:cloud_cover"] = rng.randint(0, 100)
        items.append(box_item(
            f"scene-{rng.randrange(10**6):06d}-{index}", properties=properties,
            geometry={"type": "Polygon", "coordinates": [ring]}, bbox=[west, south, east, north],
            collection=rng.choice("abc"), assets={"data": data_asset("https://host/a.tif")},
        ))  # fmt: skip
    return items


def write_static(folder, items):
    """A root, a collection for each third of them, one file an item."""
    root = {"type": "Catalog", "id": "root", "stac_version": "1.0.0", "description": "x"}
    links = []
    for name in "abc":
        below = []
        for item in (i for i in items if i["collection"] == name):
            path = folder / name / f"{item['id']}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(item))
            below.append({"rel": "item", "href": f"./{path.name}"})
        child = {**collection(name), "links": [*below, {"rel": "root", "href": "../catalog.json"}]}
        (folder / name / "collection.json").write_text(json.dumps(child))
        links.append({"rel": "child", "href": f"./{name}/collection.json"})
    (folder / "catalog.json").write_text(json.dumps({**root, "links": links}))
    return folder / "catalog.json"


def collection(name):
    extent = {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}}
    return {
        "type": "Collection", "id": name, "stac_version": "1.1.0", "description": name,
        "license": "other", "extent": extent, "links": [],
    }  # fmt: skip


@contextmanager
def catalogue(kind: str, items: list[dict[str, Any]], folder: Path) -> Iterator[str]:
    """The address of a catalogue of one of the `SOURCES`, in a folder or served."""
    if kind == "api":
        if reason := pgstac.missing():
            pytest.skip(reason)
        with pgstac.pgstac(folder, [collection(name) for name in "abc"], items) as url:
            yield url
        return
    if kind.endswith("items"):
        path = folder / "items.json"
        path.write_text(json.dumps({"type": "FeatureCollection", "features": items}))
    elif kind.endswith("static"):
        path = write_static(folder, items)
    else:
        path = folder / "items.parquet"
        table = stac_geoparquet.arrow.parse_stac_items_to_arrow(items)
        stac_geoparquet.arrow.to_parquet(table, path)
    if not kind.startswith("remote"):
        yield str(path)
        return
    files = {f"/{p.relative_to(folder)}": p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    with FileServer(files) as server:
        # Servers fail now and then; a search goes on.
        for name in list(files)[::20]:
            server.faults[name] += [503, "cut 20"]
        yield f"{server.url}/{path.name}"
