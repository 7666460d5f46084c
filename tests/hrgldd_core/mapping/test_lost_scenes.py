"""Scenes that fail each in their own way, at every moment, cost themselves only."""

from __future__ import annotations

import json

import numpy as np
import pytest

from hrgldd_core.errors import InputError, some
from hrgldd_core.mapping.publish import publish
from hrgldd_core.mapping.request import plan_mapping
from hrgldd_core.mapping.run import SceneMapper
from hrgldd_core.scenes import SceneReader, open_scene
from tests.servers.files import FileServer
from tests.support import (
    BGR,
    box_item,
    data_asset,
    hrgldd,
    texture,
    write_catalogue,
    write_raster,
)


def _catalogue(folder, **assets):
    features = [box_item(name, assets=found) for name, found in assets.items()]
    return write_catalogue(folder / "items.json", *features)


def _good(folder, name="good"):
    path = write_raster(folder / f"{name}.tif", texture((128, 128)), compress="deflate")
    return {"analytic": data_asset(path)}


def _no_crs(folder):
    return {"analytic": data_asset(write_raster(folder / "a.tif", texture((128, 128)), crs=None))}


def _degrees(folder):
    raster = write_raster(folder / "a.tif", texture((128, 128)), crs="EPSG:4326")
    return {"analytic": data_asset(raster)}


def _all_nodata(folder):
    raster = write_raster(folder / "a.tif", np.zeros((3, 128, 128), np.uint16), nodata=0)
    return {"analytic": data_asset(raster)}


def _truncated(folder):
    path = write_raster(folder / "a.tif", texture((128, 128)))
    path.write_bytes(path.read_bytes()[:-20_000])
    return {"analytic": data_asset(path)}


def _no_image(folder):
    path = folder / "a.tif"
    path.write_text("<html>Please sign in</html>")
    return {"analytic": data_asset(path)}


def _mask_unreadable(folder):
    mask = folder / "udm2.tif"
    mask.write_bytes(b"II*\0 and nothing more")
    return {**_good(folder, "a"), "udm2": {"href": str(mask), "roles": ["data-mask"]}}


KINDS = {
    "no CRS": (_no_crs, "coordinate reference system"),
    "in degrees": (_degrees, "degree|metres|EPSG:4326"),
    "all nodata": (_all_nodata, "no usable pixel"),
    "truncated": (_truncated, "cut off"),
    "no image": (_no_image, "not a readable raster"),
    "mask unreadable": (_mask_unreadable, "udm2.tif"),
}


def _lost(found, why):
    """The scene ``bad`` is named with its reason in all places, the scene ``good`` is there."""
    assert found.code == 3, found.err
    summary = found.document
    assert (summary["status"], summary["scenes"]) == ("incomplete", 1)
    assert list(summary["missing"]) == ["bad"]
    reason = summary["missing"]["bad"]
    assert any(part in reason for part in why.split("|")), reason


@pytest.mark.parametrize("kind", KINDS)
def test_bad_scene_costs_itself_only(tmp_path, bright_model, kind):
    make, why = KINDS[kind]
    catalogue = _catalogue(tmp_path, good=_good(tmp_path), bad=make(tmp_path))
    out = tmp_path / "out"
    found = hrgldd("map", "--stac", catalogue, "--model", bright_model, "--out", out, "--json")
    _lost(found, why)
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["summary"]["missing"] == found.document["missing"]
    assert "bad: " in (out / "report.html").read_text()
    assert [p.name for p in (out / "probability").iterdir()] == ["good.tif"]


@pytest.mark.parametrize(("status", "why"), [(404, "not there|404|No such"), (403, "403|denied")])
def test_server_refuses_a_scene(tmp_path, bright_model, status, why):
    content = write_raster(tmp_path / "there.tif", texture((128, 128))).read_bytes()
    with FileServer({"/bad.tif": content}) as server:
        server.faults["/bad.tif"] = [status] * 50
        bad = {"analytic": data_asset(f"{server.url}/bad.tif")}
        catalogue = _catalogue(tmp_path, good=_good(tmp_path), bad=bad)
        out = tmp_path / "out"
        found = hrgldd("map", "--stac", catalogue, "--model", bright_model, "--out", out, "--json")
    _lost(found, why)


@pytest.fixture
def mapped(tmp_path, bright_model):
    """A plan of two scenes, both mapped, nothing published."""
    catalogue = _catalogue(tmp_path, first=_good(tmp_path, "a"), second=_good(tmp_path, "b2"))
    plan = plan_mapping(stac=str(catalogue), models=(str(bright_model),), out=str(tmp_path / "out"))
    assert SceneMapper(plan).map_all(plan.scenes()) == {}
    return plan


def test_scene_vanishes_before_publishing(mapped, tmp_path):
    content = (tmp_path / "b2.tif").read_bytes()
    (tmp_path / "b2.tif").unlink()
    summary = publish(mapped, {})
    assert summary["status"] == "incomplete"
    assert list(summary["missing"]) == ["second"]
    assert "second: " in (tmp_path / "out" / "report.html").read_text()
    # It comes back: its map was not lost.
    (tmp_path / "b2.tif").write_bytes(content)
    before = (tmp_path / "out" / "probability" / "second.tif").stat().st_mtime_ns
    assert SceneMapper(mapped).map_all(mapped.scenes()) == {}
    assert publish(mapped, {})["status"] == "done"
    assert (tmp_path / "out" / "probability" / "second.tif").stat().st_mtime_ns == before


def test_pixels_vanish_before_publishing(mapped, tmp_path):
    # Its header and its length are as before: only the picture in the report is lost.
    path = tmp_path / "b2.tif"
    content = path.read_bytes()
    path.write_bytes(content[:-20_000] + bytes(20_000))
    with pytest.raises(InputError), SceneReader(open_scene(mapped.scenes()[1], bands=BGR)) as read:
        read.read(slice(0, 128), slice(0, 128))
    summary = publish(mapped, {})
    assert (summary["status"], summary["scenes"]) == ("done", 2)


def test_many_reasons_are_cut_short():
    assert some(["a", "b", "c"]) == "a; b; c"
    assert some(map(str, range(2000)), between="\n") == "0\n1\n2\nand 1997 more"


def test_two_thousand_lost_scenes_are_a_few_lines(tmp_path, bright_model):
    gone = {f"s{i}": {"analytic": data_asset(tmp_path / f"{i}.tif", bands=BGR)} for i in range(50)}
    catalogue = _catalogue(tmp_path, **gone)
    found = hrgldd("map", "--stac", catalogue, "--model", bright_model, "--out", tmp_path / "out")
    assert found.code == 2
    assert "and 47 more" in found.err
    assert found.err.count("\n") == 4
    assert not (tmp_path / "out").exists()
