"""Judging models of known quality on real arrays, and registering them."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from hrgldd_core.champion.job import judge, register
from hrgldd_core.champion.registry import read_champion
from hrgldd_core.errors import InputError
from tests.hrgldd_core.evaluation.sample import patch_set


@pytest.fixture
def data(tmp_path):
    """Arrays with a test set."""
    for number, split in enumerate(("train", "val", "test")):
        patches = patch_set([0] * 4, seed=number, ignored=0)
        np.save(tmp_path / f"{split}X.npy", patches.images)
        np.save(tmp_path / f"{split}Y.npy", patches.labels)
    return str(tmp_path)


@pytest.fixture
def models(bright_model, tmp_path):
    """Of the same weights: at 0.999 next to nothing is mapped, at 0.9 much of what is there."""
    found = []
    for name, threshold in (("poor", 0.999), ("good", 0.9)):
        folder = shutil.copytree(bright_model, tmp_path / "models" / name)
        spec = json.loads((folder / "model.json").read_text())
        (folder / "model.json").write_text(json.dumps({**spec, "threshold": threshold}))
        found.append(str(folder))
    return found


def run(model, data, tmp_path, **changes):
    out, registry = str(tmp_path / "out"), str(tmp_path / "registry")
    judged = judge(model=model, data=data, out=out, registry=registry)
    return judged, *register(judged, **{"registry": registry, "out": out, **changes})


def test_better_takes_the_place_and_worse_does_not(models, data, tmp_path):
    poor, good = models
    judged, decision, _ = run(poor, data, tmp_path)
    assert decision.registered
    assert judged["champion"] is None
    first = read_champion(str(tmp_path / "registry"))
    judged, decision, text = run(good, data, tmp_path)
    assert decision.registered, decision
    assert decision.f1 == judged["shown"]["f1"] > decision.champion_f1 == first.f1
    assert text == (tmp_path / "out/decision.md").read_text()
    second = read_champion(str(tmp_path / "registry"))
    assert (second.number, second.f1) == (2, decision.f1)
    _, decision, text = run(poor, data, tmp_path)
    assert not decision.registered
    assert text.startswith("# Not registered: F1 ")
    assert read_champion(str(tmp_path / "registry")) == second
    assert json.loads((tmp_path / "out/decision.json").read_text())["registered"] is False


def test_judged_before_another_was_registered(models, data, tmp_path):
    poor, good = models
    out, registry = str(tmp_path / "out"), str(tmp_path / "registry")
    judged = judge(model=good, data=data, out=out, registry=registry)
    run(poor, data, tmp_path)
    with pytest.raises(InputError, match="another model became champion 1 meanwhile"):
        register(judged, registry=registry, out=out)


def test_without_a_registry_nothing_is_registered(models, data, tmp_path):
    out = str(tmp_path / "out")
    judged = judge(model=models[0], data=data, out=out)
    decision, _ = register(judged, registry="", out=out)
    assert (decision.registered, decision.reason) == (False, "no registry was named")
    with pytest.raises(InputError, match="min_gain 2 is no difference"):
        register(judged, registry="", out=out, min_gain=2)
