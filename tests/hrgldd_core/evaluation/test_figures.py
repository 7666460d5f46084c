"""Counts, ratios, thresholds and intervals, against counting by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hrgldd_core.dataset.patches import IGNORE, open_patches
from hrgldd_core.evaluation.confusion import Confusion
from hrgldd_core.evaluation.threshold import best_threshold, bootstrap_f1, patch_confusions

PIXELS = hnp.arrays(np.uint8, hnp.array_shapes(max_dims=3, max_side=8), elements=st.integers(0, 1))


@given(st.data(), PIXELS)
def test_counts_are_those_of_a_loop(data, truth):
    predicted = data.draw(hnp.arrays(np.uint8, truth.shape, elements=st.integers(0, 1)))
    counted = data.draw(hnp.arrays(np.bool_, truth.shape))
    expected = {"tp": 0, "fp": 0, "fn": 0, "tn": 0}
    for t, p, c in zip(truth.flat, predicted.flat, counted.flat, strict=True):
        if c:
            expected[("t" if t == p else "f") + ("p" if p else "n")] += 1
    assert Confusion.of(truth, predicted, counted=counted) == Confusion(**expected)
    everywhere = Confusion.of(truth, predicted)
    assert everywhere == Confusion.of(truth, predicted, counted=counted) + Confusion.of(
        truth, predicted, counted=~counted
    )


def test_ratios():
    counts = Confusion(tp=30, fp=10, fn=20, tn=40)
    assert counts.precision == 30 / 40
    assert counts.recall == 30 / 50
    assert counts.f1 == pytest.approx(2 * 0.75 * 0.6 / (0.75 + 0.6))
    assert counts.iou == 30 / 60


@pytest.mark.parametrize("counts", [Confusion(), Confusion(tn=9), Confusion(fp=3), Confusion(fn=3)])
def test_ratios_of_nothing_are_zero(counts):
    assert counts.f1 == counts.iou == counts.precision == counts.recall == 0


@pytest.mark.parametrize("seed", range(5))
def test_best_threshold_is_the_best_of_all(seed):
    rng = np.random.default_rng(seed)
    labels = (rng.random((4, 32, 32)) < 0.2).astype(np.uint8)
    probability = np.clip(labels * 0.3 + rng.normal(0.35, 0.15, labels.shape), 0, 1)
    labels[rng.random(labels.shape) < 0.1] = IGNORE
    threshold, f1 = best_threshold(probability, labels)
    known = labels != IGNORE
    # Probabilities are stored in steps of 1/250.
    levels = np.rint(probability * 250)
    scores = {
        level / 250: Confusion.of(labels == 1, levels >= level, counted=known).f1
        for level in range(1, 250)
    }
    assert f1 == pytest.approx(max(scores.values()))
    assert scores[threshold] == pytest.approx(f1)


@pytest.mark.parametrize("label", [0, 1, IGNORE])
def test_best_threshold_lies_between_0_and_1_whatever_the_labels(label):
    probability = np.linspace(0, 1, 64).reshape(1, 8, 8)
    threshold, f1 = best_threshold(probability, np.full((1, 8, 8), label, np.uint8))
    assert 0 < threshold < 1
    assert 0 <= f1 <= 1


def test_pixels_to_ignore_count_nowhere():
    labels = np.array([[[1, 0], [IGNORE, IGNORE]]], np.uint8)
    probability = np.array([[[0.9, 0.2], [0.9, 0.1]]], np.float32)
    assert patch_confusions(probability, labels, 0.5) == [Confusion(tp=1, tn=1)]


def test_threshold_is_inclusive():
    labels = np.ones((1, 1, 1), np.uint8)
    at = np.full((1, 1, 1), 0.7, np.float32)
    assert patch_confusions(at, labels, 0.7) == [Confusion(tp=1)]
    assert patch_confusions(at, labels, 0.71) == [Confusion(fn=1)]


def test_interval_holds_the_figure_and_narrows_with_more_patches():
    rng = np.random.default_rng(0)
    counts = [Confusion(*rng.integers(1, 100, 4).tolist()) for _ in range(400)]
    few, many = bootstrap_f1(counts[:20]), bootstrap_f1(counts)
    total = sum(counts, Confusion()).f1
    assert many[0] < total < many[1]
    assert many[1] - many[0] < 0.5 * (few[1] - few[0])
    assert bootstrap_f1(counts[:20]) == few
    assert bootstrap_f1(counts[:20], seed=1) != few


def test_interval_of_patches_that_are_all_alike_is_a_point():
    low, high = bootstrap_f1([Confusion(30, 10, 20, 40)] * 9)
    assert low == pytest.approx(high) == pytest.approx(2 / 3)


# F1 of the landslide class over all pixels of the 241 patches that are here; on all 355 of the
# published test set they are 0.704 (ADSMS), 0.677 (Attn-Res), 0.706 (Attn), 0.664 (Res), 0.674.
PUBLISHED = {
    "ADSMS_U_Net": 0.6991,
    "Attn_ResU_Net": 0.6740,
    "Attn_U_Net": 0.7115,
    "ResU_Net": 0.6629,
    "U_Net": 0.6676,
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_predictions_score_what_they_are_known_to(shared_data, name):
    with np.load(shared_data / "hrgldd/patches_dev.npz") as patches:
        truth = patches["Y"]
    with np.load(shared_data / "hrgldd/published_predictions_dev.npz") as predictions:
        predicted = predictions[f"pred_{name}"]
    assert Confusion.of(truth, predicted).f1 == pytest.approx(PUBLISHED[name], abs=5e-4)


def test_real_patches_open(shared_data):
    patches = open_patches(str(shared_data / "hrgldd/patches_dev.npz"))
    assert len(patches) == 241
    assert patches.bands == ("blue", "green", "red")
    assert set(np.unique(patches.groups)) == {0, 1, 2, 4, 6, 7, 8}
    assert set(np.unique(patches.labels)) == {0, 1, IGNORE}
