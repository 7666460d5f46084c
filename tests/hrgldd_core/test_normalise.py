"""Normalisation: what lets a model meet another sensor."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hrgldd_core.normalise import BandStatistics, Normalisation, band_statistics

PIXELS = np.random.default_rng(0).gamma(3, 40, (400, 3))


def normalised(pixels):
    return Normalisation().apply(pixels, band_statistics(pixels))


@given(
    st.floats(0.01, 1e3),
    st.lists(st.floats(0.25, 4), min_size=3, max_size=3),
    st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=3),
)
def test_gain_and_offset_of_a_band_do_not_matter(common, own, offset):
    # A band with less than a twentieth of the largest spread is taken for constant.
    gain = common * np.array(own)
    other = PIXELS * gain + offset
    # float32 pixels carry some 7 digits of value + offset.
    lost = 1e-6 * (np.abs(other).max(0) / (np.std(PIXELS, 0) * gain)).max()
    np.testing.assert_allclose(normalised(other), normalised(PIXELS), atol=1e-4 + 10 * lost)


def test_order_of_pixels_does_not_matter():
    shuffled = np.random.default_rng(1).permutation(PIXELS)
    assert band_statistics(shuffled) == band_statistics(PIXELS)


def test_statistics_are_median_and_robust_sigma():
    gauss = np.random.default_rng(2).normal((10, -5), (2, 0.5), (200_000, 2))
    found = band_statistics(gauss)
    np.testing.assert_allclose(found.center, (10, -5), atol=0.02)
    np.testing.assert_allclose(found.scale, (2, 0.5), rtol=0.01)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("count", [1, 2, 3, 20, 21, 99, 4097])
def test_statistics_of_whole_numbers_are_those_of_the_same_floats(dtype, count):
    for highest in (1, 3, np.iinfo(dtype).max):
        pixels = np.random.default_rng(count).integers(0, highest + 1, (count, 3)).astype(dtype)
        assert band_statistics(pixels) == band_statistics(pixels.astype(np.float64))


def test_outliers_hardly_matter():
    spoilt = PIXELS.copy()
    spoilt[:8] = 1e6
    found, expected = band_statistics(spoilt), band_statistics(PIXELS)
    np.testing.assert_allclose(found.scale, expected.scale, rtol=0.2)


def test_apply_is_arcsinh_of_robust_sigmas():
    statistics = BandStatistics((100.0, 50.0), (10.0, 5.0))
    pixels = np.array([[100, 50], [110, 40], [90, 60]], np.uint16)
    out = Normalisation().apply(pixels, statistics)
    assert out.dtype == np.float32
    np.testing.assert_allclose(out, np.arcsinh([[0, 0], [1, -2], [-1, 2]]), rtol=1e-6)
    # The pixels that were given are left as they are.
    assert pixels.tolist() == [[100, 50], [110, 40], [90, 60]]


def test_none_passes_values_through():
    pixels = np.array([[3, 250]], np.uint8)
    out = Normalisation("none").apply(pixels, BandStatistics((9.0, 9.0), (9.0, 9.0)))
    assert out.dtype == np.float32
    assert out.tolist() == [[3, 250]]


def test_a_constant_band_stays_finite():
    pixels = PIXELS.copy()
    pixels[:, 1] = 7
    out = normalised(pixels)
    assert np.isfinite(out).all()
    assert (out[:, 1] == 0).all()
    np.testing.assert_allclose(out[:, 0], normalised(PIXELS)[:, 0])


@pytest.mark.parametrize("value", [0, 65535])
def test_a_constant_image_stays_finite(value):
    out = normalised(np.full((50, 4), value, np.uint16))
    assert (out == 0).all()


def test_a_single_pixel_is_enough_and_none_is_not():
    assert (normalised(PIXELS[:1]) == 0).all()
    with pytest.raises(ValueError, match="no usable pixel"):
        band_statistics(PIXELS[:0])


def test_blend():
    a, b = BandStatistics((0.0, 2.0), (1.0, 1.0)), BandStatistics((10.0, 4.0), (3.0, 5.0))
    assert a.blend(b, 0) == a
    assert a.blend(b, 1) == b
    assert a.blend(b, 0.25) == BandStatistics((2.5, 2.5), (1.5, 2.0))


@pytest.mark.parametrize(
    ("dtype", "bands"), [(np.uint8, 1), (np.uint8, 3), (np.uint16, 4), (np.uint16, 8)]
)
def test_a_table_gives_the_same_as_the_formula(dtype, bands):
    pixels = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (300, 260, bands + 1))
    pixels = pixels.astype(dtype)[..., :bands]  # not contiguous
    known = BandStatistics(tuple(range(50, 50 + bands)), tuple(range(7, 7 + bands)))
    few, many = pixels[:1, :2], pixels
    for each in (few, many):
        found = Normalisation().apply(each, known)
        assert found.dtype == np.float32
        assert found.shape == each.shape
        expected = np.arcsinh((each.astype(np.float32) - known.center) / known.scale)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
