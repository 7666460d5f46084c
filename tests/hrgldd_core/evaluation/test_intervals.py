"""Resampling by patches and by sites."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from hrgldd_core.evaluation import intervals
from hrgldd_core.evaluation.confusion import Confusion
from hrgldd_core.evaluation.intervals import interval, resample, site_sums
from hrgldd_core.evaluation.threshold import bootstrap_f1


def table(seed=0, count=60, columns=3):
    return np.random.default_rng(seed).integers(1, 50, (count, columns))


def test_samples_are_sums_of_as_many_rows_drawn_with_replacement():
    ones = np.eye(7, dtype=int)
    drawn = resample(ones, draws=500)
    assert drawn.shape == (500, 7)
    assert (drawn.sum(1) == 7).all()
    assert drawn.max() > 1
    np.testing.assert_allclose(drawn.mean(0), 1, atol=0.15)


def test_mean_and_spread_are_those_of_the_bootstrap():
    values = table()
    drawn = resample(values, draws=4000)
    np.testing.assert_allclose(drawn.mean(0), values.sum(0), rtol=0.01)
    expected = np.sqrt(len(values)) * values.std(0)
    np.testing.assert_allclose(drawn.std(0), expected, rtol=0.06)


def test_memory_is_bounded_without_another_result(monkeypatch):
    values = table()
    whole = resample(values, draws=50)
    monkeypatch.setattr(intervals, "_CELLS", 7 * len(values))
    np.testing.assert_array_equal(resample(values, draws=50), whole)


def test_interval_of_many_patches_fits_in_memory():
    counts = [Confusion(30, 10, 20, 40)] * 5000
    tracemalloc.start()
    bootstrap_f1(counts)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 100e6, "draws x patches would be 160 MB"


def test_same_draws_for_every_table_of_as_many_rows():
    a, b = table(1), table(2)
    together = resample(np.concatenate([a, b], axis=1))
    np.testing.assert_array_equal(together[:, :3], resample(a))
    np.testing.assert_array_equal(together[:, 3:], resample(b))


def test_interval_is_that_of_the_f1_of_patches():
    counts = [Confusion(*row.tolist(), 9) for row in table()]
    samples = resample(np.array([[c.tp, c.fp, c.fn] for c in counts]))
    found = interval(samples, lambda s: 2 * s[:, 0] / (2 * s[:, 0] + s[:, 1] + s[:, 2]))
    assert found == pytest.approx(bootstrap_f1(counts))


def test_sites_add_up():
    values, sites = table(), np.repeat([7, 3, 5], 20)
    sums = site_sums(values, sites)
    for i, site in enumerate((3, 5, 7)):
        assert sums[i].tolist() == values[sites == site].sum(0).tolist()


def test_sites_that_differ_make_the_interval_by_sites_wider():
    rng = np.random.default_rng(0)
    sites = np.repeat(np.arange(6), 50)
    tp = 40 + 8 * sites + rng.integers(0, 5, 300)
    values = np.stack([tp, 100 - tp, np.full(300, 20)], axis=1)

    def f1(sums):
        return 2 * sums[:, 0] / (2 * sums[:, 0] + sums[:, 1] + sums[:, 2])

    by_patch = interval(resample(values), f1)
    by_site = interval(resample(site_sums(values, sites)), f1)
    assert by_site[1] - by_site[0] > 3 * (by_patch[1] - by_patch[0])
