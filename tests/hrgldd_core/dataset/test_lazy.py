"""Arrays that are read when indexed: they index as NumPy's do, and read no more than was asked."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hrgldd_core.dataset.lazy import Bands, Joined, LazyArray, Rows
from hrgldd_core.dataset.patches import IGNORE, open_patches
from hrgldd_core.errors import InputError


class Counted(LazyArray):
    """Remembers which rows were read."""

    def __init__(self, base):
        self.base, self.shape, self.dtype = base, base.shape, base.dtype
        self.rows = []

    def read(self, rows):
        self.rows += rows.tolist()
        return self.base[rows]


FIRST = np.arange(5 * 4 * 4 * 3, dtype=np.uint8).reshape(5, 4, 4, 3)
SECOND = np.arange(3 * 4 * 4 * 3, dtype=np.uint16).reshape(3, 4, 4, 3) * 7
WHOLE = np.concatenate([FIRST, SECOND])
CHOICE = np.array([7, 0, 3, 3, 4, 5])


def views():
    joined = Joined([FIRST, Counted(SECOND)])
    return {
        "joined": (joined, WHOLE),
        "rows": (Rows(joined, CHOICE), WHOLE[CHOICE]),
        "rows of rows": (Rows(Rows(joined, CHOICE), np.array([5, 1])), WHOLE[CHOICE][[5, 1]]),
        "bands": (Bands(Rows(joined, CHOICE), [2, 0]), WHOLE[CHOICE][..., [2, 0]]),
    }


INDICES = st.one_of(
    st.integers(-2, 1),
    st.slices(8),
    st.lists(st.integers(-2, 1), max_size=6),
    st.lists(st.integers(-2, 1), min_size=1, max_size=6).map(np.array),
    st.tuples(st.slices(8), st.slices(4), st.integers(0, 3)),
    st.tuples(st.integers(-2, 1), st.slices(4)),
    st.just(...),
    st.just((..., None)),
    st.just((..., 0)),
)


@pytest.mark.parametrize("name", views())
@given(index=INDICES)
@settings(deadline=None, max_examples=60)
def test_an_index_means_what_it_means_to_numpy(name, index):
    lazy, plain = views()[name]
    found = lazy[index]
    assert isinstance(found, np.ndarray | np.generic)
    np.testing.assert_array_equal(found, plain[index] if not isinstance(index, list) or index
                                  else plain[:0])  # fmt: skip


@pytest.mark.parametrize("name", views())
def test_masks_arithmetic_and_iteration(name):
    lazy, plain = views()[name]
    mask = np.arange(len(plain)) % 2 == 0
    np.testing.assert_array_equal(lazy[mask], plain[mask])
    np.testing.assert_array_equal(lazy[plain > 9], plain[plain > 9])
    np.testing.assert_array_equal(lazy != 3, plain != 3)
    np.testing.assert_array_equal(2 + lazy, 2 + plain)
    np.testing.assert_array_equal(np.stack(list(lazy)), plain)
    assert (lazy.shape, lazy.ndim, len(lazy)) == (plain.shape, plain.ndim, len(plain))
    assert lazy.dtype == plain.dtype == np.asarray(lazy).dtype
    assert np.asarray(lazy, np.float32).dtype == np.float32
    with pytest.raises(ValueError, match="on demand"):
        np.asarray(lazy, copy=False)


@pytest.mark.parametrize("index", [99, -99, [0, 99], [True], [0.5]])
def test_rows_that_are_not_there(index):
    with pytest.raises(IndexError):
        Joined([FIRST, SECOND])[index]


def test_no_row_is_read_that_was_not_asked_for():
    source = Counted(WHOLE)
    some = Bands(Rows(Joined([source, FIRST]), CHOICE), [1])
    assert source.rows == []
    some[1:3]
    assert source.rows == [0, 3]


def save_folder(folder, images, labels):
    for split, rows in {"train": slice(0, 5), "val": slice(5, 7), "test": slice(7, 8)}.items():
        np.save(folder / f"{split}X.npy", images[rows])
        np.save(folder / f"{split}Y.npy", labels[rows][..., None])
    return str(folder)


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    return rng.random((8, 16, 16, 4)), rng.integers(0, 2, (8, 16, 16)).astype(float)


@pytest.mark.parametrize("dtype", ["float64", "float32", "uint8", "uint16", ">f8"])
def test_a_folder_gives_the_values_and_types_that_were_published(tmp_path, arrays, dtype):
    images = (arrays[0] * 200 + 1).astype(dtype)
    found = open_patches(save_folder(tmp_path, images, arrays[1]))
    assert found.images[0].dtype == np.dtype(dtype).newbyteorder("=")
    np.testing.assert_array_equal(found.images, images)
    np.testing.assert_array_equal(found.labels, arrays[1])
    assert found.labels[2:3].dtype == np.uint8
    assert found.splits.tolist() == ["train"] * 5 + ["val"] * 2 + ["test"]
    np.testing.assert_array_equal(found.subset(found.splits == "val").images, images[5:7])


def test_opening_reads_no_pixel(tmp_path, arrays):
    """More than two gigabytes, which take no room: the files are sparse."""
    folder = tmp_path / "large"
    folder.mkdir()
    for kind, shape in (("X", (8000, 256, 256, 4)), ("Y", (8000, 256, 256, 1))):
        np.lib.format.open_memmap(folder / f"train{kind}.npy", "w+", "u1", shape)
    found = open_patches(str(folder))
    assert len(found) == 8000
    assert len(found.subset(np.arange(0, 8000, 2)).with_bands(("red", "blue"))) == 4000
    assert (found.labels[-1] == IGNORE).all()


WRONG = {
    "label": (lambda x, y: y.__setitem__((6, 3, 3), 2), r"valY\.npy: Y holds .* in patch 1 "),
    "no label": (lambda x, y: y.__setitem__((6, 3, 3), np.nan), r"valY\.npy.* in patch 1 "),
    "pixel": (lambda x, y: x.__setitem__((7, 0, 0, 0), np.nan), r"testX\.npy.* in patch 0 "),
    "infinite": (lambda x, y: x.__setitem__((4, 0, 0, 0), -np.inf), r"trainX\.npy.* in patch 4 "),
    "too large": (lambda x, y: x.__setitem__((4, 0, 0, 0), 1e300), r"trainX\.npy.* in patch 4 "),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_values_are_met_when_they_are_read_and_named(tmp_path, arrays, name):
    spoil, message = WRONG[name]
    spoil(*arrays)
    found = open_patches(save_folder(tmp_path, *arrays))
    found.subset(np.arange(4)).check_all()
    for _ in range(2):
        with pytest.raises(InputError, match=message):
            found.check_all()


def test_labels_are_masked_the_same_the_second_time(tmp_path, arrays):
    arrays[0][2:4, :6] = 0
    found = open_patches(save_folder(tmp_path, *arrays))
    once = np.asarray(found.labels)
    assert (once[2:4, :6] == IGNORE).all()
    assert (once != IGNORE).sum() == once.size - 2 * 6 * 16
    np.testing.assert_array_equal(found.labels, once)


def test_progress_of_a_check(tmp_path, arrays):
    told = []
    open_patches(save_folder(tmp_path, *arrays)).check_all(lambda *words: told.append(words))
    assert told == [("checking patches", 8, 8)]
