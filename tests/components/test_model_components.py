"""The components that judge and register a model, called as the functions they are."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
from kfp import dsl

from components.evaluate_models.component import evaluate_models
from components.register_model.component import register_model
from hrgldd_core.errors import InputError
from tests.hrgldd_core.evaluation.sample import patch_set

CHOICES = {"unseen": "", "collections": "", "pixel_size": 3.0, "min_object": 4}


def artifact(folder, name, **metadata):
    return SimpleNamespace(path=str(folder / name), metadata=metadata)


@pytest.fixture
def data(tmp_path):
    for number, split in enumerate(("train", "val", "test")):
        patches = patch_set([0] * 3, seed=number, ignored=0)
        np.save(tmp_path / f"{split}X.npy", patches.images)
        np.save(tmp_path / f"{split}Y.npy", patches.labels)
    return str(tmp_path)


def evaluate(tmp_path, model, data, **changes):
    made = {
        "judged": artifact(tmp_path, "judged"), "candidate": artifact(tmp_path, "candidate"),
        "metrics": dsl.Metrics(), "classification": dsl.ClassificationMetrics(),
        "report": artifact(tmp_path, "report"),
    }  # fmt: skip
    given = {**CHOICES, "registry": str(tmp_path / "models"), **changes}
    evaluate_models.python_func(
        model=str(model), data=data, out=str(tmp_path / "out"), **given, **made
    )
    return made


def test_evaluate_and_register(tmp_path, bright_model, data):
    np.savez(tmp_path / "haiti.npz", X=np.load(f"{data}/valX.npy"), Y=np.load(f"{data}/valY.npy"))
    made = evaluate(
        tmp_path, bright_model, data, unseen=f"Haiti={tmp_path}/haiti.npz", collections="1,3"
    )
    judged = json.loads((tmp_path / "judged").read_text())
    assert [row["name"] for row in judged["collections"]] == [
        "Mixed test set", "Haiti",
    ]  # fmt: skip
    assert made["metrics"].metadata["f1"] == judged["shown"]["f1"]
    assert made["candidate"].metadata["model"] == str(bright_model)
    assert (tmp_path / "report").read_text().lstrip().startswith("<!")
    matrix = made["classification"].metadata["confusionMatrix"]
    assert [a["displayName"] for a in matrix["annotationSpecs"]] == ["other", "landslide"]
    decision, metrics = artifact(tmp_path, "decision"), dsl.Metrics()
    said = register_model.python_func(
        judged=made["judged"], candidate=made["candidate"], out=str(tmp_path / "out"),
        registry=str(tmp_path / "models"), min_gain=0.0, metrics=metrics, decision=decision,
    )  # fmt: skip
    assert said == "registered"
    assert decision.metadata["registered"] is True
    champion = json.loads((tmp_path / "models/champion.json").read_text())
    assert metrics.metadata["f1"] == champion["f1"]
    assert champion["evaluation"] == judged["evaluation"]


def test_refusals(tmp_path, bright_model, data):
    with pytest.raises(InputError, match="no collection '7'"):
        evaluate(tmp_path, bright_model, data, collections="1,7")
    with pytest.raises(InputError, match="not a model folder"):
        evaluate(tmp_path, tmp_path / "absent", data)
    with pytest.raises(InputError, match="has no name"):
        evaluate(tmp_path, bright_model, data, unseen="haiti.npz")
    assert not (tmp_path / "out").exists()
