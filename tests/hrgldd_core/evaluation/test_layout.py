"""Which patches stand in which row of the table."""

from __future__ import annotations

import numpy as np
import pytest

from hrgldd_core.errors import InputError
from hrgldd_core.evaluation.layout import lay_out, parse_collections, parse_unseen
from tests.hrgldd_core.evaluation.sample import patch_set

SPLITS = ["train", "train", "val", "test", "test", "test", "unseen", "unseen"]
GROUPS = [0, 1, 0, 0, 1, 1, 2, 3]
SITES = ("Aksu", "Bora", "Ceará", "Dolpa")


def rows_of(parts, names=(), **options):
    """Collection, name and patches (part, number) of each row."""
    layout = lay_out(parts, names, **options)
    out = []
    for row in layout.rows:
        patches = {
            (part, i)
            for part, cells in enumerate(layout.of_patch)
            for i, cell in enumerate(cells.tolist())
            if cell in row.cells
        }
        out.append((row.collection, row.name, patches))
    return out, layout


def test_built_data_with_all_splits():
    rows, layout = rows_of([patch_set(GROUPS, splits=SPLITS, sites=SITES)])
    assert rows == [
        (0, "Test patches", {(0, 3), (0, 4), (0, 5)}),
        (1, "Mixed test set", {(0, 3), (0, 4), (0, 5)}),
        (2, "Aksu", {(0, 3)}),
        (2, "Bora", {(0, 4), (0, 5)}),
        (3, "Ceará", {(0, 6)}),
        (3, "Dolpa", {(0, 7)}),
        (3, "All unseen events", {(0, 6), (0, 7)}),
    ]
    assert layout.absent == {}
    assert [row.remark for row in layout.rows] == [""] * 7


def test_further_events_are_collection_3_as_a_whole():
    parts = [
        patch_set([0, 0, 4]),
        patch_set([0, 1], seed=1, splits=["train", "test"]),
        patch_set([0], seed=2),
    ]
    rows, _ = rows_of(parts, ["Haiti", "DRC"])
    assert rows[1:] == [
        (1, "Mixed test set", {(0, 0), (0, 1), (0, 2)}),
        (2, "Site 0", {(0, 0), (0, 1)}),
        (2, "Site 4", {(0, 2)}),
        (3, "Haiti", {(1, 0), (1, 1)}),
        (3, "DRC", {(2, 0)}),
        (3, "All unseen events", {(1, 0), (1, 1), (2, 0)}),
    ]


def test_what_cannot_be_is_said():
    folder = patch_set([0] * 4, splits=["train", "val", "test", "test"])
    rows, layout = rows_of([folder])
    assert [row[:2] for row in rows] == [(0, "Test patches"), (1, "Mixed test set")]
    assert rows[1][2] == {(0, 2), (0, 3)}
    assert "which site" in layout.absent[2]
    assert "--unseen" in layout.absent[3]
    assert "no test set" in lay_out([patch_set([0, 1])], []).rows[1].remark
    only_unseen = lay_out([patch_set([0, 1], splits=["unseen"] * 2)], [])
    assert "unseen" in only_unseen.absent[1]
    assert [row.collection for row in only_unseen.rows] == [0, 3, 3, 3]
    assert only_unseen.rows[0].remark == ""


def test_patches_of_training_are_no_test_set():
    for splits, called in ((["train"] * 2, "Train"), (["train", "val"], "Train and val")):
        layout = lay_out([patch_set([0, 1], splits=splits)], [])
        assert [(row.collection, row.name) for row in layout.rows] == [(0, f"{called} patches")]
        assert "no test patches" in layout.rows[0].remark
        assert set(layout.absent) == {1, 2, 3}


def test_only_what_is_wanted():
    data = patch_set(GROUPS, splits=SPLITS, sites=SITES)
    rows, layout = rows_of([data], wanted=(2,))
    assert {row[0] for row in rows} == {0, 2}
    assert layout.absent == {}
    assert set(lay_out([patch_set([0, 0])], [], wanted=(2,)).absent) == {2}


def test_sites_are_ordered_by_number():
    rows, _ = rows_of([patch_set([10, 9, 2])])
    assert [row[1] for row in rows if row[0] == 2] == ["Site 2", "Site 9", "Site 10"]


def test_a_site_may_be_called_by_what_is_no_decimal():
    rows, _ = rows_of([patch_set([0, 1], sites=("\u00b2", "1"))])
    assert [row[1] for row in rows if row[0] == 2] == ["Site 1", "\u00b2"]


def test_cells_part_the_patches():
    layout = lay_out([patch_set(GROUPS, splits=SPLITS), patch_set([0, 0])], ["x"])
    assert np.concatenate(layout.of_patch).max() == len(layout.cells) - 1
    assert set(layout.rows[0].cells).isdisjoint(layout.of_patch[1].tolist())


@pytest.mark.parametrize(
    ("text", "expected"), [(None, None), ("1,2,3", (1, 2, 3)), ("3, 1", (1, 3)), ("2,2", (2,))]
)
def test_collections(text, expected):
    assert parse_collections(text) == expected


@pytest.mark.parametrize("text", ["4", "1,", "one", "", "1;2"])
def test_unknown_collections(text):
    with pytest.raises(InputError, match="no collection"):
        parse_collections(text)


def test_unseen():
    assert parse_unseen(["Haiti=a/b=c", "DRC=x.npz"]) == {"Haiti": "a/b=c", "DRC": "x.npz"}
    for bad in (["haiti.npz"], ["=x.npz"], ["Haiti="]):
        with pytest.raises(InputError, match="NAME=URI"):
            parse_unseen(bad)
    with pytest.raises(InputError, match="two unseen events"):
        parse_unseen(["a=x", "a=y"])
