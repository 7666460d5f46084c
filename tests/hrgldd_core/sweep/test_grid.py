"""Grids: the paper's, one's own, and what is refused before anything is trained."""

from __future__ import annotations

from collections import Counter

import pytest

from hrgldd_core.models.registry import MODEL_NAMES
from hrgldd_core.sweep.grid import Grid, read_grid
from tests.hrgldd_core.sweep.sample import write_data, write_grid
from tests.support import assert_refused, hrgldd


def test_the_paper_s_grid():
    recipes = read_grid("paper").recipes()
    assert len(recipes) == 320
    assert Counter(r.model for r in recipes) == dict.fromkeys(MODEL_NAMES, 64)
    assert len({(r.model, r.filters, r.batch_size, r.learning_rate) for r in recipes}) == 320
    for field, values in (
        ("filters", {8, 16, 32, 64}),
        ("batch_size", {8, 16, 32, 64}),
        ("learning_rate", {5e-4, 1e-3, 5e-5, 1e-4}),
    ):
        assert {getattr(r, field) for r in recipes} == values
    # Nothing else differs, but for the loss of the model with several outputs.
    assert {(r.model == "adsms_unet", r.loss) for r in recipes} == {
        (True, "tversky"), (False, "dice")
    }  # fmt: skip
    rest = {"model", "filters", "batch_size", "learning_rate", "loss"}
    assert len({r.model_dump_json(exclude=rest) for r in recipes}) == 1


def test_all_runs_are_validated_on_the_same_patches():
    recipes = Grid(name="seeds", axes={"seed": [1, 2, 3]}).recipes()
    assert [r.seed for r in recipes] == [1, 2, 3]
    assert {r.split_seed for r in recipes} == {0}
    assert [r.split_seed for r in Grid(name="s", axes={"split_seed": [4, 5]}).recipes()] == [4, 5]


def test_axes_changes_and_changes_of_a_model():
    grid = Grid(
        name="g",
        changes={"epochs": 3, "dropout": 0.1},
        axes={"model": ["unet", "res_unet"], "augmentation.zoom": [0.0, 0.2]},
        of_model={"res_unet": {"dropout": 0.4}},
    )
    found = [(r.model, r.augmentation.zoom, r.dropout, r.epochs) for r in grid.recipes()]
    assert found == [
        ("unet", 0.0, 0.1, 3), ("unet", 0.2, 0.1, 3), ("res_unet", 0.0, 0.4, 3),
        ("res_unet", 0.2, 0.4, 3),
    ]  # fmt: skip


def test_equal_runs_are_one_and_no_axis_is_one_run():
    assert len(Grid(name="g", axes={"learning_rate": [1e-3, 0.001, 1e-4]}).recipes()) == 2
    assert len(Grid(name="g").recipes()) == 1


@pytest.mark.parametrize(
    ("changes", "pattern"),
    [
        (
            {"axes": {"learning_rte": [1e-3]}},
            "'learning_rte' is no field.*Did you mean 'learning_rate'\\?$",
        ),
        ({"axes": {"augmentation.zom": [1]}}, r"zom' is no field.*'augmentation\.zoom'"),
        ({"changes": {"patince": 3}}, "'patince' is no field.*'patience'"),
        ({"of_model": {"unet": {"los": "dice"}}}, "'los' is no field.*'loss'"),
        ({"of_model": {"unett": {"loss": "dice"}}}, "Did you mean 'unet'"),
        ({"axes": {"loss": ["dice"]}, "of_model": {"unet": {"loss": "dice"}}}, "cannot change los"),
        ({"axes": {"learning_rate": [1e-3, -1]}}, "learning_rate is -1.*greater than 0"),
        ({"axes": {"learning_rate": [float("inf")]}}, "learning_rate is inf. Give a finite"),
        ({"axes": {"augmentation.zoom": [-1]}}, "zoom cannot be -1"),
        ({"axes": {"loss": ["hinge"]}}, "loss is 'hinge'. Choose .*'dice'"),
        ({"axes": {"model": ["unet", "unett"]}}, "no model 'unett'.*Did you mean 'unet'"),
        ({"axes": {"filters": []}}, "axis filters has no values"),
        ({"axes": {}}, "has no axes.*Give axes"),
        ({"axes": {"filters": 8}}, "axes.filters is 8. Give a list"),
        ({"axs": {"filters": [8]}}, "'axs' is no field.*'axes'"),
        ({"recipe": "best"}, "no recipe 'best'"),
    ],
)
def test_grids_that_are_refused(tmp_path, changes, pattern):
    grid = write_grid(tmp_path / "grid.yaml", **changes)
    words = ("--grid", grid, "--data", write_data(tmp_path / "d.npz"))
    assert_refused(hrgldd("sweep", *words, "--out", tmp_path / "out"), pattern)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "text", [b"axes: [", b"- a", b"", b"axes: {}", b"\xff\xfe\x00", b"\x89PNG"]
)
def test_files_that_are_no_grid(tmp_path, text):
    path = tmp_path / "grid.yaml"
    path.write_bytes(text)
    done = hrgldd("sweep", "--grid", path, "--data", "d.npz", "--out", tmp_path / "out")
    assert_refused(done, "is not a grid|name is missing. Add name")


def test_unknown_grid(tmp_path):
    done = hrgldd("sweep", "--grid", "papr", "--data", "d.npz", "--out", tmp_path / "out")
    assert_refused(done, "no grid 'papr'.*paper.*YAML")
