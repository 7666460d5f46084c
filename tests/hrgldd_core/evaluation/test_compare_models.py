"""``hrgldd evaluate`` with several models, unseen events and collections; its refusals."""

from __future__ import annotations

import csv
import json
import shutil

import numpy as np
import pytest

from hrgldd_core.dataset.patches import open_patches
from hrgldd_core.evaluation import job
from tests.hrgldd_core.evaluation.sample import patch_set
from tests.support import assert_refused, hrgldd, tree


@pytest.fixture(scope="module")
def models(tmp_path_factory, bright_model):
    """The same model with a strict and a lax threshold, and figures of their validation."""
    root = tmp_path_factory.mktemp("models")
    for name, threshold, f1 in (("strict", 0.97, 0.2), ("lax", 0.3, 0.8)):
        folder = shutil.copytree(bright_model, root / name)
        spec = json.loads((folder / "model.json").read_text())
        spec |= {"threshold": threshold, "validation": {"f1": f1, "method": "held back"}}
        (folder / "model.json").write_text(json.dumps(spec))
        history = {"loss": [0.9, 0.5], "val_loss": [0.8, 0.6], "val_f1": [0.1, f1]}
        (folder / "history.json").write_text(json.dumps(history))
    return root


def save(path, patches):
    np.savez(path, X=patches.images, Y=np.minimum(patches.labels, 1), block=patches.groups)
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    patches = patch_set([0, 0, 1, 1, 2, 2], ignored=0)
    return save(tmp_path_factory.mktemp("data") / "patches.npz", patches)


@pytest.fixture(scope="module")
def event(tmp_path_factory):
    return save(
        tmp_path_factory.mktemp("event") / "haiti.npz", patch_set([0] * 4, seed=5, ignored=0)
    )


def compare(models, data, out, *words):
    return hrgldd(
        "evaluate", "--model", models / "strict", "--model", models / "lax",
        "--data", data, "--out", out, "--json", *words,
    )  # fmt: skip


@pytest.fixture(scope="module")
def compared(tmp_path_factory, models, data, event):
    out = tmp_path_factory.mktemp("compared") / "out"
    done = compare(models, data, out, "--unseen", f"Haiti={event}")
    assert done.code == 0, done.err
    return out, done


def test_files(compared):
    out, done = compared
    assert set(tree(out)) == {
        "metrics.json", "comparison.json", "comparison.csv", "report.html",
        "strict/metrics.json", "lax/metrics.json",
    }  # fmt: skip
    assert done.document == json.loads((out / "metrics.json").read_text())
    document = json.loads((out / "comparison.json").read_text())
    assert [m["name"] for m in document["models"]] == ["strict", "lax"]
    assert [(r["collection"], r["name"]) for r in document["rows"]] == [
        (0, "All patches"), (1, "Mixed test set"), (2, "Site 0"), (2, "Site 1"), (2, "Site 2"),
        (3, "Haiti"),
    ]  # fmt: skip
    with (out / "comparison.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 2 * len(document["rows"])
    for row, line in zip(document["rows"], lines[::2], strict=True):
        assert float(line["f1"]) == row["models"]["strict"]["f1"]


def test_validation_chooses_whatever_the_test_says(compared):
    out, done = compared
    scores = {n: json.loads((out / n / "metrics.json").read_text()) for n in ("strict", "lax")}
    assert scores["strict"]["f1"] > scores["lax"]["f1"], "or the test shows nothing"
    assert done.document["name"] == done.document["chosen"]["name"] == "lax"
    assert "validation" in done.document["chosen"]["how"]
    assert done.document["f1"] == scores["lax"]["f1"]


def test_figures_are_those_of_each_model_alone(compared, tmp_path, models, data, event):
    out, _ = compared
    for name in ("strict", "lax"):
        done = hrgldd("evaluate", "--model", models / name, "--data", data, "--out",
                      tmp_path / name, "--unseen", f"Haiti={event}", "--json")  # fmt: skip
        alone, beside = done.document, json.loads((out / name / "metrics.json").read_text())
        for document in (alone, beside):
            for key in ("asked", "out"):
                document.pop(key)
            for row in document["collections"]:
                row.pop("f1_difference")
        assert alone == beside
        assert {p.name for p in (tmp_path / name).iterdir()} == {
            "metrics.json", "metrics.csv", "report.html"
        }  # fmt: skip


def test_validation_patches_of_the_data_come_first(tmp_path, models):
    """They choose, not what each model's own validation said, which was of other patches."""
    folder = tmp_path / "arrays"
    folder.mkdir()
    for seed, split in enumerate(("train", "val", "test")):
        patches = patch_set([0] * 4, seed=seed, ignored=0)
        np.save(folder / f"{split}X.npy", patches.images)
        np.save(folder / f"{split}Y.npy", patches.labels[..., None])
    done = compare(models, folder, tmp_path / "out")
    assert done.document["n_patches"] == 4, "only test patches are compared"
    assert done.document["chosen"] == {
        "name": "strict", "how": "largest F1 on the validation patches of this data"
    }  # fmt: skip
    document = json.loads((tmp_path / "out/comparison.json").read_text())
    alone = hrgldd("evaluate", "--model", models / "strict", "--data", folder, "--split", "val",
                   "--out", tmp_path / "val", "--json").document  # fmt: skip
    assert document["models"][0]["validation_f1"] == pytest.approx(alone["f1"])
    assert "which site" in document["unavailable_collections"]["2"]
    assert "--unseen" in document["unavailable_collections"]["3"]


def test_names_can_be_given(tmp_path, models, data):
    strict = models / "strict"
    done = hrgldd("evaluate", "--model", f"a={strict}", "--model", f"b={strict}", "--data", data,
                  "--out", tmp_path / "out", "--collections", "1", "--json")  # fmt: skip
    assert done.code == 0, done.err
    document = json.loads((tmp_path / "out/comparison.json").read_text())
    assert list(document["rows"][1]["models"]) == ["a", "b"]
    assert {row["collection"] for row in document["rows"]} == {0, 1}


@pytest.mark.parametrize(
    ("words", "patterns"),
    [
        pytest.param(("--collections", "1,5"), ("no collection '5'", "1 .*2 .*3"), id="collection"),
        pytest.param(("--unseen", "haiti.npz"), ("NAME=URI",), id="unseen without a name"),
        pytest.param(("--unseen", "a=x.npz", "--unseen", "a=y.npz"), ("two unseen",), id="twice"),
        pytest.param(("--unseen", "a=/nowhere.npz"), ("nowhere", "Give"), id="not there"),
        pytest.param(("--collections", "1", "--unseen", "a=x"), ("collection 3",), id="not asked"),
        pytest.param(("--collections", "3"), ("no patches of collection 3", "--unseen"), id="none"),
        pytest.param(
            ("--model", "strict"), ("two models are called 'strict'", "NAME=URI"), id="name"
        ),
        pytest.param(("--model", "a b=strict"), ("not NAME=URI",), id="bad name"),
        pytest.param(("--model", "nothing"), ("not a model folder",), id="no model"),
        pytest.param(("--threshold", "1.5"), ("between 0 and 1",), id="threshold"),
        pytest.param(("--pixel-size", "0"), ("--pixel-size",), id="pixel size"),
        pytest.param(("--pixel-size", "nan"), ("--pixel-size",), id="no pixel size"),
        pytest.param(("--min-object", "0"), ("--min-object",), id="object size"),
        pytest.param(("--split", "test"), ("split",), id="an archive has no splits"),
    ],
)
def test_refusals(tmp_path, monkeypatch, models, data, words, patterns):
    monkeypatch.chdir(models)
    done = compare(models, data, tmp_path / "out", *words)
    assert_refused(done, *patterns)
    assert not (tmp_path / "out").exists()


def test_event_without_a_band(tmp_path, models, data):
    spec = json.loads((models / "lax/model.json").read_text())
    other = shutil.copytree(models / "lax", tmp_path / "nir")
    (other / "model.json").write_text(json.dumps({**spec, "bands": ["red", "nir", "green"]}))
    done = compare(models, data, tmp_path / "out", "--model", other)
    assert_refused(done, "has blue, green, red; the model needs red, nir, green")
    assert not (tmp_path / "out").exists()


def test_another_evaluation_is_not_overwritten(compared, models, data, event):
    out, _ = compared
    before = tree(out)
    assert_refused(compare(models, data, out), "another evaluation", "another --out")
    alone = hrgldd("evaluate", "--model", models / "lax", "--data", data, "--out", out)
    assert_refused(alone, "another evaluation")
    assert tree(out) == before
    assert compare(models, data, out, "--unseen", f"Haiti={event}").code == 0


def test_another_evaluation_of_one_model_is_not_overwritten(tmp_path, models, data):
    """A folder of models is a likely --out of their comparison."""
    folder = shutil.copytree(models, tmp_path / "models")
    one = hrgldd("evaluate", "--model", folder / "lax", "--data", data, "--out", folder / "lax")
    assert one.code == 0, one.err
    before = tree(folder)
    assert_refused(compare(folder, data, folder), "lax/metrics.json", "another evaluation")
    assert tree(folder) == before


@pytest.mark.parametrize("content", ["[]", "3"])
def test_metrics_that_are_none_of_ours(tmp_path, models, data, content):
    (tmp_path / "metrics.json").write_text(content)
    assert_refused(compare(models, data, tmp_path), "metrics.json", "another --out")


def test_one_site_each(tmp_path, models, data):
    done = compare(models, data, tmp_path / "out", "--collections", "2")
    assert done.code == 0, done.err
    page = (tmp_path / "out/report.html").read_text()
    intervals = page.split("Intervals of F1")[1].split("</table>")[0]
    assert "Site 0" in intervals, "a table without a row says nothing"


def test_credentials_of_a_signed_link_are_not_published(tmp_path, models, data, monkeypatch):
    opened = []
    monkeypatch.setattr(
        job, "open_patches", lambda uri, **kw: opened.append(uri) or open_patches(str(data))
    )
    uri = "https://host/patches?signature=secret"
    done = compare(models, uri, tmp_path / "out", "--unseen", f"Haiti={uri}&more")
    assert done.code == 0, done.err
    assert opened == [uri, f"{uri}&more"]
    assert "secret" not in (tmp_path / "out/metrics.json").read_text()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("history.json", b'{"loss": ["low"]}'),
        ("history.csv", b"loss\n\xff\n"),
        ("history.json", b"3"),
    ],
)
def test_broken_history(tmp_path, models, data, name, content):
    model = shutil.copytree(models / "lax", tmp_path / "model")
    (model / "history.json").unlink()
    (model / name).write_bytes(content)
    done = hrgldd("evaluate", "--model", model, "--data", data, "--out", tmp_path / "out")
    assert_refused(done, "not a learning curve", name)
    assert not (tmp_path / "out").exists()
