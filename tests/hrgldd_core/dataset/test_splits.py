"""Splits: shares, chance, what stays, and that no patch touches one of another split."""

from __future__ import annotations

import re

import geopandas as gpd
import numpy as np
import pytest
import shapely

from hrgldd_core.dataset.leaks import check_leaks
from hrgldd_core.dataset.parameters import DatasetParameters
from hrgldd_core.dataset.splits import (
    GUARD,
    assign_blocks,
    assign_splits,
    site_folds,
    uneven,
)
from hrgldd_core.errors import InputError
from tests.support import UTM

SIDE = 384.0


def patches(at, *, site="one", role="train", east=363000.0, crs=UTM):
    """Index of patches at (row, column) positions of a grid."""
    west = [east + SIDE * column for _, column in at]
    north = [1305000 - SIDE * row for row, _ in at]
    frame = gpd.GeoDataFrame(
        {
            "patch_id": [f"{site}/{row}-{column}" for row, column in at],
            "site": site,
            "role": role,
            "block": "",
            "split": "",
        },
        geometry=[shapely.box(x, y - SIDE, x + SIDE, y) for x, y in zip(west, north, strict=True)],
        crs=crs,
    ).to_crs("EPSG:4326")
    frame["pixels_checksum"] = frame["patch_id"]
    return frame


def grid(rows, columns):
    return [(row, column) for row in range(rows) for column in range(columns)]


def split(frame, known=0, *, block=4, **choices):
    parameters = DatasetParameters(bands=("red",), block=block, **choices)
    new = np.arange(len(frame)) >= known
    site = {"crs": UTM, "block_m": block * SIDE}
    sites = dict.fromkeys(frame["site"], site)
    frame = frame.copy()
    frame["block"] = assign_blocks(frame, new, sites=sites, size=128)
    frame["split"] = assign_splits(frame, new, parameters=parameters)
    check_leaks(frame, size=128, touching=parameters.split == "blocks")
    return frame


def shares(frame):
    used = frame[frame["split"].isin(["train", "val", "test"])]
    return used["split"].value_counts(normalize=True)


def test_blocks_of_a_dense_site():
    frame = split(patches(grid(32, 32)))
    found = shares(frame)
    assert abs(found["train"] - 0.6) < 0.1
    assert abs(found["val"] - 0.2) < 0.08
    assert abs(found["test"] - 0.2) < 0.08
    assert (frame["split"] == GUARD).mean() < 0.3
    # A block has one split, but for what is set aside.
    whole = frame[frame["split"] != GUARD]
    assert (whole.groupby("block")["split"].nunique() == 1).all()


def test_groups_that_fit_a_block_are_never_divided():
    # Groups of 3 x 3 patches, a patch apart, across the borders of blocks.
    at = [(4 * i + r + 2, 4 * j + c + 2) for i in range(6) for j in range(6) for r, c in grid(3, 3)]
    frame = split(patches(at))
    assert GUARD not in set(frame["split"])
    number = np.repeat(np.arange(36), 9)
    for group in range(36):
        assert frame["split"][number == group].nunique() == 1


def test_two_grids_half_a_patch_apart():
    frame = gpd.pd.concat(
        [patches(grid(20, 20)), patches(grid(20, 20), east=363000 + 200.3).assign(
            patch_id=[f"b{i}" for i in range(400)])],
        ignore_index=True,
    )  # fmt: skip
    frame["pixels_checksum"] = frame["patch_id"]
    found = split(frame)
    assert set(found["split"]) == {"train", "val", "test", GUARD}


def test_chance_depends_on_the_seed_and_not_on_the_order():
    frame = patches(grid(24, 24))
    one = split(frame)
    assert one["split"].equals(split(frame)["split"])
    assert not one["split"].equals(split(frame, seed=1)["split"])
    turned = split(frame.iloc[::-1].reset_index(drop=True))
    assert turned["split"].tolist()[::-1] == one["split"].tolist()


@pytest.mark.parametrize("method", ["blocks", "random", "sites"])
def test_what_has_a_split_keeps_it(method):
    parts = [patches(grid(20, 20), site=s, east=363000 + 20000.0 * i)
             for i, s in enumerate(("a", "b", "c"))]  # fmt: skip
    first = split(gpd.pd.concat(parts, ignore_index=True), split=method)
    more = patches([(r, c + 20) for r, c in grid(20, 8)], site="a")
    joined = gpd.pd.concat([first, more], ignore_index=True)
    second = split(joined, known=len(first), split=method)
    assert second["split"].tolist()[: len(first)] == first["split"].tolist()
    assert second["block"].tolist()[: len(first)] == first["block"].tolist()
    assert set(second["split"][len(first) :]) <= {"train", "val", "test", GUARD}
    if method == "sites":
        assert second.groupby("site")["split"].nunique().max() == 1


def test_random_splits_each_site_as_the_paper_does():
    parts = [patches(grid(n, 10), site=s, east=363000 + 20000.0 * i)
             for i, (s, n) in enumerate((("a", 10), ("b", 3)))]  # fmt: skip
    frame = split(gpd.pd.concat(parts, ignore_index=True), split="random")
    counts = frame.groupby("site")["split"].value_counts()
    assert counts["a"].to_dict() == {"train": 60, "val": 20, "test": 20}
    assert counts["b"].to_dict() == {"train": 18, "val": 6, "test": 6}


def test_unseen_events_are_a_split_of_their_own():
    far = patches(grid(3, 3), site="far", role="unseen", east=500000)
    frame = split(gpd.pd.concat([patches(grid(12, 12)), far], ignore_index=True))
    assert set(frame["split"][frame["site"] == "far"]) == {"unseen"}
    assert "unseen" not in set(frame["split"][frame["site"] == "one"])


@pytest.mark.parametrize(
    ("at", "method", "words"),
    [
        (grid(2, 2), "blocks", "site one: has 4 patches, at least 5"),
        (grid(1, 4), "random", "site one: has 4 patches"),
        (grid(3, 3), "blocks", "site one: has too few patches or blocks: none is left for"),
        (grid(9, 9), "sites", "one site cannot be split"),
    ],
)
def test_too_few_to_split(at, method, words):
    with pytest.raises(InputError, match=rf"{words}.*(Give more scenes|at least three)") as raised:
        split(patches(at), split=method)
    assert "--split sites" not in str(raised.value)


def test_whole_sites_are_offered_where_there_are_three():
    parts = [patches(grid(n, n), site=s, east=363000 + 20000.0 * i)
             for i, (s, n) in enumerate((("a", 2), ("b", 9), ("c", 9)))]  # fmt: skip
    with pytest.raises(InputError, match=r"site a: has 4 patches.*--split sites"):
        split(gpd.pd.concat(parts, ignore_index=True), split="blocks")


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({"train": 60, "val": 20, "test": 20, "guard": 20, "unseen": 900}, []),
        (
            {"train": 35, "val": 4, "test": 12, "guard": 14},
            ["val has 8% .* 20% .*--block"],
        ),
        ({"train": 60, "val": 20, "test": 20, "guard": 51}, ["34% .* lost to guard: larger"]),
        ({"unseen": 9}, []),
    ],
)
def test_splits_that_miss_their_share_are_named(counts, words):
    found = uneven(counts, method="blocks")
    assert len(found) == len(words)
    for text, word in zip(found, words, strict=True):
        assert re.search(word, text)


def test_folds_leave_out_large_sites_alone():
    groups = np.repeat([3, 1, 7, 5], [30, 4, 20, 6]).astype(np.int64)
    assert site_folds(groups) == [(3,), (7,), (1, 5)]
    assert site_folds(groups[:30]) == [(3,)]
