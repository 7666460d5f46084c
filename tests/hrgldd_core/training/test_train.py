"""``hrgldd train``: a folder that ``--model`` takes, or a refusal."""

from __future__ import annotations

import numpy as np
import pytest

from hrgldd_core.dataset.patches import open_patches
from hrgldd_core.errors import HrglddError, InputError
from hrgldd_core.models.store import open_model
from hrgldd_core.training.fit import fit
from hrgldd_core.training.job import split_for_validation
from hrgldd_core.training.recipe import RECIPES, read_recipe
from tests.support import assert_refused, hrgldd, tree

TINY = ("--recipe", "paper", "--filters", "2", "--batch-size", "8", "--epochs", "1", "--seed", "5")


def save(path, count=16, side=32, **more):
    rng = np.random.default_rng(0)
    images = rng.integers(1, 200, (count, side, side, 3), np.uint8)
    labels = (images[..., 2] > 150).astype(np.uint8)
    np.savez(path, X=images, Y=labels, **more)
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return save(tmp_path_factory.mktemp("data") / "patches.npz")


@pytest.fixture(scope="module")
def trained(tmp_path_factory, data):
    out = tmp_path_factory.mktemp("trained") / "model"
    done = hrgldd("train", "--data", data, *TINY, "--out", out, "--json")
    assert done.code == 0, done.err
    return out, done


def test_trained_folder_is_a_model(trained, data, tmp_path):
    out, done = trained
    spec = open_model(str(out)).spec
    assert (spec.architecture, spec.filters, spec.bands) == ("unet", 2, ("blue", "green", "red"))
    assert spec.normalisation.method == "none"
    assert spec.training["seed"] == 5
    assert len(spec.training["sha256"]) == 64
    assert spec.training["recipe"]["epochs"] == 1
    assert spec.validation["n_patches"] == 3
    assert done.document["threshold"] == spec.threshold
    assert "history" in "".join(p.name for p in out.iterdir())
    words = ("--model", out, "--data", data, "--out", tmp_path / "scores", "--json")
    assert hrgldd("evaluate", *words).document["n_patches"] == 16


def test_the_last_lines_say_which_patches_are_which(trained, data):
    done = hrgldd("train", "--data", data, *TINY, "--out", trained[0])
    assert done.out.splitlines()[0] == "trained on 13 patches, validated on 3: on those"


def test_trained_model_maps(trained, plain_scene, tmp_path):
    words = ("--scene", plain_scene, "--bands", "blue,green,red", "--model", trained[0])
    done = hrgldd("map", *words, "--out", tmp_path / "out")
    assert done.code == 0, done.err
    assert (tmp_path / "out/collection.json").is_file()


def test_same_seed_same_model(trained, data, tmp_path):
    assert hrgldd("train", "--data", data, *TINY, "--out", tmp_path / "again").code == 0
    one, other = (open_model(str(p)).load().get_weights() for p in (trained[0], tmp_path / "again"))
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_model_there_already(trained, data):
    before = tree(trained[0])
    done = hrgldd("train", "--data", data, *TINY, "--filters", 3, "--out", trained[0])
    assert_refused(done, r"of another training \(filters 2 there, 3 here\)", "another --out")
    again = hrgldd("train", "--data", data, *TINY, "--out", trained[0], "--json")
    assert (again.code, again.document) == (0, trained[1].document)
    assert tree(trained[0]) == before


@pytest.mark.parametrize(
    ("words", "pattern"),
    [
        (("--model", "unett"), "Did you mean 'unet'"),
        (("--recipe", "best"), "default or paper"),
        (("--learning-rate", "0"), "learning_rate"),
        (("--learning-rate", "nan"), "learning_rate"),
        (("--data", "absent.npz"), "no such file"),
    ],
)
def test_refusals(data, tmp_path, words, pattern):
    done = hrgldd("train", "--data", data, *TINY, *words, "--out", tmp_path / "out")
    assert_refused(done, pattern)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "pattern"),
    [("name: x\nepochs: many", "epochs is 'many'. Give a whole number"),
     ("name: x\nnormalisation: robust", "normalisation is 'robust'. Give a mapping with method"),
     ("name: x\nfilter: 3", r"'filter' is no field. Did you mean 'filters'\?$"),
     ("epochs: [", "not a recipe"), ("- a", "not a recipe"), ("name: x\nepoch: 3", "epoch"),
     ("epochs: 3", "name"), ("name: x\nloss: hinge", "loss"), ("", "not a recipe")],
)  # fmt: skip
def test_recipe_files_that_say_nothing_sensible(tmp_path, text, pattern):
    path = tmp_path / "r.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=pattern):
        read_recipe(str(path))


def test_recipes_and_changes():
    for name in RECIPES:
        assert read_recipe(name).name == name
    changed = read_recipe("paper", epochs=3, filters=None)
    assert (changed.epochs, changed.filters) == (3, 16)
    # Paper, table 3: batch 16, Adam, 5e-4.
    paper = read_recipe("paper")
    assert (paper.batch_size, paper.optimizer, paper.learning_rate) == (16, "adam", 5e-4)
    assert (paper.loss, paper.normalisation.method) == ("dice", "none")


def test_nothing_to_learn(tmp_path):
    path = tmp_path / "empty.npz"
    np.savez(path, X=np.ones((16, 32, 32, 3), np.uint8), Y=np.zeros((16, 32, 32), np.uint8))
    done = hrgldd("train", "--data", path, *TINY, "--out", tmp_path / "out")
    assert_refused(done, "not one landslide pixel in 13 training patches", "labels are 1")
    assert not (tmp_path / "out").exists()


def test_a_failed_training_leaves_no_folder(data, tmp_path):
    words = ("--epochs", 2, "--learning-rate", 3e38)
    done = hrgldd("train", "--data", data, *TINY, *words, "--out", tmp_path / "new" / "out")
    assert_refused(done, "the loss became nan")
    assert not (tmp_path / "new").exists()


def test_one_patch_cannot_be_split(tmp_path):
    with pytest.raises(InputError, match="one patch cannot be split"):
        split_for_validation(str(save(tmp_path / "a.npz", count=1)), 0)


def test_sites_stay_together_in_the_split(tmp_path):
    sites = np.repeat([1, 2, 3, 4, 5], [8, 3, 2, 2, 1])
    learning, held, how = split_for_validation(str(save(tmp_path / "a.npz", block=sites)), 0)
    assert not set(learning.groups) & set(held.groups)
    assert len(learning) + len(held) == 16
    assert "sites" in how


def test_published_folder_brings_its_own_split(tmp_path):
    for name, count in (("train", 4), ("val", 2), ("test", 3)):
        with np.load(save(tmp_path / f"{name}.npz", count=count)) as arrays:
            np.save(tmp_path / f"{name}X.npy", arrays["X"])
            np.save(tmp_path / f"{name}Y.npy", arrays["Y"])
    learning, held, _ = split_for_validation(str(tmp_path), 0)
    # The test arrays are for testing.
    assert (len(learning), len(held)) == (4, 2)


def test_loss_that_is_no_number_says_what_to_do(data):
    recipe = read_recipe("paper", filters=2, batch_size=8, epochs=3, learning_rate=3e38)
    message = r"loss became nan in epoch \d, step \d, at a learning rate of 3e\+38.*Lower --learn"
    with pytest.raises(HrglddError, match=message):
        fit(recipe, open_patches(str(data)))
