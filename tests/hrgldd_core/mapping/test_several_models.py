"""Several models over one scene: their mean, and how far they disagree, as a layer of its own."""

from __future__ import annotations

import json

import numpy as np
import pystac
import pytest
from rio_cogeo.cogeo import cog_validate

from hrgldd_core.mapping.job import map_event
from hrgldd_core.mapping.request import plan_mapping
from hrgldd_core.models.store import open_model, save_model
from tests.servers.dask import DaskCluster
from tests.support import BGR, hrgldd, raster_of, texture, write_raster

LAYERS = ("probability", "uncertainty")


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    values = texture((440, 400))
    values[:, 100:140, :60] = 0
    return write_raster(tmp_path_factory.mktemp("scene") / "s.tif", values, nodata=0)


@pytest.fixture(scope="module")
def both(scene, bright_model, random_model, tmp_path_factory):
    """A map by two models, and by each alone."""
    folder = tmp_path_factory.mktemp("out")
    models = {"bright": [bright_model], "random": [random_model]}
    models["both"] = [bright_model, random_model]
    for name, given in models.items():
        words = [word for uri in given for word in ("--model", uri)]
        done = hrgldd(
            "map", "--scene", scene, "--bands", ",".join(BGR), *words, "--out", folder / name
        )
        assert done.code == 0, done.err
    return folder


def levels(folder, kind):
    return raster_of(folder / kind / "s.tif").astype(float)


def test_mean_and_deviation_are_those_of_the_two_maps(both):
    one, other = levels(both / "bright", "probability"), levels(both / "random", "probability")
    mean, deviation = (levels(both / "both", kind) for kind in LAYERS)
    seen = one != 255
    np.testing.assert_array_equal(mean == 255, ~seen)
    np.testing.assert_array_equal(deviation == 255, ~seen)
    # Each of the three is rounded to its level.
    assert np.abs(mean - (one + other) / 2)[seen].max() <= 1
    assert np.abs(deviation - np.abs(one - other) / 2)[seen].max() <= 1
    assert deviation[seen].max() > 20


def test_the_layer_is_published_as_the_others_are(both):
    assert not (both / "bright/uncertainty").exists()
    path = both / "both/uncertainty/s.tif"
    valid, errors, _ = cog_validate(path, strict=True)
    assert valid, errors
    item = pystac.Item.from_file(str(both / "both/items/s.json"))
    asset = item.assets["uncertainty"]
    assert asset.href.endswith("uncertainty/s.tif")
    assert asset.extra_fields["file:size"] == path.stat().st_size
    assert asset.extra_fields["raster:bands"][0]["scale"] == 1 / 250
    report = (both / "both/report.html").read_text()
    assert 'href="uncertainty/s.tif"' in report
    assert "bright 1 and 1 more" in json.dumps(item.to_dict())


def test_the_manifest_names_both(both, bright_model, random_model):
    model = json.loads((both / "both/manifest.json").read_text())["model"]
    assert model["uri"] == str(bright_model)
    assert [m["uri"] for m in model["others"]] == [str(random_model)]


def test_strips_and_workers_change_nothing(both, scene, bright_model, random_model, tmp_path):
    plan = plan_mapping(
        scenes=(str(scene),),
        bands=",".join(BGR),
        models=(str(bright_model), str(random_model)),
        out=str(tmp_path / "out"),
    )
    small = plan.parameters.model_copy(update={"window": 256})
    plan = plan.model_copy(update={"strip_pixels": 1, "parameters": small})
    map_event(plan)
    with DaskCluster(workers=2) as cluster:
        elsewhere = plan.model_copy(update={"out": str(tmp_path / "cluster")})
        map_event(elsewhere, cluster=cluster.address)
    for kind in LAYERS:
        here, there = (tmp_path / out / kind / "s.tif" for out in ("out", "cluster"))
        assert here.read_bytes() == there.read_bytes()


def test_models_that_do_not_go_together_are_refused(scene, bright_model, tmp_path):
    stored = open_model(str(bright_model))
    spec = stored.spec.model_copy(update={"bands": BGR[::-1]})
    save_model(stored.load(), spec, str(tmp_path / "turned"))
    for other, problem in ((tmp_path / "turned", "has other bands"), (bright_model, "twice")):
        done = hrgldd(
            "map", "--scene", scene, "--bands", ",".join(BGR), "--model", bright_model,
            "--model", other, "--out", tmp_path / "out",
        )  # fmt: skip
        assert done.code == 2
        assert problem in done.err
        assert done.err.count("\n") <= 2
    assert not (tmp_path / "out").exists()
