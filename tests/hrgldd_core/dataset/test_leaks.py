"""The leak check finds what is planted, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from hrgldd_core.dataset.leaks import check_leaks
from hrgldd_core.dataset.store import open_store
from hrgldd_core.errors import InputError
from tests.hrgldd_core.dataset.building import Place, build, masks
from tests.hrgldd_core.dataset.test_splits import grid, patches, split
from tests.support import tree


@pytest.fixture
def clean():
    return split(patches(grid(16, 16)))


def test_no_leak_in_a_clean_index(clean):
    check_leaks(clean, size=128, touching=True)


def test_the_same_pixels(clean):
    numbers = [clean.index[clean["split"] == s][0] for s in ("train", "test")]
    clean.loc[numbers[1], "pixels_checksum"] = clean.loc[numbers[0], "pixels_checksum"]
    with pytest.raises(InputError, match="1 images are in two splits: one/") as raised:
        check_leaks(clean, size=128, touching=False)
    for number in numbers:
        assert clean.loc[number, "patch_id"] in str(raised.value)


def test_a_patch_moved_to_another_split(clean):
    inner = clean.index[clean["split"] == "train"][3]
    clean.loc[inner, "split"] = "test"
    with pytest.raises(InputError, match="pairs of patches of different splits touch"):
        check_leaks(clean, size=128, touching=True)
    # Neighbours are what the paper's splitting has.
    check_leaks(clean, size=128, touching=False)


def test_an_overlapping_patch(clean):
    train = clean[clean["split"] == "train"]
    moved = train.iloc[[0]].copy()
    moved["geometry"] = moved.geometry.translate(xoff=0.001)
    moved["patch_id"] = moved["pixels_checksum"] = "planted"
    moved["split"] = "unseen"
    import pandas as pd

    planted = pd.concat([clean, moved], ignore_index=True)
    with pytest.raises(InputError, match=r"different splits overlap: .*planted \(unseen\)"):
        check_leaks(planted, size=128, touching=False)
    planted.loc[planted["patch_id"] == "planted", "split"] = "guard"
    check_leaks(planted, size=128, touching=True)


def test_a_build_with_a_leak_publishes_nothing(tmp_path):
    mask = masks(9, 9)
    seen = Place(tmp_path, "seen", mask)
    # The same image under another name and as an event that is not to be trained on.
    copy = Place(tmp_path, "copy", mask, image=seen.image, role="unseen")
    out = tmp_path / "out"
    done = build(out, seen, copy)
    assert done.code == 2
    assert "leak between splits" in done.err.splitlines()[-1]
    assert "Traceback" not in done.err
    assert tree(out) == {}
    # Neither where a version is there already.
    assert build(out, seen).code == 0
    files, before = set(tree(out)), np.asarray(open_store(str(out)).images)
    document = (out / "dataset.json").read_bytes()
    assert build(out, seen, copy).code == 2
    assert set(tree(out)) == files
    assert (out / "dataset.json").read_bytes() == document
    assert (np.asarray(open_store(str(out)).images) == before).all()
