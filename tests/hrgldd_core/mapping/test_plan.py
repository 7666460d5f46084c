"""What makes two runs the same, and who may write where."""

import json

import pytest

from hrgldd_core.errors import OutputExistsError
from hrgldd_core.mapping.plan import MappingParameters, claim_output, make_plan
from hrgldd_core.models.store import open_model
from hrgldd_core.stac.ingest import item_from_raster
from tests.support import BGR, texture, write_raster


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
