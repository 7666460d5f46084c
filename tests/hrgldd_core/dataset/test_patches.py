"""Patches are read whole and right, or refused with what to do."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest

from hrgldd_core.dataset.patches import IGNORE, PatchSet, invalid_pixels, open_patches
from hrgldd_core.errors import InputError


def images(count=4, side=32, bands=3, dtype=np.uint8):
    return np.random.default_rng(0).integers(1, 240, (count, side, side, bands)).astype(dtype)


def labels(count=4, side=32):
    return np.random.default_rng(1).integers(0, 2, (count, side, side)).astype(np.uint8)


def save(path, **arrays):
    np.savez(path, **{"X": images(), "Y": labels(), **arrays})
    return str(path)


def test_archive(tmp_path):
    found = open_patches(save(tmp_path / "a.npz", block=np.array([7, 7, 8, 9])))
    np.testing.assert_array_equal(found.images, images())
    np.testing.assert_array_equal(found.labels, labels())
    assert found.groups.tolist() == [7, 7, 8, 9]
    assert found.bands == ("blue", "green", "red")
    assert len(found) == len(list(found)) == 4


def test_four_bands_and_no_sites(tmp_path):
    found = open_patches(save(tmp_path / "a.npz", X=images(bands=4)))
    assert found.bands == ("blue", "green", "red", "nir")
    assert found.groups.tolist() == [0] * 4


def test_folder_as_published(tmp_path):
    for index, name in enumerate(("train", "val", "test")):
        np.save(tmp_path / f"{name}X.npy", images(2 + index, bands=4, dtype=np.float64))
        np.save(tmp_path / f"{name}Y.npy", labels(2 + index)[..., None].astype(np.float64))
    assert len(open_patches(str(tmp_path))) == 9
    assert len(open_patches(f"file://{tmp_path}", split="val")) == 3
    (tmp_path / "testX.npy").unlink()
    assert len(open_patches(str(tmp_path))) == 5
    with pytest.raises(InputError, match=r"testX.npy: no such file"):
        open_patches(str(tmp_path), split="test")


def test_subset(tmp_path):
    found = open_patches(save(tmp_path / "a.npz", block=np.arange(4)))
    some = found.subset(np.array([True, False, True, False]))
    assert isinstance(some, PatchSet)
    assert some.groups.tolist() == [0, 2]
    np.testing.assert_array_equal(some.images, images()[[0, 2]])


WRONG = {
    "no bands": ({"X": images()[..., 0]}, "shape"),
    "two bands": ({"X": images(bands=2)}, "3 or 4 bands"),
    "bands first": ({"X": np.moveaxis(images(), -1, 1)}, "bands last"),
    "no patches": ({"X": images()[:0], "Y": labels()[:0]}, "at least 1"),
    "fewer labels": ({"Y": labels()[:3]}, "Y has shape"),
    "smaller labels": ({"Y": labels(side=16)}, "Y has shape"),
    "side of 30": ({"X": images(side=30), "Y": labels(side=30)}, "divisible by 16"),
    "label 2": ({"Y": labels() * 2}, r"labels \[0, 2\]"),
    "label 255": ({"Y": labels() * np.uint8(255)}, r"labels \[0, 255\]"),
    "label 0.5": ({"Y": labels() * 0.5}, r"labels \[0\.0, 0\.5\]"),
    "label not a number": ({"Y": np.full((4, 32, 32), np.nan)}, "labels"),
    "pixel not a number": ({"X": np.where(images() == 3, np.nan, images())}, "NaN or infinity"),
    "pixel infinite": ({"X": np.where(images() == 3, np.inf, images())}, "NaN or infinity"),
    "sites of other length": ({"block": np.arange(3)}, "'block' has 3 entries"),
    "text": ({"X": np.full((4, 32, 32, 3), "a")}, "X"),
    "complex": ({"X": images().astype(complex)}, "X"),
    "objects": ({"X": np.array([{"a": 1}], dtype=object)}, "not a readable .npz"),
    "sites by name": ({"block": np.array(["a", "b", "c", "d"])}, "block"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_arrays(tmp_path, name):
    arrays, message = WRONG[name]
    path = save(tmp_path / "a.npz", **arrays)
    with pytest.raises(InputError, match=message) as error:
        open_patches(path).check_all()
    assert "a.npz" in str(error.value)


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04", b"\x93NUMPY\x01\x00v\x00{"])
def test_not_an_archive(tmp_path, content):
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"not a readable .npz.*trainX.npy"):
        open_patches(str(path))


def test_cut_archive(tmp_path):
    path = tmp_path / "a.npz"
    save(path)
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(InputError, match="not a readable"):
        open_patches(str(path))


@pytest.mark.parametrize("missing", ["X", "Y"])
def test_archive_without_an_array(tmp_path, missing):
    np.savez(tmp_path / "a.npz", **{"X" if missing == "Y" else "Y": images()})
    with pytest.raises(InputError, match=f"no array '{missing}'"):
        open_patches(str(tmp_path / "a.npz"))


def test_array_instead_of_an_archive(tmp_path):
    np.save(tmp_path / "a.npy", images())
    with pytest.raises(InputError, match="not a readable"):
        open_patches(str(tmp_path / "a.npy"))


@pytest.mark.parametrize("place", ["absent", "."])
def test_nothing_there(tmp_path, place):
    with pytest.raises(InputError, match=r"no such file or folder|no trainX.npy"):
        open_patches(str(tmp_path / place))


def test_objects_in_a_folder_are_refused(tmp_path):
    # Loading them would run whatever code they name.
    np.save(tmp_path / "trainX.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.save(tmp_path / "trainY.npy", labels())
    with pytest.raises(InputError, match="not a readable"):
        open_patches(str(tmp_path))


def test_solid_black_and_white_are_no_observation():
    stack = images(1, side=32)
    stack[0, :, :5] = 0  # margin
    stack[0, 20:23, 20:23] = 255  # as small as counts
    stack[0, 10, 10] = 0  # a dark pixel
    stack[0, 15:17, 10:12] = 255  # two wide only
    expected = np.zeros((1, 32, 32), bool)
    expected[0, :, :5] = expected[0, 20:23, 20:23] = True
    np.testing.assert_array_equal(invalid_pixels(stack), expected)


def test_a_margin_one_pixel_wide_goes_on_outside():
    stack = images(1)
    stack[0, :, -1] = 0
    assert invalid_pixels(stack)[0, :, -1].all()
    assert invalid_pixels(stack).sum() == 32


def test_white_is_data_in_more_than_8_bits():
    stack = images(1, dtype=np.uint16)
    stack[0, 10:20, 10:20] = 255
    assert not invalid_pixels(stack).any()
    stack[0, 10:20, 10:20] = 0
    assert invalid_pixels(stack).sum() == 100


def test_what_holds_no_observation_is_ignored(tmp_path):
    stack = images()
    stack[:, :5] = 0
    found = open_patches(save(tmp_path / "a.npz", X=stack))
    assert (found.labels[:, :5] == IGNORE).all()
    np.testing.assert_array_equal(found.labels[:, 5:], labels()[:, 5:])


def test_an_archive_spoilt_in_the_middle(tmp_path):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, X=images(), Y=labels())
    sound = path.read_bytes()
    rng = np.random.default_rng(0)
    for start in rng.integers(0, len(sound), 40).tolist():
        spoilt = rng.integers(0, 256, len(sound[start : start + 64])).astype(np.uint8).tobytes()
        path.write_bytes(sound[:start] + spoilt + sound[start + 64 :])
        with pytest.raises(InputError, match=r"a\.npz"):
            open_patches(str(path))


def test_an_archive_that_claims_more_than_memory_holds(tmp_path):
    path = tmp_path / "a.npz"
    header = np.lib.format
    with zipfile.ZipFile(path, "w") as archive, archive.open("X.npy", "w") as file:
        shape = (1 << 40, 32, 32, 3)
        header.write_array_header_1_0(
            file, {"descr": "|u1", "fortran_order": False, "shape": shape}
        )
    with pytest.raises(InputError, match=r"not a readable \.npz"):
        open_patches(str(path))
