"""A scene is the same to the last bit however it is cut, batched, read, and in whatever order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hrgldd_core.mapping.predict import predict_spans
from hrgldd_core.mapping.runtime import open_runtime
from hrgldd_core.mapping.strips import Span, cut, join
from hrgldd_core.mapping.windows import WindowGrid
from hrgldd_core.models.store import open_model
from hrgldd_core.normalise import Normalisation, band_statistics
from hrgldd_core.scenes import SceneReader, open_scene
from hrgldd_core.stac.ingest import item_from_raster
from tests.support import BGR, texture, write_raster

SHAPE = (330, 290)


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    image = texture(SHAPE)
    image[:, :90, 100:220] = 0  # windows of which nothing is mapped
    path = write_raster(tmp_path_factory.mktemp("scene") / "s.tif", image, nodata=0)
    return open_scene(item_from_raster(str(path), bands=BGR), bands=BGR)


@pytest.fixture(scope="module")
def runtime(random_model):
    return open_runtime(open_model(random_model))


def predict(scene, runtime, *, rows=1, order=None, **options):
    """(y, x) probability and coverage; strips of so many rows, each alone in some order."""
    grid = WindowGrid.plan(scene.target.shape, largest=96, margin=16, blend=32)
    with SceneReader(scene) as reader:
        statistics = band_statistics(reader.sample())
    spans = cut(grid, pixels=rows * grid.rows.pitch * grid.columns.length)
    assert len(spans) == -(-grid.rows.count // rows)
    fixed = {"normalisation": Normalisation(), "statistics": statistics, "grid": grid, **options}
    if order is None:
        results = list(predict_spans(scene, runtime, spans=spans, **fixed))
    else:
        results = [None] * len(spans)
        for i in np.random.default_rng(order).permutation(len(spans)):
            (results[i],) = predict_spans(scene, runtime, spans=[spans[i]], **fixed)
    strips = list(join(results))
    assert [s.top for s in strips] == np.cumsum([0, *(len(s.coverage) for s in strips)])[
        :-1
    ].tolist()
    return (
        np.concatenate([s.probability for s in strips]),
        np.concatenate([s.coverage for s in strips]),
    )


@pytest.fixture(scope="module")
def expected(scene, runtime):
    """All in one strip, one window at a time, one thread."""
    probability, coverage = predict(scene, runtime, rows=99, batch=1, threads=1)
    assert probability.shape == SHAPE
    assert len(np.unique(probability)) > 20
    return probability, coverage


@settings(max_examples=12, deadline=None)
@given(
    rows=st.integers(1, 9),
    batch=st.integers(1, 5),
    threads=st.integers(1, 4),
    order=st.none() | st.integers(0, 9),
)
def test_the_same_bytes(scene, runtime, expected, rows, batch, threads, order):
    found = predict(scene, runtime, rows=rows, batch=batch, threads=threads, order=order)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_no_window_is_computed_twice(scene, runtime):
    calls = []

    def counting(x):
        calls.append(len(x))
        return runtime(x)

    predict(scene, counting, rows=99)
    once = sum(calls)
    calls.clear()
    predict(scene, counting, rows=2, order=3)
    assert sum(calls) == once


def test_strips_cover_every_row_of_windows_once():
    grid = WindowGrid.plan((5000, 4000))
    spans = cut(grid, pixels=7_000_000)
    assert spans[:2] == [Span(0, 2), Span(2, 4)]
    rows = [row for span in spans for row in range(span.first, span.stop)]
    assert rows == list(range(grid.rows.count))
    assert len(cut(grid, pixels=10**9)) == 1


def test_what_fails_ahead_is_raised(scene):
    def broken(x):
        raise RuntimeError("no memory on the device")

    with pytest.raises(RuntimeError, match="no memory"):
        predict(scene, broken)
