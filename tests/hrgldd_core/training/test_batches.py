"""Batches: chance that repeats itself, labels that stay true."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hrgldd_core.dataset.patches import IGNORE, PatchSet
from hrgldd_core.normalise import BandStatistics, Normalisation, band_statistics
from hrgldd_core.training.augment import Augmentation, seen_statistics, warp
from hrgldd_core.training.batches import TrainingBatches, normalise_patches
from hrgldd_core.training.confusers import draw_confusers

FULL = Augmentation(
    flips=True, zoom=0.3, offset=0.3, gain=0.4, confusers=0.5, blur=0.8, noise=0.1
)  # fmt: skip


def patches(count=6, side=32, groups=(0, 0, 1, 1, 2, 2)):
    rng = np.random.default_rng(0)
    images = rng.integers(1, 240, (count, side, side, 3), np.uint8)
    labels = (images[..., 2] > 200).astype(np.uint8)
    labels[:, :3] = IGNORE
    return PatchSet(images, labels, np.array(groups[:count]), ("blue", "green", "red"))


def batches(data=None, **changes):
    options = {
        "normalisation": Normalisation(), "augmentation": FULL, "batch_size": 5, "steps": 4,
        "seed": 3, **changes,
    }  # fmt: skip
    return TrainingBatches(data or patches(), **options)


def equal(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def test_a_batch_depends_on_seed_epoch_and_number_alone():
    one, other = batches(), batches()
    later = [one[3], one[1]]
    assert equal(other[1], later[1])
    assert equal(other[3], later[0])
    assert not equal(one[1], one[3])
    one.on_epoch_end()
    assert not equal(one[1], later[1])
    other.on_epoch_end()
    assert equal(one[1], other[1])
    assert not equal(batches(seed=4)[1], later[1])


def test_shapes_types_and_labels():
    found = batches()
    assert found.num_batches == 4
    x, y = found[0]
    assert (x.shape, x.dtype) == ((5, 32, 32, 3), np.float32)
    assert (y.shape, y.dtype) == ((5, 32, 32, 1), np.uint8)
    assert set(np.unique(y)) <= {0, 1, IGNORE}
    assert np.isfinite(x).all()


def test_without_augmentation_patches_come_as_they_are():
    one_site = replace(patches(), groups=np.zeros(6, int))
    found = batches(one_site, augmentation=Augmentation(), normalisation=Normalisation("none"))
    x, y = found[0]
    for image, label in zip(x, y[..., 0], strict=True):
        where = [np.array_equal(image, original) for original in one_site.images]
        assert sum(where) == 1
        np.testing.assert_array_equal(label, one_site.labels[where.index(True)])


def test_sites_are_drawn_alike_when_balanced():
    uneven = replace(patches(), groups=np.array([0, 0, 0, 0, 0, 1]))
    uneven.images[...] = uneven.groups[:, None, None, None] + 1
    share = {}
    for balance in (0.0, 1.0):
        found = batches(
            uneven, balance=balance, batch_size=200, augmentation=Augmentation(),
            normalisation=Normalisation("none"),
        )  # fmt: skip
        share[balance] = (found[0][0][:, 0, 0, 0] == 2).mean()
    assert share[0.0] == pytest.approx(1 / 6, abs=0.08)
    assert share[1.0] == pytest.approx(1 / 2, abs=0.1)


def test_generated_patches_are_mixed_in():
    marked = replace(patches(), images=np.full((6, 32, 32, 3), 1000.0))
    found = batches(
        generated=marked, generated_share=0.3, batch_size=200, augmentation=Augmentation(),
        normalisation=Normalisation("none"),
    )  # fmt: skip
    assert (found[0][0][:, 0, 0, 0] == 1000).mean() == pytest.approx(0.3, abs=0.1)


@pytest.mark.parametrize("of", ["patch", "group"])
def test_statistics_of_a_patch_or_of_its_site(of):
    data = patches()
    out = normalise_patches(data, Normalisation(), of=of)
    seen = data.labels != IGNORE
    assert (out[~seen] == 0).all()
    for i in range(len(data)):
        here = data.groups == data.groups[i] if of == "group" else np.arange(6) == i
        statistics = band_statistics(data.images[here][seen[here]])
        expected = Normalisation().apply(data.images[i], statistics)
        np.testing.assert_array_equal(out[i][seen[i]], expected[seen[i]])


def test_geometry_moves_image_and_label_together():
    rng = np.random.default_rng(5)
    label = np.zeros((64, 64), np.uint8)
    label[20:44, 12:30] = 1
    image = label[..., None].repeat(2, -1).astype(np.float32)
    changed = 0
    for _ in range(20):
        x, y = warp(image, label, Augmentation(flips=True, zoom=0.3), rng)
        assert x.shape == image.shape
        # Half a pixel of interpolation along the outline is all that may differ.
        assert (np.rint(x[..., 0]) != y).mean() < 0.02
        changed += not np.array_equal(y, label)
    assert changed > 15


def test_no_strength_no_change():
    image = np.random.default_rng(0).normal(size=(16, 16, 3)).astype(np.float32)
    label = np.zeros((16, 16), np.uint8)
    x, y = warp(image, label, Augmentation(), np.random.default_rng(1))
    np.testing.assert_array_equal(x, image)
    np.testing.assert_array_equal(y, label)
    statistics = BandStatistics((1.0, 2.0), (3.0, 4.0))
    same = seen_statistics(statistics, statistics, Augmentation(), np.random.default_rng(1))
    np.testing.assert_allclose((same.center, same.scale), (statistics.center, statistics.scale))


def test_jitter_stays_positive_and_of_the_stated_strength():
    statistics, rng = BandStatistics((100.0,) * 3, (10.0,) * 3), np.random.default_rng(2)
    drawn = [seen_statistics(statistics, statistics, FULL, rng) for _ in range(500)]
    scale = np.array([d.scale for d in drawn])
    assert (scale >= 10 * np.exp(-0.4) - 1e-9).all()
    assert (scale <= 10 * np.exp(0.4) + 1e-9).all()
    shift = (np.array([d.center for d in drawn]) - 100) / 10
    assert abs(shift.mean()) < 0.05
    assert 0.1 < shift.std() < 0.3


@pytest.mark.parametrize("seed", range(12))
def test_confusers_never_touch_a_landslide(seed):
    rng = np.random.default_rng(seed)
    image = rng.normal(size=(64, 64, 4)).astype(np.float32)
    label = np.zeros((64, 64), np.uint8)
    label[10:30, 20:45] = 1
    label[50:, :8] = IGNORE
    before = image.copy()
    out = draw_confusers(image, label, ("blue", "green", "red", "nir"), rng)
    np.testing.assert_array_equal(image, before)
    np.testing.assert_array_equal(out[label != 0], image[label != 0])
    assert np.isfinite(out).all()
    assert out.dtype == np.float32


def test_confusers_do_draw_something():
    rng = np.random.default_rng(0)
    image, label = np.zeros((64, 64, 3), np.float32), np.zeros((64, 64), np.uint8)
    drawn = [draw_confusers(image, label, ("blue", "green", "red"), rng) for _ in range(12)]
    assert sum(bool((d != 0).any()) for d in drawn) > 8


def test_statistics_lie_between_those_of_patch_and_site():
    own, site = BandStatistics((0.0,), (1.0,)), BandStatistics((1.0,), (3.0,))
    rng = np.random.default_rng(0)
    assert seen_statistics(own, site, Augmentation(), rng) == site
    drawn = [seen_statistics(own, site, Augmentation(local=0.2), rng) for _ in range(2000)]
    towards_site = np.array([s.center[0] for s in drawn])
    assert ((towards_site >= 0) & (towards_site <= 1)).all()
    assert towards_site.mean() == pytest.approx(0.8, abs=0.02)
    np.testing.assert_allclose([s.scale[0] for s in drawn], 1 + 2 * towards_site)
