"""A model whose every pixel depends on many others."""

from __future__ import annotations

import pytest

from hrgldd_core.models.registry import build_model
from hrgldd_core.models.store import ModelSpec, save_model
from tests.support import BGR


@pytest.fixture(scope="session")
def random_model(tmp_path_factory) -> str:
    """A model folder with random weights."""
    from hrgldd_core.models.backend import keras

    keras.utils.set_random_seed(1)
    folder = str(tmp_path_factory.mktemp("model") / "random")
    spec = ModelSpec(
        id="r", version="1", architecture="unet", bands=BGR, filters=4, batch_norm=True,
        threshold=0.5,
    )  # fmt: skip
    save_model(build_model("unet", bands=3, filters=4, batch_norm=True), spec, folder)
    return folder
