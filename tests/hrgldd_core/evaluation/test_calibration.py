"""Calibration: known distortions are found again, errors are those of counting by hand."""

from __future__ import annotations

import numpy as np
import pytest

from hrgldd_core.dataset.patches import IGNORE
from hrgldd_core.evaluation.calibration import (
    brier_score,
    calibration_error,
    expected_calibration_error,
    fit_calibration,
    reliability,
)
from hrgldd_core.evaluation.histogram import Histogram
from hrgldd_core.models.calibration import Calibration


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def honest(seed=0, size=400_000, middle=-2.0):
    """Logits whose sigmoid is the chance of a landslide, and landslides drawn so."""
    rng = np.random.default_rng(seed)
    z = rng.normal(middle, 2, size)
    return z, (rng.random(size) < sigmoid(z)).astype(np.uint8)


@pytest.mark.parametrize(("temperature", "bias"), [(1, 0), (3, 0), (0.5, 0), (2, 1.5), (0.7, -2)])
def test_known_distortion_is_undone(temperature, bias):
    z, y = honest()
    distorted = sigmoid(temperature * z - bias).astype(np.float32)
    found = fit_calibration(distorted, y)
    assert found.temperature == pytest.approx(temperature, rel=0.02)
    assert found.bias == pytest.approx(bias, abs=0.03 * max(1, temperature))
    assert expected_calibration_error(found.apply(distorted), y) < 0.003


def test_fit_has_the_largest_likelihood():
    z, y = honest(size=20_000)
    p = sigmoid(2 * z + 1)
    found = fit_calibration(p, y)

    def loss(temperature, bias):
        q = np.clip(Calibration(temperature=temperature, bias=bias).apply(p), 1e-7, 1 - 1e-7)
        return -np.mean(np.where(y == 1, np.log(q), np.log1p(-q.astype(float))))

    best = loss(found.temperature, found.bias)
    for dt in (-0.1, 0, 0.1):
        for db in (-0.1, 0, 0.1):
            assert best <= loss(found.temperature + dt, found.bias + db) + 1e-7


def test_what_is_ignored_has_no_say():
    z, y = honest(size=50_000)
    p = sigmoid(2 * z)
    rng = np.random.default_rng(1)
    ignored = rng.random(len(y)) < 0.3
    labels = np.where(ignored, IGNORE, y).astype(np.uint8)
    spoiled = np.where(ignored, 0.999, p)
    assert fit_calibration(spoiled, labels) == fit_calibration(p[~ignored], y[~ignored])


def test_prevalence_of_where_the_probabilities_are_used():
    z, y = honest()
    found = fit_calibration(sigmoid(z), y, prevalence=0.02)
    # Bayes: other odds beforehand shift every logit by the same.
    share = y.mean()
    shift = np.log(0.02 / 0.98) - np.log(share / (1 - share))
    # A logistic model stays one only up to that shift: the slope stays 1.
    assert found.temperature == pytest.approx(1, abs=0.03)
    assert found.bias == pytest.approx(shift, abs=0.05)


def test_saturated_scores():
    z, y = honest(size=100_000)
    hard = sigmoid(40 * z).astype(np.float32)
    assert ((hard == 0) | (hard == 1)).mean() > 0.4
    found = fit_calibration(hard, y)
    assert found.temperature > 3
    assert np.isfinite([found.temperature, found.bias]).all()
    before, after = (expected_calibration_error(p, y) for p in (hard, found.apply(hard)))
    assert after < 0.5 * before


@pytest.mark.parametrize("label", [0, 1, IGNORE])
def test_one_class_leaves_probabilities_as_they_are(label):
    p = np.linspace(0, 1, 64)
    assert fit_calibration(p, np.full(64, label, np.uint8)) == Calibration()


@pytest.mark.parametrize("useless", [np.full(1000, 0.3), np.tile([0.1, 0.9], 500)])
def test_scores_that_say_nothing_stay_finite(useless):
    y = np.zeros(1000, np.uint8)
    y[:100] = 1
    found = fit_calibration(useless, y)
    assert found.temperature > 0
    np.testing.assert_allclose(found.apply(useless), 0.1, atol=0.01)


def test_classes_that_never_mix_stay_finite():
    y = np.repeat([0, 1], 50).astype(np.uint8)
    found = fit_calibration(np.where(y == 1, 0.6, 0.4), y)
    assert np.isfinite([found.temperature, found.bias]).all()
    assert found.temperature > 0


def test_order_of_pixels_stays():
    z, y = honest(size=5000)
    p = sigmoid(3 * z + 1)
    after = fit_calibration(p, y).apply(p)
    assert (np.diff(after[np.argsort(p)]) >= 0).all()


def test_error_of_equal_width_bins_by_hand():
    rng = np.random.default_rng(2)
    p, y = rng.random(20_000), (rng.random(20_000) < 0.3).astype(np.uint8)
    expected = 0.0
    for k in range(20):
        here = (p >= k / 20) & ((p < (k + 1) / 20) | (k == 19))
        expected += here.mean() * abs(p[here].mean() - y[here].mean())
    # Within a millionth of a bin's edge a pixel may count to the next.
    assert expected_calibration_error(p, y) == pytest.approx(expected, abs=1e-4)


def test_error_of_equal_mass_bins_by_hand():
    rng = np.random.default_rng(3)
    p, y = rng.random(20_000) ** 2, (rng.random(20_000) < 0.3).astype(np.uint8)
    order = np.argsort(p)
    expected = np.mean([abs(p[i].mean() - y[i].mean()) for i in np.split(order, 20)])
    found = expected_calibration_error(p, y, equal="mass")
    assert found == pytest.approx(expected, abs=2e-3)
    counts = [b.count for b in reliability(Histogram.of(p, y), equal="mass")]
    assert len(counts) == 20
    # Bins of the histogram are not cut in two: the first holds a thirtieth of these.
    assert max(counts) < 2.2 * min(counts)


def test_brier_and_diagram_by_hand():
    p = np.array([0.0, 0.12, 0.13, 0.9, 1.0, 0.7])
    y = np.array([0, 0, 1, 1, 1, IGNORE], np.uint8)
    histogram = Histogram.of(p, y)
    errors = (p[:5] - y[:5]) ** 2
    assert brier_score(histogram) == pytest.approx(errors.mean())
    found = [(b.count, b.probability, b.observed) for b in reliability(histogram, bins=10)]
    assert found == [
        pytest.approx(point)
        for point in [(1, 0.0, 0.0), (2, 0.125, 0.5), (2, 0.95, 1.0)]
    ]  # fmt: skip


def test_nothing_at_all_has_no_error():
    assert calibration_error(Histogram.empty()) == 0
    assert brier_score(Histogram.empty()) == 0
