"""Losses against NumPy, and their gradients against finite differences."""

from __future__ import annotations

import numpy as np
import pytest

from hrgldd_core.dataset.patches import IGNORE
from hrgldd_core.training.losses import (
    LOSSES,
    dice,
    dice_cross_entropy,
    focal_tversky,
    loss_for,
    tversky,
)


def batch(seed=0, ignored=0.2):
    rng = np.random.default_rng(seed)
    labels = (rng.random((2, 8, 8, 1)) < 0.3).astype(np.uint8)
    labels[rng.random(labels.shape) < ignored] = IGNORE
    return labels, rng.uniform(0.02, 0.98, labels.shape).astype(np.float32)


def counted(labels, probability):
    known = labels != IGNORE
    return labels[known].astype(float), probability[known].astype(float)


def numpy_dice(labels, probability):
    y, p = counted(labels, probability)
    return 1 - (2 * (y * p).sum() + 1) / (y.sum() + p.sum() + 1)


def numpy_entropy(labels, probability):
    y, p = counted(labels, probability)
    return -np.where(y == 1, np.log(p), np.log(1 - p)).mean()


def numpy_tversky(labels, probability):
    y, p = counted(labels, probability)
    missed, false = (y * (1 - p)).sum(), ((1 - y) * p).sum()
    return 1 - ((y * p).sum() + 1) / ((y * p).sum() + 0.7 * missed + 0.3 * false + 1)


REFERENCE = {
    "cross_entropy": numpy_entropy,
    "dice": numpy_dice,
    "dice_cross_entropy": lambda y, p: numpy_dice(y, p) + numpy_entropy(y, p) / 2,
    "focal_tversky": lambda y, p: numpy_tversky(y, p) ** 0.75,
    "tversky": numpy_tversky,
    "tversky_cross_entropy": lambda y, p: numpy_tversky(y, p) + numpy_entropy(y, p) / 2,
}


def test_every_loss_has_a_reference():
    assert LOSSES.keys() == REFERENCE.keys()


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("ignored", [0, 0.2, 0.9])
def test_value(name, ignored):
    labels, probability = batch(ignored=ignored)
    found = float(LOSSES[name](labels, probability))
    assert found == pytest.approx(REFERENCE[name](labels, probability), rel=1e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_gradient(name):
    import tensorflow as tf

    labels, probability = batch()
    x = tf.constant(probability)
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = LOSSES[name](labels, x)
    gradient = tape.gradient(loss, x).numpy()
    assert (gradient[labels == IGNORE] == 0).all()
    step = 1e-4
    for index in [*np.argwhere(labels == 1)[:3], *np.argwhere(labels == 0)[:3]]:
        moved = [probability.astype(float) for _ in range(2)]
        moved[0][tuple(index)] += step
        moved[1][tuple(index)] -= step
        slope = (REFERENCE[name](labels, moved[0]) - REFERENCE[name](labels, moved[1])) / (2 * step)
        assert gradient[tuple(index)] == pytest.approx(slope, rel=1e-3)


@pytest.mark.parametrize("name", LOSSES)
def test_what_is_predicted_at_ignored_pixels_does_not_matter(name):
    labels, probability = batch()
    other = np.where(labels == IGNORE, np.float32(0.5), probability)
    assert float(LOSSES[name](labels, other)) == float(LOSSES[name](labels, probability))


@pytest.mark.parametrize("name", LOSSES)
def test_nothing_to_learn_from_is_finite(name):
    _, probability = batch()
    for label in (0, IGNORE):
        assert np.isfinite(float(LOSSES[name](np.full(probability.shape, label), probability)))


def test_best_and_worst():
    labels, _ = batch(ignored=0)
    perfect = labels.astype(np.float32)
    assert float(dice(labels, perfect)) == pytest.approx(0, abs=1e-6)
    assert float(dice(labels, 1 - perfect)) > 0.98
    assert float(dice_cross_entropy(labels, perfect)) == pytest.approx(0, abs=1e-4)
    assert np.isfinite(float(dice_cross_entropy(labels, 1 - perfect)))


def test_dice_counts_over_the_batch_and_not_per_patch():
    labels = np.zeros((2, 4, 4, 1), np.uint8)
    labels[0] = 1
    probability = labels.astype(np.float32)
    probability[1, 0] = 1
    together = 1 - (2 * 16 + 1) / (16 + 20 + 1)
    assert float(dice(labels, probability)) == pytest.approx(together)


def test_a_missed_landslide_costs_more_than_a_false_one():
    labels = np.zeros((1, 8, 8, 1), np.uint8)
    labels[:, :4] = 1
    missed, false = labels.astype(np.float32), labels.astype(np.float32)
    missed[:, 3] = 0
    false[:, 4] = 1
    assert float(tversky(labels, missed)) > float(tversky(labels, false))


def test_a_perfect_prediction_has_a_finite_gradient():
    import tensorflow as tf

    labels, _ = batch(ignored=0)
    x = tf.constant(labels.astype(np.float32))
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = focal_tversky(labels, x)
    assert np.isfinite(tape.gradient(loss, x).numpy()).all()


def test_coarser_outputs_meet_coarser_labels():
    labels, _ = batch(ignored=0.1)
    full, half, quarter = loss_for("tversky", 3)
    assert full is LOSSES["tversky"]
    rng = np.random.default_rng(3)
    for loss, step in ((half, 2), (quarter, 4)):
        p = rng.uniform(0.02, 0.98, (2, 8 // step, 8 // step, 1)).astype(np.float32)
        thinned = labels[:, step // 2 :: step, step // 2 :: step]
        assert float(loss(labels, p)) == pytest.approx(numpy_tversky(thinned, p) ** 0.75, rel=1e-5)
    assert loss_for("dice") is dice
