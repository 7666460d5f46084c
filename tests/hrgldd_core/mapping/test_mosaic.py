"""Overlapping scenes to one map, checked against the same computed pixel by pixel."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from rasterio.transform import from_origin
from rio_cogeo import cog_validate

from hrgldd_core.cog import check_cog
from hrgldd_core.errors import OutputError
from hrgldd_core.inventory.polygonise import SourceScene
from hrgldd_core.mapping.mosaic import make_mosaic
from hrgldd_core.mapping.zones import zone_grid, zones
from tests.support import UTM, raster_of, write_raster

NODATA = 255
X, Y = 363000, 1305000


def day(number):
    return datetime(2024, 11, number, tzinfo=UTC)


class Event:
    """Probability rasters of some scenes, by id."""

    def __init__(self, folder):
        self.folder, self.grids, self.hrefs, self.scenes = folder, {}, {}, []

    def add(self, name, levels, *, at=(0, 0), when=None, pixel=3.0, shift=0.0):
        """A scene whose first pixel lies ``at`` (row, column) of the event."""
        levels = np.asarray(levels, np.uint8)
        corner = X + at[1] * 3 + shift, Y - at[0] * 3
        transform = from_origin(*corner, pixel, pixel)
        path = write_raster(
            self.folder / f"{name}.tif", levels[None], nodata=NODATA, transform=transform
        )
        self.grids[name] = GeoBox(levels.shape, transform, UTM)
        self.hrefs[name] = str(path)
        self.scenes.append(SourceScene(name, when))

    def mosaic(self, rule, threshold=0.5, side=512):
        made = make_mosaic(
            self.grids, self.hrefs, scenes=self.scenes, rule=rule, threshold=threshold,
            folder=self.folder, side=side,
        )  # fmt: skip
        return made, raster_of(made.probability), raster_of(made.source)


def test_rules(tmp_path):
    event = Event(tmp_path)
    # Columns: both see (three cases), one sees, nobody sees.
    event.add("old", [[200, 240, 20, 70, NODATA, NODATA]], when=day(1))
    event.add("new", [[130, 10, 110, NODATA, 80, NODATA]], when=day(2))
    expected = {
        "recent": ([130, 10, 110, 70, 80, NODATA], [2, 2, 2, 1, 2, 0]),
        # From 0.5: 200 is further than 130, 240 as far as 10 (then the latest), 20 than 110.
        "confidence": ([200, 10, 20, 70, 80, NODATA], [1, 2, 1, 1, 2, 0]),
        "maximum": ([200, 240, 110, 70, 80, NODATA], [1, 1, 2, 1, 2, 0]),
    }
    for rule, (levels, source) in expected.items():
        _, found, scenes = event.mosaic(rule)
        assert found.tolist() == [levels], rule
        assert scenes.tolist() == [source], rule


def test_confidence_is_the_share_of_the_way_from_the_threshold(tmp_path):
    event = Event(tmp_path)
    # At 0.8 (200): 250 is sure of a landslide, 100 half sure of none.
    event.add("a", [[250, 225]], when=day(1))
    event.add("b", [[100, 80]], when=day(2))
    assert event.mosaic("confidence", 0.8)[1].tolist() == [[250, 80]]


def test_scenes_of_one_time_or_none_are_told_apart_by_their_ids(tmp_path):
    event = Event(tmp_path)
    event.add("c", [[1, 1]], when=None)
    event.add("b", [[2, NODATA]], when=day(3))
    event.add("a", [[3, NODATA]], when=day(3))
    assert event.mosaic("recent")[1].tolist() == [[3, 1]]
    assert event.mosaic("recent")[2].tolist() == [[3, 1]]


scene = st.tuples(
    st.integers(0, 700), st.integers(0, 700), st.integers(1, 600), st.integers(1, 600),
    st.integers(0, 99),
)  # fmt: skip


@settings(max_examples=8, deadline=None)
@given(places=st.lists(scene, min_size=2, max_size=5), rule=st.sampled_from(["recent", "maximum"]))
def test_tiles_and_places_leave_no_trace(tmp_path_factory, places, rule):
    event = Event(tmp_path_factory.mktemp("mosaic"))
    top, left = min(p[0] for p in places), min(p[1] for p in places)
    shape = (
        max(p[0] + p[2] for p in places) - top,
        max(p[1] + p[3] for p in places) - left,
    )
    expected, source = np.full(shape, NODATA), np.zeros(shape, int)
    for number, (row, column, height, width, seed) in enumerate(places, 1):
        rng = np.random.default_rng(seed)
        levels = rng.integers(0, 251, (height, width))
        levels[rng.random(levels.shape) < 0.3] = NODATA
        event.add(f"s{number}", levels, at=(row, column), when=day(number))
        part = np.s_[row - top : row - top + height, column - left : column - left + width]
        before = np.where(expected[part] == NODATA, -1, expected[part])
        better = (levels != NODATA) & ((levels >= before) | (rule == "recent"))
        expected[part][better], source[part][better] = levels[better], number
    made, found, scenes = event.mosaic(rule)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(scenes, source)
    assert made.grid.affine.c == X + 3 * left
    assert made.grid.affine.f == Y - 3 * top


def test_a_scene_on_another_grid_is_taken_from_its_nearest_pixels(tmp_path):
    event = Event(tmp_path)
    event.add("a", np.full((4, 4), 10), when=day(1))
    event.add("b", np.full((4, 4), 20), at=(0, 4), when=day(1))
    coarse = np.arange(4).reshape(2, 2) * 50 + 50
    event.add("odd", coarse, at=(1, 1), when=day(2), pixel=6.0, shift=0.4)
    made, found, source = event.mosaic("recent")
    assert made.grid.affine.a == 3
    assert found.shape == (5, 8)
    expected = np.full((5, 8), NODATA)
    expected[:4, :4], expected[:4, 4:] = 10, 20
    expected[1:5, 1:5] = np.kron(coarse, np.ones((2, 2)))
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(source == 3, (expected >= 50) & (expected != NODATA))


def test_zones_and_their_common_grid():
    grids = {
        name: GeoBox((10, 10), from_origin(x, 1000.0, size, size), crs)
        for name, x, size, crs in (
            ("d", 100.0, 3, "EPSG:32651"), ("a", 100.0, 6, "EPSG:32643"),
            ("b", 301.0, 3, "EPSG:32643"), ("c", 1.0, 3, "EPSG:32643"),
        )
    }  # fmt: skip
    found = zones(grids)
    assert {crs: list(of) for crs, of in found.items()} == {
        "EPSG:32643": ["a", "b", "c"],
        "EPSG:32651": ["d"],
    }
    grid = zone_grid(found["EPSG:32643"])
    assert (grid.affine.a, grid.affine.c, grid.affine.f) == (3, 1, 1000)
    assert grid.shape == (20, 110)


def test_a_file_that_is_cut_off_or_no_cog_is_refused(tmp_path):
    event = Event(tmp_path)
    event.add("a", np.random.default_rng(0).integers(0, 250, (900, 900)), when=day(1))
    event.add("b", np.full((9, 9), 1), when=day(1))
    made, *_ = event.mosaic("recent")
    for path in (made.probability, made.source):
        assert cog_validate(path, strict=True) == (True, [], [])
        check_cog(path, made.grid)
    with pytest.raises(OutputError, match="expected grid"):
        check_cog(made.probability, made.grid[1:])
    content = made.probability.read_bytes()
    made.probability.write_bytes(content[:-20_000])
    with pytest.raises(OutputError, match="not written whole"):
        check_cog(made.probability, made.grid)
    with rasterio.open(event.hrefs["a"]) as plain:
        grid = GeoBox(plain.shape, plain.transform, plain.crs)
    with pytest.raises(OutputError, match="cloud optimised"):
        check_cog(tmp_path / "a.tif", grid)
