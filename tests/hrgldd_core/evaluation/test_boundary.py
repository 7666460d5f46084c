"""Boundary counts against distances measured one by one."""

from __future__ import annotations

import numpy as np
import pytest

from hrgldd_core.evaluation.boundary import boundaries, boundary_counts


def outline(mask, known):
    """Pixels of a mask with a known neighbour (up, down, left, right) outside it."""
    out = set()
    for y, x in np.argwhere(mask & known):
        for v, u in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
            inside = 0 <= v < mask.shape[0] and 0 <= u < mask.shape[1]
            if inside and known[v, u] and not mask[v, u]:
                out.add((int(y), int(x)))
    return out


def near(a, b, tolerance):
    return sum(any((y - v) ** 2 + (x - u) ** 2 <= tolerance**2 for v, u in b) for y, x in a)


@pytest.mark.parametrize("tolerance", [0, 1, 2, 2.5, 3])
@pytest.mark.parametrize("seed", range(3))
def test_counts_are_those_of_measured_distances(seed, tolerance):
    rng = np.random.default_rng(seed)
    truth, mapped = (rng.random((2, 16, 16)) < 0.2 for _ in range(2))
    known = rng.random(truth.shape) < 0.9
    found = boundary_counts(truth, mapped, known, tolerance=tolerance)
    for i in range(2):
        a, b = outline(mapped[i], known[i]), outline(truth[i], known[i])
        assert found[i].tolist() == [
            len(a), near(a, b, tolerance), len(b), near(b, a, tolerance)
        ]  # fmt: skip


def test_edge_of_the_patch_and_of_what_is_known_is_no_boundary():
    full = np.ones((1, 8, 8), bool)
    assert not boundaries(full, full).any()
    known = full.copy()
    known[0, :, 4:] = False
    assert not boundaries(known, known).any()


@pytest.mark.parametrize(("shift", "agrees"), [(0, True), (2, True), (3, False)])
def test_tolerance_of_a_shifted_outline(shift, agrees):
    truth, mapped = np.zeros((1, 24, 24), bool), np.zeros((1, 24, 24), bool)
    truth[0, :, :12] = True
    mapped[0, :, : 12 + shift] = True
    row = boundary_counts(truth, mapped, np.ones_like(truth), tolerance=2)[0]
    assert row.tolist() == [24, 24 * agrees, 24, 24 * agrees]
