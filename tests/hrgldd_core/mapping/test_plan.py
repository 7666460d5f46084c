"""What makes two runs the same, and who may write where."""

import json
from threading import Barrier

import pystac
import pytest

from hrgldd_core import storage
from hrgldd_core.errors import InputError, OutputExistsError
from hrgldd_core.mapping.job import map_event
from hrgldd_core.mapping.plan import MappingParameters, claim_output, make_plan
from hrgldd_core.models.store import open_model
from hrgldd_core.stac.ingest import item_from_raster
from tests.servers.files import FileServer
from tests.support import BGR, box_item, data_asset, texture, write_raster


@pytest.fixture
def plan(tmp_path, bright_model):
    path = write_raster(tmp_path / "s.tif", texture((64, 64)))

    def make(bands=BGR, **changes):
        return make_plan(
            [item_from_raster(str(path), bands=bands)],
            open_model(str(bright_model)),
            out=str(tmp_path / "out"),
            event="e",
            parameters=MappingParameters(threshold=0.5, **changes),
        )

    return make


def test_same_request_is_the_same_run(plan):
    assert plan().run_id == plan().run_id


def test_other_bands_are_another_run(plan):
    assert plan().run_id != plan(bands=BGR[::-1]).run_id


def test_other_parameters_are_another_run(plan):
    assert len({plan(min_area_m2=m).run_id for m in (0, 100, 200)}) == 3


def test_claimed_output_is_refused_to_another_run(plan, tmp_path):
    claim_output(plan())
    claim_output(plan())
    with pytest.raises(OutputExistsError, match="claimed by another run"):
        claim_output(plan(bands=BGR[::-1]))
    marker = json.loads((tmp_path / "out/run.json").read_text())
    assert marker["run_id"] == plan().run_id


@pytest.mark.parametrize("changes", [{"margin": 50}, {"window": 256, "margin": 112}])
def test_windows_that_do_not_fit_are_refused(changes):
    with pytest.raises(ValueError, match="multiple of 16"):
        MappingParameters(threshold=0.5, **changes)


def test_blend_that_three_windows_would_share_is_refused():
    with pytest.raises(ValueError, match="at most half of what a window keeps"):
        MappingParameters(threshold=0.5, window=256, margin=32, blend=96)


def test_other_runtime_or_precision_is_another_run(plan):
    changes = ({}, {"runtime": "keras"}, {"precision": "bfloat16"})
    assert len({plan(**change).run_id for change in changes}) == 3


@pytest.fixture
def items(tmp_path):
    """One sound item, and four that cannot be used, each for its own reason."""
    write_raster(tmp_path / "good.tif", texture((64, 64)))
    assets = {
        "good": data_asset(tmp_path / "good.tif"),
        "gone": data_asset(tmp_path / "gone.tif"),
        "bands": data_asset(tmp_path / "good.tif", bands=("red",)),
        "scheme": data_asset("ftp://example.org/a.tif"),
    }
    found = [
        pystac.Item.from_dict(box_item(name, assets={"analytic": asset}))
        for name, asset in assets.items()
    ]
    return [*found, pystac.Item.from_dict(box_item("../x"))]


def test_scenes_that_cannot_be_used_are_named(items, bright_model, tmp_path):
    options = {
        "out": str(tmp_path / "out"), "event": "e", "parameters": MappingParameters(threshold=0.5)
    }  # fmt: skip
    model = open_model(str(bright_model))
    found = make_plan(items, model, **options)
    assert [item["id"] for item in found.items] == ["good"]
    assert list(found.inputs) == [str(tmp_path / "good.tif")]
    assert list(found.unusable) == ["gone", "bands", "scheme", "../x"]
    for name, why in (("gone", "No such file"), ("bands", "no blue band"), ("scheme", "ftp")):
        assert why in found.unusable[name]
    assert found.run_id == make_plan(items[:1], model, **options).run_id
    summary = map_event(found)
    assert summary["status"] == "incomplete"
    assert summary["missing"] == found.unusable
    assert map_event(found)["missing"] == found.unusable
    with pytest.raises(InputError, match=r"No such file(.|\n)*no blue band"):
        make_plan(items[1:], model, **options)


def test_files_are_asked_for_at_the_same_time(bright_model, tmp_path):
    content = write_raster(tmp_path / "a.tif", texture((64, 64))).read_bytes()
    with FileServer({f"/{i}.tif": content for i in range(8)}) as server:
        together, most = Barrier(4, timeout=20), []
        asked = storage.quick_identity

        def identity(href):
            # Passes only when four are at it; alone each would wait until the barrier breaks.
            most.append(together.wait())
            return asked(href)

        items = [
            pystac.Item.from_dict(
                box_item(f"s{i}", assets={"analytic": data_asset(f"{server.url}/{i}.tif")})
            )
            for i in range(8)
        ]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(storage, "quick_identity", identity)
            found = make_plan(
                items, open_model(str(bright_model)), out=str(tmp_path / "out"), event="e",
                parameters=MappingParameters(threshold=0.5),
            )  # fmt: skip
    assert len(most) == len(found.inputs) == 8
    assert list(found.inputs) == sorted(found.inputs)
