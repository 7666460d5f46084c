"""Several looks at a window: mean and deviation over sides, put back in place, and over models."""

import json

import numpy as np
import pytest

from hrgldd_core.mapping.tta import combined
from tests.support import hrgldd, raster_of, texture, write_raster

SIDES = {"flips": 4, "dihedral": 8}


def ramp(x):
    """Depends on the place in the window alone: not the same from any two sides."""
    n, height, width = x.shape[:3]
    row, column = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
    return np.broadcast_to((row + 100 * column).astype(np.float32), (n, height, width))


@pytest.fixture
def window():
    return np.random.default_rng(0).random((2, 16, 32, 3), np.float32)


@pytest.mark.parametrize("tta", SIDES)
def test_every_side_counts_once(window, tta):
    seen = []

    def remember(x):
        seen.append(x)
        return x[..., 0]

    combined([remember], tta)(window)
    assert len({x.tobytes() + bytes(x.shape) for x in seen}) == len(seen) == SIDES[tta]


@pytest.mark.parametrize("tta", SIDES)
def test_model_of_single_pixels_does_not_change(window, tta):
    found = combined([lambda x: x[..., 1]], tta)(window)
    np.testing.assert_allclose(found[:, 0], window[..., 1], rtol=1e-6)
    np.testing.assert_allclose(found[:, 1], 0, atol=1e-3)


def test_what_depends_on_the_side_is_evened_out(window):
    flips = combined([ramp], "flips")(window)[:, 0]
    np.testing.assert_allclose(flips, 7.5 + 100 * 15.5)
    dihedral = combined([ramp], "dihedral")(window)[:, 0]
    np.testing.assert_allclose(dihedral, (7.5 + 100 * 15.5) / 2 + (15.5 + 100 * 7.5) / 2)


def test_none_is_the_runtime_itself():
    assert combined([ramp], "none") is ramp


def test_uncertainty_is_the_deviation_over_models_and_sides(window):
    def low(x):
        return np.full(x.shape[:3], 0.2, np.float32)

    def high(x):
        return np.full(x.shape[:3], 0.6, np.float32)

    for tta in ("none", "flips"):
        found = combined([low, high], tta)(window)
        assert found.shape == (2, 2, 16, 32)
        np.testing.assert_allclose(found[:, 0], 0.4, rtol=1e-6)
        np.testing.assert_allclose(found[:, 1], 0.2, rtol=1e-5)
    assert (combined([ramp], "flips")(window)[:, 1] > 0).any()


def test_map_with_tta(tmp_path, random_model):
    scene = write_raster(tmp_path / "s.tif", texture((300, 200)))
    levels, runs = {}, set()
    for tta in ("none", "flips", "dihedral"):
        out = tmp_path / tta
        words = ("--scene", scene, "--bands", "blue,green,red", "--model", random_model)
        found = hrgldd("map", *words, "--out", out, "--tta", tta, "--json")
        assert found.code == 0, found.err
        levels[tta] = raster_of(out / "probability" / "s.tif")
        manifest = json.loads((out / "manifest.json").read_text())
        assert manifest["parameters"]["tta"] == tta
        runs.add(manifest["run_id"])
    assert len(runs) == 3
    assert (levels["flips"] != levels["none"]).any()
    # Evened out: a mean varies less than what it is of.
    assert levels["dihedral"].std() < levels["flips"].std() < levels["none"].std()


def test_unknown_tta_is_refused(tmp_path, random_model):
    scene = write_raster(tmp_path / "s.tif", texture((64, 64)))
    words = ("--scene", scene, "--bands", "blue,green,red", "--model", random_model)
    found = hrgldd("map", *words, "--out", tmp_path / "out", "--tta", "spin")
    assert found.code == 2
    assert "'spin' is not one of" in found.err
    assert not (tmp_path / "out").exists()
