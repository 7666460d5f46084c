"""Precision-recall, average precision and ROC AUC, against counting pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest

from hrgldd_core.dataset.patches import IGNORE
from hrgldd_core.evaluation.curves import (
    average_precision,
    precision_recall,
    roc_auc,
    roc_points,
)
from hrgldd_core.evaluation.histogram import LEVELS, Histogram


def scores(seed, size=3000):
    """Probabilities on the histogram's own steps, so that it loses nothing."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(size) < 0.15).astype(np.uint8)
    raw = np.clip(labels * 0.3 + rng.normal(0.3, 0.2, size), 0, 1)
    labels[rng.random(size) < 0.1] = IGNORE
    return np.rint(raw * LEVELS) / LEVELS, labels


@pytest.mark.parametrize("seed", range(3))
def test_curve_is_that_of_every_threshold(seed):
    p, y = scores(seed)
    curve = precision_recall(Histogram.of(p.astype(np.float32), y))
    known = y != IGNORE
    for threshold, precision, recall in zip(*vars(curve).values(), strict=True):
        mapped = (p >= threshold - 1e-9) & known
        tp = (mapped & (y == 1)).sum()
        assert precision == pytest.approx(tp / mapped.sum())
        assert recall == pytest.approx(tp / (y == 1).sum())
    assert curve.threshold.tolist() == sorted(set(p[known].tolist()), reverse=True)


@pytest.mark.parametrize("seed", range(3))
def test_average_precision_is_the_sum_over_steps_of_recall(seed):
    p, y = scores(seed)
    p, y = p[y <= 1], y[y <= 1] == 1
    expected, before = 0.0, 0.0
    for threshold in sorted(set(p.tolist()), reverse=True):
        mapped = p >= threshold
        recall = (mapped & y).sum() / y.sum()
        expected += (recall - before) * (mapped & y).sum() / mapped.sum()
        before = recall
    found = average_precision(Histogram.of(p, y.astype(np.uint8)))
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_auc_is_the_share_of_pairs_in_the_right_order(seed):
    p, y = scores(seed, size=600)
    high, low = p[y == 1], p[y == 0]
    pairs = (high[:, None] > low).mean() + (high[:, None] == low).mean() / 2
    assert roc_auc(Histogram.of(p, y)) == pytest.approx(pairs)


def test_perfect_and_useless_scores():
    y = np.array([1, 1, 0, 0], np.uint8)
    perfect, useless = Histogram.of(y.astype(float), y), Histogram.of(np.full(4, 0.5), y)
    assert average_precision(perfect) == roc_auc(perfect) == 1
    assert average_precision(useless) == roc_auc(useless) == 0.5


@pytest.mark.parametrize("label", [0, IGNORE])
def test_without_landslides_there_is_no_figure(label):
    histogram = Histogram.of(np.array([0.2, 0.9]), np.full(2, label, np.uint8))
    assert average_precision(histogram) is None
    assert roc_auc(histogram) is None


def test_parts_add_up_to_the_whole():
    p, y = scores(0)
    whole = Histogram.of(p, y)
    parts = Histogram.of(p[:1000], y[:1000]) + Histogram.of(p[1000:], y[1000:])
    for name in ("positive", "negative", "mass", "squared"):
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name))
    assert whole.count == (y <= 1).sum()


def test_thinned_curve_keeps_its_ends_and_lies_on_the_whole_one():
    curve = precision_recall(Histogram.of(*scores(1, size=50_000)))
    thin = curve.thinned(50)
    assert len(thin.recall) <= 50 < len(curve.recall)
    points = set(zip(curve.recall.tolist(), curve.precision.tolist(), strict=True))
    assert points.issuperset(zip(thin.recall.tolist(), thin.precision.tolist(), strict=True))
    assert (thin.recall[0], thin.recall[-1]) == (curve.recall[0], curve.recall[-1])


def test_probabilities_of_float32_reach_their_thresholds():
    p = (np.arange(LEVELS + 1) / LEVELS).astype(np.float32)
    histogram = Histogram.of(p, np.ones(LEVELS + 1, np.uint8))
    assert histogram.positive.tolist() == [1] * (LEVELS + 1)


def test_roc_points_are_those_of_the_pixels():
    rng = np.random.default_rng(3)
    labels = (rng.random((4, 40, 40)) < 0.3).astype(np.uint8)
    score = np.clip(0.3 + 0.3 * labels + rng.normal(0, 0.2, labels.shape), 0, 0.999)
    histogram = Histogram.of(score, labels)
    curve = precision_recall(histogram).thinned()
    positive, negative = int(labels.sum()), int((1 - labels).sum())
    figures = {
        "curve": {k: getattr(curve, k).tolist() for k in ("threshold", "precision", "recall")},
        "confusion": {"tp": positive, "fn": 0, "fp": negative, "tn": 0},
    }
    fpr, tpr, thresholds = roc_points(figures)
    assert len(fpr) == len(tpr) == len(thresholds) == 50
    for false, true, threshold in list(zip(fpr, tpr, thresholds, strict=True))[::7]:
        mapped = score >= threshold
        assert false == pytest.approx(mapped[labels == 0].mean(), abs=1e-3)
        assert true == pytest.approx(mapped[labels == 1].mean(), abs=1e-3)
    assert np.trapezoid(tpr, fpr) == pytest.approx(roc_auc(histogram), abs=0.02)
    nothing = {**figures, "confusion": {"tp": 0, "fn": 0, "fp": 3, "tn": 5}}
    assert roc_points(nothing) == roc_points({**figures, "curve": None}) == ([], [], [])
