"""Landslides as objects: cases drawn by hand, and random masks against a plain search."""

from __future__ import annotations

import numpy as np
import pytest

from hrgldd_core.evaluation.objects import (
    AREA_CLASSES_M2,
    OBJECT_COLUMNS,
    area_class_names,
    object_counts,
)


def masks(text):
    """(1, y, x) truth, prediction and known pixels of a drawing.

    ``T`` landslide, ``P`` mapped, ``B`` both, ``?`` ignored.
    """
    grid = np.array([list(line) for line in text.split()])[None]
    return np.isin(grid, ("T", "B")), np.isin(grid, ("P", "B")), grid != "?"


def counted(text, **more):
    row = object_counts(*masks(text), **{"min_size": 1, **more})[0]
    return {name: n for name, n in zip(OBJECT_COLUMNS, row.tolist(), strict=True) if n}


def without_classes(found):
    return {k: v for k, v in found.items() if not k.startswith("class") and k != "cut"}


@pytest.mark.parametrize(
    ("drawing", "expected"),
    [
        pytest.param(
            "...... .BBBB. .TTTT. ......",
            {"landslides": 1, "found": 1, "areas": 1, "right": 1},
            id="half is found, half of the union is not a match",
        ),
        pytest.param(
            "...... .BBBB. .BTTT. ......",
            {"landslides": 1, "found": 1, "areas": 1, "right": 1, "matched": 1},
            id="more than half of the union",
        ),
        pytest.param(
            "...... .BBBT. .TTTT. ......",
            {"landslides": 1, "areas": 1, "right": 1},
            id="less than half is missed, though what is mapped is right",
        ),
        pytest.param(
            "....... .BBTBB. .......",
            {"landslides": 1, "found": 1, "split": 1, "areas": 2, "right": 2},
            id="split",
        ),
        pytest.param(
            "....... .BBPBB. .......",
            {"landslides": 2, "found": 2, "in_merged": 2, "areas": 1, "right": 1, "merging": 1},
            id="merged",
        ),
        pytest.param(
            "....... .PPP... ....BT. .......",
            {"landslides": 1, "found": 1, "areas": 1},
            id="corners touch: one area, most of it false",
        ),
        pytest.param("..... .PPP. .....", {"areas": 1}, id="false"),
        pytest.param("..... .TTT. .....", {"landslides": 1}, id="missed"),
        pytest.param("..... ..... .....", {}, id="nothing"),
    ],
)
def test_cases(drawing, expected):
    assert without_classes(counted(drawing)) == expected


def test_small_areas_are_no_objects_but_cover_larger_ones():
    found = counted("....... .BTTBT. .TBTTT. .......", min_size=4)
    assert found["landslides"] == 1
    assert "areas" not in found
    assert "found" not in found
    assert counted("...... .BTB.. .TBT.. ......", min_size=4)["found"] == 1


def test_ignored_pixels_belong_to_nothing():
    found = counted("....... .BB???. ....... .PP???. .......")
    assert without_classes(found) == {
        "landslides": 1, "found": 1, "areas": 2, "right": 1, "matched": 1
    }  # fmt: skip
    assert found["cut"] == 1
    assert "cut" not in counted(".... .BB. ....")
    assert counted("BB.. .... ....")["cut"] == 1


def test_objects_do_not_reach_into_the_next_patch():
    both = np.zeros((2, 4, 4), bool)
    both[0, 3, 1:3] = both[1, 0, 1:3] = True
    found = object_counts(both, both, np.ones_like(both), min_size=1)
    assert found[:, OBJECT_COLUMNS.index("landslides")].tolist() == [1, 1]
    assert found[:, OBJECT_COLUMNS.index("matched")].tolist() == [1, 1]


@pytest.mark.parametrize("pixel_m", [3.0, 10.0])
def test_area_classes(pixel_m):
    names = area_class_names()
    assert names == ("< 500", "500-1,000", "1,000-5,000", "5,000-10,000", "≥ 10,000")
    for size in (1, 4, 49, 50, 55, 56, 111, 112, 555, 556, 1111, 1112):
        truth = np.zeros((1, 64, 64), bool)
        truth.reshape(-1)[64 * 4 : 64 * 4 + size] = True
        row = object_counts(truth, truth, np.ones_like(truth), pixel_m=pixel_m, min_size=1)[0]
        expected = sum(size * pixel_m**2 >= edge for edge in AREA_CLASSES_M2)
        assert [row[OBJECT_COLUMNS.index(f"class{i}")] for i in range(5)] == [
            int(i == expected) for i in range(5)
        ]
        assert row[OBJECT_COLUMNS.index(f"class{expected}_found")] == 1


def components(mask):
    """Sets of pixels, found by flooding."""
    left, out = {tuple(p) for p in np.argwhere(mask)}, []
    while left:
        edge = [left.pop()]
        group = set(edge)
        while edge:
            y, x = edge.pop()
            near = {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & left
            left -= near
            group |= near
            edge += near
        out.append(group)
    return out


@pytest.mark.parametrize("seed", range(12))
def test_random_masks_against_a_plain_search(seed):
    rng = np.random.default_rng(seed)
    truth = rng.random((1, 14, 14)) < rng.uniform(0.1, 0.5)
    mapped = np.where(rng.random(truth.shape) < 0.7, truth, rng.random(truth.shape) < 0.3)
    known = rng.random(truth.shape) < 0.95
    least = int(rng.integers(1, 5))
    row = object_counts(truth, mapped, known, min_size=least)[0]
    true = [c for c in components((truth & known)[0]) if len(c) >= least]
    areas = [c for c in components((mapped & known)[0]) if len(c) >= least]
    seen = {tuple(p) for p in np.argwhere((mapped & known)[0])}
    real = {tuple(p) for p in np.argwhere((truth & known)[0])}
    found = [t for t in true if 2 * len(t & seen) >= len(t)]
    merging = [a for a in areas if sum(2 * len(a & t) >= len(t) for t in true) > 1]
    expected = {
        "landslides": len(true),
        "found": len(found),
        "split": sum(sum(2 * len(a & t) >= len(a) for a in areas) > 1 for t in found),
        "in_merged": sum(any(2 * len(a & t) >= len(t) for a in merging) for t in true),
        "areas": len(areas),
        "right": sum(2 * len(a & real) >= len(a) for a in areas),
        "merging": len(merging),
        "matched": sum(any(2 * len(a & t) > len(a | t) for a in areas) for t in true),
    }
    assert {k: row[OBJECT_COLUMNS.index(k)] for k in expected} == expected
