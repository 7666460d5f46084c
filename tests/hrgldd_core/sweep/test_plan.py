"""A sweep, decided: what a run's name depends on, and which shard trains it."""

from __future__ import annotations

import numpy as np
import pytest

from hrgldd_core.errors import InputError
from hrgldd_core.sweep.job import shard_names
from hrgldd_core.sweep.plan import plan_sweep, shard_of
from tests.hrgldd_core.sweep.sample import write_data, write_grid
from tests.support import assert_refused, hrgldd

RATES = [1e-4, 2e-4, 3e-4, 4e-4, 5e-4]


@pytest.fixture
def decide(tmp_path):
    data = write_data(tmp_path / "data.npz")

    def plan(*, prune="none", data=data, name="tiny", **changes):
        grid = write_grid(tmp_path / "grid.yaml", name=name, **changes)
        return plan_sweep(grid=str(grid), data=str(data), out=str(tmp_path / "out"), prune=prune)

    return plan


def ids(plan):
    return [run.id for run in plan.runs]


def test_a_run_is_named_by_what_it_depends_on(decide, tmp_path, monkeypatch):
    axes = {"learning_rate": RATES}
    known = ids(decide(axes=axes))
    assert len(set(known)) == 5
    assert ids(decide(axes=axes, name="other")) == known
    assert ids(decide(axes={"learning_rate": RATES[::-1]})) == known[::-1]
    with np.load(tmp_path / "data.npz") as arrays:
        images, labels, block = arrays["X"].copy(), arrays["Y"], arrays["block"]
    np.savez(tmp_path / "same.npz", X=images, Y=labels, block=block)
    assert ids(decide(axes=axes, data=tmp_path / "same.npz")) == known
    images[0, 0, 0, 0] += 1
    np.savez(tmp_path / "changed.npz", X=images, Y=labels, block=block)
    assert not set(ids(decide(axes=axes, data=tmp_path / "changed.npz"))) & set(known)
    assert not set(ids(decide(axes=axes, prune="median"))) & set(known)
    monkeypatch.setattr("hrgldd_core.sweep.plan.code_version", lambda: "another")
    assert not set(ids(decide(axes=axes))) & set(known)
    assert not (tmp_path / "out").exists()


def test_shards_hold_every_run_once(decide):
    plan = decide(axes={"learning_rate": RATES})
    for count in (1, 2, 3, 5):
        shards = [shard_of(plan, name) for name in shard_names(plan, count)]
        assert sorted(run.id for shard in shards for run in shard) == sorted(ids(plan))
        assert max(map(len, shards)) - min(map(len, shards)) <= 1
    assert shard_names(plan, 99) == [f"{i}/5" for i in range(1, 6)]
    assert shard_names(plan, 0) == ["1/1"]


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "a/b", "1/0", "-1/2", ""])
def test_no_shard(decide, shard):
    with pytest.raises(InputError, match=r"is no shard.*2/8"):
        shard_of(decide(), shard)


def test_unknown_rule_to_prune_by(decide):
    with pytest.raises(InputError, match=r"'best'.*none, median, halving"):
        decide(prune="best")


def test_data_that_no_run_could_learn_from_is_refused_once(tmp_path):
    data = write_data(tmp_path / "bad.npz", bad_label=True)
    grid = write_grid(tmp_path / "grid.yaml")
    done = hrgldd("sweep", "--grid", grid, "--data", data, "--out", tmp_path / "out")
    assert_refused(done, r"bad\.npz")
    assert not (tmp_path / "out").exists()
