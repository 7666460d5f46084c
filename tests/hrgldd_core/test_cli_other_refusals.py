"""``hrgldd map``: unusable models, outputs and numbers are refused clearly."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.support import assert_refused, hrgldd, tree


@pytest.fixture
def words(plain_scene, bright_model):
    """A sound call but for ``--model`` and ``--out``."""
    return ("map", "--scene", plain_scene, "--bands", "blue,green,red")


@pytest.fixture
def model_copy(bright_model, tmp_path):
    """A model folder to break."""
    return shutil.copytree(bright_model, tmp_path / "model")


def _refused(words, model, out, *patterns):
    return assert_refused(hrgldd(*words, "--model", model, "--out", out), *patterns)


@pytest.mark.parametrize("model", ["absent", "empty", "file"])
def test_model_is_no_model_folder(words, tmp_path, model):
    path = tmp_path / model
    if model == "empty":
        path.mkdir()
    elif model == "file":
        path.write_text("model")
    _refused(words, path, tmp_path / "out", str(path), "not a model folder", "hrgldd train")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}"])
def test_model_description_is_corrupt(words, tmp_path, model_copy, text):
    (model_copy / "model.json").write_text(text)
    _refused(words, model_copy, tmp_path / "out", r"model\.json")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("architecture", "unett"),
        ("threshold", 1.5),
        ("filters", 0),
        ("bands", "blue"),
        ("normalisation", {"method": "magic"}),
        ("colour", "red"),
    ],
)
def test_model_description_says_the_impossible(words, tmp_path, model_copy, field, value):
    path = model_copy / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), field: value}))
    pattern = "Did you mean 'unet'" if field == "architecture" else field
    _refused(words, model_copy, tmp_path / "out", pattern)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("weights", ["absent", "empty", "text", "cut", "of another size"])
def test_weights_do_not_fit(words, tmp_path, model_copy, weights):
    path = model_copy / "model.weights.h5"
    content = path.read_bytes()
    if weights == "absent":
        path.unlink()
    elif weights == "of another size":
        spec = model_copy / "model.json"
        spec.write_text(json.dumps({**json.loads(spec.read_text()), "filters": 4}))
    else:
        path.write_bytes(
            {"empty": b"", "text": b"weights", "cut": content[: len(content) // 2]}[weights]
        )
    pattern = "cannot be read" if weights == "absent" else "weights do not fit unet"
    _refused(words, model_copy, tmp_path / "out", str(model_copy), pattern)
    assert not (tmp_path / "out").exists()


def test_model_needs_other_bands(words, tmp_path, model_copy):
    path = model_copy / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "bands": ["green", "red", "nir"]}))
    _refused(words, model_copy, tmp_path / "out", "no nir band", "needed: green, red, nir")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("place", [".", "below", "below/far"])
def test_a_file_is_in_the_way(words, tmp_path, bright_model, place):
    obstacle = tmp_path / "out"
    obstacle.write_text("precious")
    _refused(words, bright_model, obstacle / place, "is a file", "folder as --out")
    assert obstacle.read_text() == "precious"


def test_output_cannot_be_written(words, bright_model):
    # Nothing can be made in /proc, whoever asks.
    _refused(words, bright_model, "/proc/hrgldd/out", "cannot be written", "another --out")


def test_output_of_an_unknown_kind(words, bright_model):
    _refused(words, bright_model, "ftp://host/out", "ftp")


def test_output_is_not_empty(words, tmp_path, bright_model):
    (tmp_path / "notes.txt").write_text("precious")
    _refused(words, bright_model, tmp_path, "not empty", "another --out")
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


def test_output_holds_another_result(mapped, words, bright_model):
    before = tree(mapped.out)
    _refused(words, bright_model, mapped.out, "result of another run", "another --out")
    changed = [*mapped.words[:-1], "--threshold", "0.7"]
    assert_refused(hrgldd(*changed), "result of another run", "another --out")
    assert tree(mapped.out) == before


@pytest.mark.parametrize("marker", ["", "{", "[]", "3"])
def test_output_marker_is_corrupt(words, tmp_path, bright_model, marker):
    (tmp_path / "run.json").write_text(marker)
    _refused(words, bright_model, tmp_path, r"run\.json|another")
    assert (tmp_path / "run.json").read_text() == marker


@pytest.mark.parametrize(
    ("option", "value"),
    [("--threshold", "0"), ("--threshold", "1"), ("--threshold", "nan"), ("--threshold", "-3"),
     ("--min-area", "-1"), ("--min-area", "nan"), ("--min-area", "inf")],
)  # fmt: skip
def test_numbers_out_of_range(words, tmp_path, bright_model, option, value):
    words = (*words, option, value)
    _refused(words, bright_model, tmp_path / "out", option.strip("-").replace("min-", "minimum "))
    assert not (tmp_path / "out").exists()
