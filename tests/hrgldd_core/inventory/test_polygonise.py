"""Polygons made in tiles are those of the whole raster, whatever the tiles."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from odc.geo.geobox import GeoBox
from rasterio.features import rasterize, shapes
from scipy import ndimage

from hrgldd_core.inventory.polygonise import SourceScene, polygonise
from hrgldd_core.mapping.probability import NODATA, landslide
from tests.support import NORTH_UP, UTM

EIGHT = np.ones((3, 3))
DAY = datetime(2024, 11, 10, tzinfo=UTC)
ONE = [SourceScene("one", DAY)]

# Few different values: areas that touch at corners and seams, next to each other and to nodata.
rasters = st.tuples(st.integers(1, 23), st.integers(1, 23)).flatmap(
    lambda shape: arrays(np.uint8, shape, elements=st.sampled_from([0, 0, 100, 125, 250, NODATA]))
)


def in_tiles(levels, side, threshold=0.5, **options):
    grid = GeoBox(levels.shape, NORTH_UP, UTM)
    return polygonise(
        lambda rows, columns: levels[rows, columns], grid,
        threshold=threshold, scenes=ONE, side=side, **options,
    )  # fmt: skip


def whole(levels, threshold=0.5):
    """Outline, pixels, mean, maximum and edge of each area, by its first pixel."""
    mask = landslide(levels, threshold)
    labels, count = ndimage.label(mask, EIGHT)
    outlines = dict[int, shapely.Geometry]()
    for outline, label in shapes(
        labels.astype(np.int32), mask=mask, connectivity=8, transform=NORTH_UP
    ):
        outlines[int(label)] = shapely.make_valid(
            shapely.geometry.shape(outline), method="structure", keep_collapsed=False
        )
    beside = ndimage.binary_dilation(np.pad(levels == NODATA, 1, constant_values=True), EIGHT)
    for label in range(1, count + 1):
        own = labels == label
        values = levels[own].astype(float)
        yield (
            outlines[label],
            own,
            values.mean() / 250,
            values.max() / 250,
            (own & beside[1:-1, 1:-1]).any(),
        )


@settings(max_examples=150, deadline=None)
@given(levels=rasters, side=st.sampled_from([1, 2, 3, 5, 8, 64]))
def test_tiles_leave_no_trace(levels, side):
    found, expected = in_tiles(levels, side), list(whole(levels))
    assert len(found) == len(expected)
    for row, (outline, own, mean, highest, edge) in zip(found.itertuples(), expected, strict=True):
        assert row.geometry.is_valid
        assert row.geometry.equals(outline)
        assert row.geometry.area == own.sum() * 9
        assert row.pixels == own.sum()
        assert row.prob_mean == pytest.approx(mean)
        assert row.prob_max == highest
        assert row.edge == edge
        burnt = rasterize([row.geometry], levels.shape, transform=NORTH_UP)
        np.testing.assert_array_equal(burnt.astype(bool), own)


def test_no_points_are_left_where_tiles_met():
    levels = np.zeros((40, 40), np.uint8)
    levels[5:35, 5:35] = 200
    assert shapely.get_num_coordinates(in_tiles(levels, 8).geometry[0]) <= 6
    assert in_tiles(levels, 8).geometry[0].equals(in_tiles(levels, 64).geometry[0])


def test_a_threshold_on_a_step_includes_the_step():
    levels = np.array([[124, 0, 125]], np.uint8)
    assert len(in_tiles(levels, 2)) == 1
    assert len(in_tiles(levels, 2, 0.496)) == 2


def test_nothing_found():
    for level in (0, NODATA):
        found = in_tiles(np.full((5, 7), level, np.uint8), 2)
        assert len(found) == 0
        assert found.crs == UTM


def test_each_polygon_knows_the_scenes_of_its_pixels():
    levels = np.zeros((6, 12), np.uint8)
    levels[1:3, 1:11] = levels[5, 0:2] = 250
    source = np.ones(levels.shape, np.uint16)
    source[:, 5:] = 3
    source[:, 8:] = 2
    scenes = [
        SourceScene("b", DAY),
        SourceScene("a", None),
        SourceScene("c", DAY.replace(day=12)),
    ]
    grid = GeoBox(levels.shape, NORTH_UP, UTM)
    for side in (3, 64):
        found = polygonise(
            lambda rows, columns: levels[rows, columns], grid, threshold=0.5, scenes=scenes,
            sources=lambda rows, columns: source[rows, columns], side=side,
        )  # fmt: skip
        assert list(found["scene_id"]) == ["a b c", "b"]
        assert list(found["acquired"]) == [DAY, DAY]
        assert list(found["acquired_last"]) == [DAY.replace(day=12), DAY]
