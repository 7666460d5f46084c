"""Cross-validation over sites: nothing of a site is learnt before it is scored."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from hrgldd_core.dataset.patches import PatchSet
from hrgldd_core.evaluation.threshold import best_threshold
from hrgldd_core.training import fit
from hrgldd_core.training.bundled import calibration_errors, site_figures
from hrgldd_core.training.crossval import cross_validate
from hrgldd_core.training.recipe import read_recipe

COUNTS = {0: 4, 1: 25, 2: 22, 5: 3}


def patches(side=16):
    groups = np.repeat(list(COUNTS), list(COUNTS.values()))
    rng = np.random.default_rng(0)
    images = rng.integers(1, 200, (len(groups), side, side, 3)).astype(np.uint8)
    return PatchSet(
        images, (images[..., 2] > 150).astype(np.uint8), groups, ("blue", "green", "red")
    )


@pytest.fixture
def trained(monkeypatch):
    """Instead of training: what would have been trained on; the score is the number of it."""
    calls = []

    def note(recipe, learning, *, validation=None):
        calls.append((learning, validation))
        return SimpleNamespace(model=len(calls))

    monkeypatch.setattr(fit, "fit", note)
    monkeypatch.setattr(
        fit, "predict_patches", lambda model, x: np.full(x.shape[:3], model, np.float32)
    )
    return calls


def test_no_site_is_scored_by_a_model_that_has_seen_it(trained, tmp_path):
    data = patches()
    left_out = cross_validate(read_recipe("default"), data, tmp_path)
    assert len(left_out.seconds) == len(trained) == 3
    assert not np.isnan(left_out.score).any()
    for site in COUNTS:
        (number,) = np.unique(left_out.score[data.groups == site])
        learning, validation = trained[int(number) - 1]
        assert site not in learning.groups
        assert validation is None
    # Small sites are left out together, each of the large ones alone.
    assert sorted(len(np.unique(learning.groups)) for learning, _ in trained) == [2, 3, 3]


def test_a_recipe_that_keeps_the_best_epoch_chooses_it_on_patches_of_its_own(trained, tmp_path):
    cross_validate(read_recipe("paper"), patches(), tmp_path)
    for learning, validation in trained:
        together = len(learning) + len(validation)
        missing = set(COUNTS) - set(learning.groups) - set(validation.groups)
        assert together == sum(COUNTS.values()) - sum(COUNTS[site] for site in missing)
        assert len(validation) == pytest.approx(0.2 * together, abs=1)
        seen = np.concatenate([learning.images, validation.images]).reshape(together, -1)
        assert len(np.unique(seen, axis=0)) == together


def test_finished_folds_are_not_trained_again(trained, tmp_path):
    recipe, data = read_recipe("default"), patches()
    first = cross_validate(recipe, data, tmp_path)
    again = cross_validate(recipe, data, tmp_path)
    assert len(trained) == 3
    np.testing.assert_array_equal(first.score, again.score)
    cross_validate(recipe.model_copy(update={"seed": 1}), data, tmp_path)
    assert len(trained) == 6
    cross_validate(recipe, patches(side=32), tmp_path)
    assert len(trained) == 9


@pytest.mark.slow
def test_processes_give_what_one_gives(tmp_path):
    recipe = read_recipe(
        "default", filters=1, epochs=1, steps_per_epoch=1, batch_size=2, generated=0.0
    ).model_copy(update={"precision": "float32"})
    data = patches()
    data = data.subset(np.flatnonzero(np.isin(data.groups, (1, 2))))
    alone = cross_validate(recipe, data, tmp_path / "alone")
    together = cross_validate(recipe, data, tmp_path / "together", workers=2)
    np.testing.assert_allclose(alone.score, together.score, atol=1e-4)
    assert all(s > 0 for s in together.seconds)


def score_of(data, shift):
    """A good score whose threshold differs between sites."""
    rng = np.random.default_rng(1)
    logit = np.where(data.labels == 1, 2.0, -2.0) + rng.normal(0, 1, data.labels.shape)
    logit += shift * (data.groups == 1)[:, None, None]
    return (1 / (1 + np.exp(-3 * logit))).astype(np.float32)


def test_figures_of_a_site_use_thresholds_of_the_others():
    data = patches()
    score = score_of(data, shift=3.0)
    _, figures = site_figures(score, data, prevalence=None)
    thresholds = {site: f["threshold"] for site, f in figures["sites"].items()}
    others = data.groups != 1
    chosen, _ = best_threshold(score[others], np.asarray(data.labels)[others])
    assert thresholds["1"] == pytest.approx(chosen, abs=5e-4)
    assert thresholds["2"] > thresholds["1"]
    assert figures["mean_site_f1"] == pytest.approx(
        np.mean([f["f1"] for f in figures["sites"].values()]), abs=1e-3
    )


def test_calibration_on_other_sites_helps():
    data = patches()
    errors = calibration_errors(score_of(data, shift=0.0), data)
    assert errors["after"] < errors["before"] / 2
