"""Statistics of patches and sites: of all pixels where that is cheap, of a lattice beyond."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hrgldd_core.dataset import radiometry
from hrgldd_core.dataset.patches import IGNORE, PatchSet
from hrgldd_core.dataset.radiometry import (
    normalise_patches,
    normalised_batches,
    patch_and_site_statistics,
    patch_statistics,
)
from hrgldd_core.normalise import BandStatistics, Normalisation, band_statistics


def patches(count=12, side=64):
    rng = np.random.default_rng(0)
    groups = np.arange(count) % 3
    images = rng.normal(1000, 100, (count, side, side, 3)) + 500 * groups[:, None, None, None]
    labels = (images[..., 2] > 1700).astype(np.uint8)
    labels[:, :9] = IGNORE
    images[:, :9] = 1e6
    return PatchSet(images.astype(np.float32), labels, groups, ("blue", "green", "red"))


def close(a, b, *, by):
    for found, expected in zip(a, b, strict=True):
        np.testing.assert_allclose(found.center, expected.center, atol=by)
        np.testing.assert_allclose(found.scale, expected.scale, atol=by)


def whole(data):
    """Of all usable pixels of each patch's site."""
    of = {
        g: band_statistics(data.images[data.groups == g][data.labels[data.groups == g] != IGNORE])
        for g in np.unique(data.groups)
    }
    return [of[g] for g in data.groups]


def test_a_small_set_is_described_by_every_pixel():
    own, site = patch_and_site_statistics(patches())
    assert site == whole(patches())
    assert own == [
        band_statistics(x[y != IGNORE])
        for x, y in zip(patches().images, patches().labels, strict=True)
    ]


def test_a_large_set_is_described_by_a_lattice(monkeypatch):
    monkeypatch.setattr(radiometry, "_SAMPLE_BYTES", 3 * 8 * 3 * 2000)
    sampled = patch_statistics(patches(), of="group")
    assert sampled != whole(patches())
    close(sampled, whole(patches()), by=12)
    assert sampled == patch_statistics(patches(), of="group")


def test_what_is_known_of_the_scene_is_taken():
    known = tuple(BandStatistics((float(i),) * 3, (1.0,) * 3) for i in range(12))
    data = replace(patches(), statistics=known)
    assert patch_statistics(data, of="group") == list(known)
    assert patch_and_site_statistics(data)[1] == list(known)
    assert patch_statistics(data.subset([5, 2]), of="group") == [known[5], known[2]]
    red = data.with_bands(("red",))
    assert patch_statistics(red, of="group")[4] == BandStatistics((4.0,), (1.0,))


def test_a_site_of_which_nothing_is_usable():
    data = patches()
    data.labels[data.groups == 1] = IGNORE
    found = patch_statistics(data, of="group")
    assert found[1] == band_statistics(data.images[data.groups == 1].reshape(-1, 3))


@pytest.mark.parametrize("of", ["patch", "group"])
@pytest.mark.parametrize("size", [1, 5, 64])
def test_batches_together_are_the_whole(of, size):
    data, normalisation = patches(), Normalisation()
    parts = list(normalised_batches(data, normalisation, of=of, size=size))
    assert max(map(len, parts)) <= size
    np.testing.assert_array_equal(
        np.concatenate(parts), normalise_patches(data, normalisation, of=of)
    )


def test_raw_values_pass_through():
    out = normalise_patches(patches(), Normalisation("none"), of="group")
    np.testing.assert_array_equal(out, patches().images)
