"""Polygons to labels: by strips as at once, pixel centres, straight from the definition."""

from __future__ import annotations

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox

from hrgldd_core.inventory.rasterise import polygons_on, rasterise_rows
from tests.support import NORTH_UP, UTM

SHAPE = (60, 70)
GRID = GeoBox(SHAPE, NORTH_UP, UTM)


def outlines(seed, count=12):
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-5, 75, count), rng.uniform(-5, 65, count)
    ring = [shapely.Point(363000 + 3 * a, 1305000 - 3 * b) for a, b in zip(x, y, strict=True)]
    shapes = [p.buffer(r) for p, r in zip(ring, rng.uniform(1, 40, count), strict=True)]
    holed = [s.difference(s.centroid.buffer(6)) if s.area > 900 else s for s in shapes]
    return np.array(holed, dtype=object)


def centres_inside(polygons):
    rows, columns = np.indices(SHAPE)
    x, y = 363000 + 3 * (columns + 0.5), 1305000 - 3 * (rows + 0.5)
    return shapely.contains_xy(shapely.union_all(polygons), x, y)


@settings(deadline=None)
@given(st.integers(0, 1000))
def test_a_pixel_counts_by_its_centre(seed):
    polygons = outlines(seed)
    assert (rasterise_rows(polygons, GRID) == centres_inside(polygons)).all()


@settings(deadline=None)
@given(st.integers(0, 1000), st.integers(1, 59))
def test_strips_are_parts_of_the_whole(seed, cut):
    polygons = outlines(seed)
    tree = shapely.STRtree(polygons)
    for touched in (False, True):
        whole = rasterise_rows(polygons, GRID, all_touched=touched)
        parts = [
            rasterise_rows(polygons_on(polygons, tree, part), part, all_touched=touched)
            for part in (GRID[:cut, :], GRID[cut:, :])
        ]
        assert (np.concatenate(parts) == whole).all()


def test_all_touched_covers_more():
    speck = np.array([shapely.Point(363004.4, 1304995.6).buffer(0.5)], dtype=object)
    assert rasterise_rows(speck, GRID).sum() == 1
    edge = np.array([shapely.Point(363006, 1304994).buffer(0.5)], dtype=object)
    assert rasterise_rows(edge, GRID).sum() == 0
    assert rasterise_rows(edge, GRID, all_touched=True).sum() == 4


def test_nothing_there():
    assert not rasterise_rows(np.array([], dtype=object), GRID).any()
