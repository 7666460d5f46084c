"""Windows cover every pixel, and their weights sum to one there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hrgldd_core.mapping.windows import Axis, WindowGrid


@st.composite
def axes(draw: st.DrawFn) -> tuple[Axis, int]:
    """An axis and the largest window that it was planned with."""
    lead = 16 * draw(st.integers(1, 5))
    blend = 2 * draw(st.integers(0, lead))
    margin = lead - blend // 2
    largest = draw(st.integers(4 * (margin + blend), 1200).map(lambda v: max(v, 64)))
    length = draw(st.integers(1, 3000))
    return Axis.plan(length, largest=largest, margin=margin, blend=blend), largest


def _shares(axis: Axis) -> np.ndarray:
    """(window, pixel) weight of each window at each pixel of the axis."""
    shares = np.zeros((axis.count, axis.length))
    for index in range(axis.count):
        start = axis.start(index)
        first, last = max(start, 0), min(start + axis.size, axis.length)
        if first < last:
            shares[index, first:last] = axis.weight(index)[first - start : last - start]
    return shares


@given(axes())
@example((Axis.plan(1, largest=1024, margin=48, blend=32), 1024))
@example((Axis.plan(896, largest=1024, margin=48, blend=32), 1024))
@example((Axis.plan(897, largest=1024, margin=48, blend=32), 1024))
def test_weights_sum_to_one_at_every_pixel(planned):
    axis, _ = planned
    shares = _shares(axis)
    assert (shares >= 0).all()
    np.testing.assert_allclose(shares.sum(axis=0), 1, atol=1e-6)


@given(axes())
def test_windows_lie_on_the_grid_of_the_pooling(planned):
    axis, largest = planned
    assert axis.size % 16 == 0
    assert {axis.start(i) % 16 for i in range(axis.count)} == {0}
    # A limit that is no multiple of 16 is rounded up to one.
    assert axis.size <= -(-largest // 16) * 16


@given(axes())
def test_inner_ends_of_a_window_count_nothing(planned):
    axis, _ = planned
    for index in range(axis.count):
        weight = axis.weight(index)
        assert len(weight) == axis.size
        if index > 0:
            assert not weight[: axis.margin].any()
        if index < axis.count - 1:
            assert not weight[axis.size - axis.margin :].any()


@given(axes())
def test_settled_pixels_receive_nothing_more(planned):
    axis, _ = planned
    shares = _shares(axis)
    settled = [axis.settled(i) for i in range(axis.count)]
    assert settled == sorted(settled)
    assert settled[-1] == axis.length
    for index, end in enumerate(settled):
        assert not shares[index + 1 :, : max(end, 0)].any()


@given(axes())
def test_a_window_is_as_large_as_it_must_be(planned):
    axis, _ = planned
    assert axis.pitch * axis.count >= axis.length
    assert axis.pitch * axis.count < axis.length + 16 * axis.count


@pytest.mark.parametrize(("margin", "blend"), [(8, 0), (48, 30), (10, 10), (15, 1)])
def test_margins_off_the_grid_are_refused(margin, blend):
    with pytest.raises(ValueError, match="multiple of 16"):
        Axis.plan(100, largest=1024, margin=margin, blend=blend)


def test_grid_is_the_product_of_its_axes():
    grid = WindowGrid.plan((700, 1900), largest=512, margin=48, blend=32)
    assert (grid.rows.length, grid.columns.length) == (700, 1900)
    weight = grid.weight(0, 1)
    assert weight.shape == (grid.rows.size, grid.columns.size)
    np.testing.assert_array_equal(
        weight, grid.rows.weight(0)[:, None] * grid.columns.weight(1)[None]
    )
    windows = grid.rows.count * grid.columns.count
    assert grid.overhead == pytest.approx(windows * weight.size / (700 * 1900))
