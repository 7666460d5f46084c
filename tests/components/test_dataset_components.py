"""The components of build_dataset, called as the functions they are."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from kfp import dsl

from components.build_dataset.component import build_dataset
from components.describe_dataset.component import describe_dataset
from hrgldd_core.errors import InputError
from tests.hrgldd_core.dataset.building import SIZE, Place, masks

CHOICES = {
    "bands": "", "size": SIZE, "stride": 0, "negatives": 0.0, "min_usable": 0.5,
    "all_touched": False, "split": "blocks", "block": 2, "seed": 0,
}  # fmt: skip


def artifact(folder, name):
    return SimpleNamespace(path=str(folder / name), metadata={})


def test_build_and_describe(tmp_path):
    place = Place(tmp_path, "first", masks(6, 6))
    out, metrics, dataset = str(tmp_path / "data"), dsl.Metrics(), artifact(tmp_path, "d")
    given = {**CHOICES, "event": str(place.file), "out": out}
    assert build_dataset.python_func(**given, dataset=dataset, metrics=metrics) == out
    document = json.loads((tmp_path / "data/dataset.json").read_text())
    assert metrics.metadata == {
        "patches": document["patches"], "new_patches": document["patches"], "new_scenes": 1,
        "version": document["version"],
    }  # fmt: skip
    assert dataset.metadata == {"dataset": out, "version": document["version"]}
    assert json.loads((tmp_path / "d").read_text())["splits"] == document["splits"]
    # Nothing is added twice.
    build_dataset.python_func(**given, dataset=dataset, metrics=metrics)
    assert (metrics.metadata["new_scenes"], metrics.metadata["new_patches"]) == (0, 0)
    shown = dsl.Metrics()
    statistics, figure = artifact(tmp_path, "s"), artifact(tmp_path, "f")
    describe_dataset.python_func(
        data=out, dataset=dataset, metrics=shown, statistics=statistics, figure=figure
    )
    assert shown.metadata["tiles"] == document["patches"]
    assert 0 < shown.metadata["positive_share"] < 1
    assert statistics.metadata == dataset.metadata
    assert "| first |" in (tmp_path / "s").read_text()
    assert (tmp_path / "f").read_text().startswith("<!DOCTYPE html>")


def test_refusals_leave_nothing(tmp_path):
    place = Place(tmp_path, "first", masks(4, 4))
    given = {**CHOICES, "event": f"{place.file},{tmp_path}/absent.yaml", "out": str(tmp_path / "o")}
    with pytest.raises(InputError, match=r"absent\.yaml: cannot be read"):
        build_dataset.python_func(**given, dataset=None, metrics=None)
    with pytest.raises(InputError, match="split"):
        build_dataset.python_func(
            **{**given, "event": str(place.file), "split": "luck"}, dataset=None, metrics=None
        )
    assert not (tmp_path / "o").exists()
