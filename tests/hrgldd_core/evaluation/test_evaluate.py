"""``hrgldd evaluate``: metrics.json as the contract says, and refusals."""

from __future__ import annotations

import json
import re
import shutil

import numpy as np
import pytest

from hrgldd_core.evaluation.confusion import Confusion
from hrgldd_core.normalise import Normalisation, band_statistics
from hrgldd_core.training.identity import data_identity
from tests.support import MIDDLE, SLOPE, assert_refused, hrgldd


def patches(count=6, side=32, bands=3, seed=0):
    rng = np.random.default_rng(seed)
    images = rng.integers(1, 200, (count, side, side, bands), np.uint8)
    labels = (images[..., 2] > 150).astype(np.uint8)
    labels[:, :3] = 1 - labels[:, :3]
    return images, labels


def save(path, **changes):
    images, labels = patches()
    np.savez(path, **{"X": images, "Y": labels, **changes})
    return path


@pytest.fixture
def data(tmp_path):
    return save(tmp_path / "patches.npz")


@pytest.mark.parametrize("threshold", [None, 0.8])
def test_figures_are_those_of_the_pixels(tmp_path, data, bright_model, threshold):
    out = tmp_path / "out"
    words = ("--threshold", threshold) if threshold else ()
    done = hrgldd(
        "evaluate", "--model", bright_model, "--data", data, "--out", out, "--json", *words
    )
    assert done.code == 0, done.err
    metrics = json.loads((out / "metrics.json").read_text())
    assert done.document == metrics
    chosen = threshold or 0.5
    total = Confusion()
    for image, label in zip(*patches(), strict=True):
        # Each patch by its own statistics, for their sites are not known.
        statistics = band_statistics(image.reshape(-1, 3))
        red = Normalisation().apply(image, statistics)[..., 2]
        probability = 1 / (1 + np.exp(-SLOPE * (np.maximum(red, 0) - MIDDLE)))
        total += Confusion.of(label, probability >= chosen)
    counts = {"tp": total.tp, "fp": total.fp, "fn": total.fn, "tn": total.tn}
    assert metrics["confusion"] == counts
    assert min(counts.values()) > 0
    for name in ("precision", "recall", "f1", "iou"):
        assert metrics[name] == pytest.approx(getattr(total, name))
    assert metrics["threshold"] == chosen
    assert metrics["n_patches"] == 6
    low, high = metrics["f1_interval"]
    assert low <= metrics["f1"] <= high


def test_sites_are_told_apart(tmp_path, bright_model):
    data = save(tmp_path / "sites.npz", block=np.array([3, 3, 5, 5, 5, 9]))
    out = tmp_path / "out"
    done = hrgldd("evaluate", "--model", bright_model, "--data", data, "--out", out, "--json")
    sites = done.document["sites"]
    assert {k: v["n_patches"] for k, v in sites.items()} == {"3": 2, "5": 3, "9": 1}
    assert all(0 < v["f1"] < 1 for v in sites.values())


def test_bundled_model_scores_any_patches(tmp_path, data):
    done = hrgldd("evaluate", "--data", data, "--out", tmp_path / "out", "--json")
    assert done.code == 0, done.err
    assert sum(done.document["confusion"].values()) == 6 * 32 * 32


def test_near_infrared_is_left_out_for_a_model_without_it(tmp_path, bright_model):
    images, labels = patches(bands=4)
    for name, array in (("four", images), ("three", images[..., :3])):
        np.savez(tmp_path / f"{name}.npz", X=array, Y=labels)
    scores = [
        hrgldd("evaluate", "--model", bright_model, "--data", tmp_path / f"{name}.npz",
               "--out", tmp_path / name, "--json").document["confusion"]
        for name in ("four", "three")
    ]  # fmt: skip
    assert scores[0] == scores[1]


def arrays(place):
    """A folder of arrays with splits: 2 patches to train on, 3 to validate, 4 to test."""
    folder = place / "arrays"
    folder.mkdir()
    for seed, name in enumerate(("train", "val", "test")):
        images, labels = patches(count=2 + seed, seed=seed)
        np.save(folder / f"{name}X.npy", images)
        np.save(folder / f"{name}Y.npy", labels[..., None])
    return folder


def test_folder_of_arrays_and_its_splits(tmp_path, bright_model):
    folder = arrays(tmp_path)
    words = ("evaluate", "--model", bright_model, "--data", folder, "--json", "--out")
    whole = hrgldd(*words, tmp_path / "all").document
    assert whole["n_patches"] == 4, "the headline is the test patches"
    assert re.search("on 4.patches", (tmp_path / "all/report.html").read_text())
    for count, split in ((2, "train"), (4, "test")):
        done = hrgldd(*words, tmp_path / split, "--split", split)
        assert done.document["n_patches"] == count
        assert done.document["patches"] == f"{split.capitalize()} patches"
        page = (tmp_path / split / "report.html").read_text()
        assert re.search(f"on {count}.patches", page)
        rows = page.split('id="table"')[1].split("</table>")[0]
        assert ("Mixed test set" in rows) == (split == "test")
        assert ("Train patches" in rows) == (split == "train")


@pytest.fixture
def trained(tmp_path, bright_model):
    """Arrays with splits, and a function: the model as if it was trained on some data."""
    folder = arrays(tmp_path)

    def model_of(data, name="mine"):
        model = shutil.copytree(bright_model, tmp_path / name)
        spec = json.loads((model / "model.json").read_text())
        spec["training"] = {"sha256": data_identity(str(data))}
        (model / "model.json").write_text(json.dumps(spec))
        return model

    return folder, model_of


@pytest.mark.parametrize(
    ("words", "warned"),
    [
        ((), None),
        (("--split", "train"), "mine was trained on the train patches"),
        (("--split", "val"), "mine was given its epoch and threshold on the val patches"),
    ],
)
def test_patches_of_the_training_are_named(tmp_path, trained, words, warned):
    folder, model_of = trained
    out = tmp_path / "out"
    model = model_of(folder)
    done = hrgldd("evaluate", "--model", model, "--data", folder, "--out", out, *words)
    assert done.code == 0, done.err
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["trained_on_this_data"] == bool(warned)
    assert len(metrics["warnings"]) == bool(warned)
    for text in (done.out, (out / "report.html").read_text()):
        assert ("worse" in text) == bool(warned)
        assert (warned or "") in text


def test_an_event_that_was_trained_on_is_named(tmp_path, trained, data):
    folder, model_of = trained
    done = hrgldd("evaluate", "--model", model_of(data), "--data", folder, "--out",
                  tmp_path / "out", "--unseen", f"New={data}")  # fmt: skip
    assert "WARNING    mine was trained on the patches of New" in done.out


def test_console_names_every_model_with_its_figures(tmp_path, trained):
    folder, model_of = trained
    one, two = model_of(folder, "one"), model_of(folder, "two")
    done = hrgldd("evaluate", "--model", one, "--model", two, "--data", folder,
                  "--split", "train", "--out", tmp_path / "out")  # fmt: skip
    lines = done.out.splitlines()
    assert lines[0] == "Train patches: 2"
    comparison = json.loads((tmp_path / "out/comparison.json").read_text())
    for name in ("one", "two"):
        figures = comparison["rows"][0]["models"][name]
        line = next(line for line in lines if line.split()[0] == name)
        assert f"{figures['f1']:.4f}" in line
        assert any(f"WARNING    {name} was trained on" in line for line in lines)
    assert any("chosen     one (the first given" in line for line in lines)


def test_other_figures_are_not_overwritten(tmp_path, data, bright_model):
    words = ("evaluate", "--model", bright_model, "--data", data, "--out", tmp_path / "out")
    assert hrgldd(*words).code == 0
    before = (tmp_path / "out/metrics.json").read_text()
    assert_refused(hrgldd(*words, "--threshold", "0.9"), "another evaluation", "another --out")
    assert (tmp_path / "out/metrics.json").read_text() == before
    assert hrgldd(*words).code == 0


def test_model_that_needs_a_band_more(tmp_path, bright_model, data):
    model = shutil.copytree(bright_model, tmp_path / "model")
    spec = json.loads((model / "model.json").read_text())
    (model / "model.json").write_text(json.dumps({**spec, "bands": ["red", "nir", "green"]}))
    done = hrgldd("evaluate", "--model", model, "--data", data, "--out", tmp_path / "out")
    assert_refused(done, "has blue, green, red; the model needs red, nir, green", "--model")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("threshold", ["0", "1", "nan", "-1"])
def test_threshold_out_of_range(tmp_path, data, bright_model, threshold):
    done = hrgldd("evaluate", "--model", bright_model, "--data", data, "--out", tmp_path / "out",
                  "--threshold", threshold)  # fmt: skip
    assert_refused(done, "threshold")
    assert not (tmp_path / "out").exists()


def test_output_in_the_way(tmp_path, data, bright_model):
    (tmp_path / "out").write_text("precious")
    done = hrgldd("evaluate", "--model", bright_model, "--data", data, "--out", tmp_path / "out")
    assert_refused(done, "is a file")
