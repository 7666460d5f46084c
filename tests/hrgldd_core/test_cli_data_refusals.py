"""``hrgldd evaluate``, ``train`` and ``dataset stats``: unusable patches are refused clearly."""

from __future__ import annotations

import os
import pickle

import numpy as np
import pytest

from tests.support import assert_refused, hrgldd

COMMANDS = {
    "evaluate": ("evaluate",),
    "train": ("train", "--filters", 2, "--epochs", 1, "--batch-size", 2),
    "stats": ("dataset", "stats"),
}
SPLITS = {"train": 4, "val": 2, "test": 2}


@pytest.fixture(params=COMMANDS)
def command(request):
    return COMMANDS[request.param]


@pytest.fixture
def folder(tmp_path):
    """A sound folder to spoil."""
    data, rng = tmp_path / "data", np.random.default_rng(0)
    data.mkdir()
    for split, count in SPLITS.items():
        np.save(data / f"{split}X.npy", rng.random((count, 32, 32, 3)))
        np.save(data / f"{split}Y.npy", rng.integers(0, 2, (count, 32, 32, 1)).astype(float))
    return data


class Mischief:
    """What a pickle may do when it is loaded."""

    def __reduce__(self):
        return (os.mkdir, ("mischief",))


def refused(command, data, tmp_path, *patterns):
    out = tmp_path / "out"
    assert_refused(hrgldd(*command, "--data", data, "--out", out), *patterns)
    assert not out.exists()


def change(name, how):
    """Put another array in place of one of the folder's."""

    def spoil(data):
        array = np.load(data / name)
        np.save(data / name, how(array), allow_pickle=True)

    return spoil


def put(where, value):
    def spoil(array):
        array[where] = value
        return array

    return spoil


def cut(data):
    path = data / "valX.npy"
    path.write_bytes(path.read_bytes()[:-100])


def swap(data):
    np.savez(data / "a.npz", X=np.ones(3))
    (data / "a.npz").rename(data / "valX.npy")


FOLDERS = {
    "no masks": (lambda d: (d / "valY.npy").unlink(), (r"valY\.npy: no such file", "Give")),
    "no bands": (change("valX.npy", lambda x: x[..., 0]), (r"valX\.npy: X has shape", "bands")),
    "bands first": (change("valX.npy", lambda x: np.moveaxis(x, -1, 1)), ("X has shape", "last")),
    "two bands": (change("valX.npy", lambda x: x[..., :2]), ("3 or 4 bands", "Put")),
    "more masks": (change("valY.npy", lambda y: y.repeat(2, 0)), (r"Y has shape \(4", "Give one")),
    "other sides": (change("valY.npy", lambda y: y[:, :16]), (r"valY\.npy: Y has shape", "size")),
    "not by 16": (
        lambda d: [change(f"val{k}.npy", lambda a: a[:, :30, :30])(d) for k in "XY"],
        ("30 x 30", "divisible by 16"),
    ),
    "other sizes": (
        lambda d: [change(f"val{k}.npy", lambda a: a[:, :16, :16])(d) for k in "XY"],
        (r"\(16, 16, 3\)", "same size"),
    ),
    "no patches": (change("valX.npy", lambda x: x[:0]), (r"valX\.npy",)),
    "text": (change("valX.npy", lambda x: np.full(x.shape, "a")), ("not numbers", "Store")),
    "complex": (change("valX.npy", lambda x: x + 1j), ("not numbers", "Store")),
    "cut": (cut, (r"valX\.npy: not a readable", "anew")),
    "empty": (lambda d: (d / "valX.npy").write_bytes(b""), (r"valX\.npy: not a readable", "anew")),
    "web page": (
        lambda d: (d / "valX.npy").write_text("<html>log in</html>"),
        (r"valX\.npy: not a readable .npy \(it holds something else than arrays\)", "anew"),
    ),
    "archive": (swap, (r"valX\.npy: an archive", "Give")),
    "label 2": (change("valY.npy", lambda y: y * 2), (r"valY\.npy.*labels.* patch 0", "0 and 1")),
    "label -1": (change("valY.npy", put((1, 3, 3), -1)), (r"labels \[-1", "patch 1", "Use")),
    "label NaN": (change("valY.npy", put((1, 3, 3), np.nan)), ("labels", "patch 1", "Use")),
    "label 0.5": (change("trainY.npy", put((3, 3, 3), 0.5)), ("labels", "patch 3", "Use")),
    "NaN": (change("valX.npy", put((1, 3, 3), np.nan)), ("NaN", "patch 1", "Fill")),
    "infinity": (change("trainX.npy", put((2, 3, 3), np.inf)), ("NaN", "patch 2", "Fill")),
}
READ = {
    "label 2": "val", "label -1": "val", "label NaN": "val", "label 0.5": "train",
    "NaN": "val", "infinity": "train",
}  # fmt: skip


@pytest.mark.parametrize("name", FOLDERS)
def test_folder(command, folder, tmp_path, name):
    spoil, patterns = FOLDERS[name]
    spoil(folder)
    if command[0] == "evaluate" and name in READ:
        # Values are looked at when they are read: those of test patches otherwise.
        command = (*command, "--split", READ[name])
    refused(command, folder, tmp_path, *patterns)


@pytest.mark.parametrize("name", ["valX.npy", "valY.npy"])
def test_objects_are_never_unpickled(command, folder, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    np.save(folder / name, np.array([Mischief()], dtype=object), allow_pickle=True)
    refused(command, folder, tmp_path, f"{name}: not a readable", "plain array of numbers")
    (folder / name).write_bytes(pickle.dumps(Mischief()))
    refused(command, folder, tmp_path, f"{name}: not a readable")
    assert not (tmp_path / "mischief").exists()


ARCHIVES = {
    "objects": ({"X": np.array([Mischief()], dtype=object)}, ("not a readable", "Give")),
    "no Y": ({"Y": None}, ("no array 'Y'", "Give")),
    "fewer masks": ({"Y": np.zeros((2, 32, 32))}, ("Y has shape", "Give one mask")),
    "label 3": ({"Y": np.full((4, 32, 32), 3)}, (r"labels \[3\] in patch 0", "0 and 1")),
    "NaN": ({"X": np.full((4, 32, 32, 3), np.nan)}, ("NaN", "patch 0", "Fill")),
    "sites": ({"block": np.arange(3)}, ("'block' has 3 entries", "Give")),
    "one site": ({"block": np.array(7)}, ("'block' has no entries", "Give")),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_archive(command, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    changes, patterns = ARCHIVES[name]
    rng = np.random.default_rng(0)
    arrays = {"X": rng.random((4, 32, 32, 3)), "Y": rng.integers(0, 2, (4, 32, 32)), **changes}
    path = tmp_path / "a.npz"
    np.savez(path, **{k: v for k, v in arrays.items() if v is not None})
    refused(command, path, tmp_path, r"a\.npz", *patterns)
    assert not (tmp_path / "mischief").exists()


@pytest.mark.parametrize("name", ["absent", "empty"])
def test_nothing_there(command, tmp_path, name):
    (tmp_path / "empty").mkdir()
    refused(command, tmp_path / name, tmp_path, name, "Give a built dataset, a folder")


def test_an_archive_has_no_splits(tmp_path):
    np.savez(tmp_path / "a.npz", X=np.ones((2, 32, 32, 3)), Y=np.ones((2, 32, 32)))
    words = ("evaluate", "--split", "test")
    refused(words, tmp_path / "a.npz", tmp_path, "has no 'test' split", "Leave --split away")


def test_a_split_that_is_not_there(folder, tmp_path):
    (folder / "testX.npy").unlink()
    refused(("evaluate", "--split", "test"), folder, tmp_path, r"testX\.npy: no such file")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 99}'])
def test_a_dataset_that_is_none(command, tmp_path, text):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "dataset.json").write_text(text)
    refused(command, tmp_path / "data", tmp_path, r"dataset\.json")
