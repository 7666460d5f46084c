"""Shared, expensive things: a tiny model, a tiny event, a finished mapping run."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests.support import BGR, MIDDLE, ROOT, SLOPE, Done, hrgldd, texture, write_raster


@pytest.fixture(scope="session")
def bright_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder whose weights are set by hand: probability is a function of red alone.

    The red band passes the first level's convolutions and its skip connection unchanged, so that
    p = sigmoid(SLOPE (relu(z) - MIDDLE)) of normalised red z at the same pixel: every pixel of a
    map can be computed beside it in NumPy.
    """
    from hrgldd_core.models.registry import build_model
    from hrgldd_core.models.store import ModelSpec, save_model

    model = build_model("unet", bands=3, filters=2)
    for weight in model.weights:
        weight.assign(np.zeros(weight.shape, np.float32))
    for name, channel in (("down0_1", 2), ("down0_2", 0), ("up0_1", 0), ("up0_2", 0)):
        kernel = np.zeros(model.get_layer(f"{name}_conv").kernel.shape, np.float32)
        kernel[1, 1, channel, 0] = 1
        model.get_layer(f"{name}_conv").kernel.assign(kernel)
    last = model.get_layer("probability")
    last.kernel.assign(np.array([SLOPE, 0], np.float32).reshape(1, 1, 2, 1))
    last.bias.assign(np.array([-SLOPE * MIDDLE], np.float32))
    folder = tmp_path_factory.mktemp("model") / "bright"
    spec = ModelSpec(
        id="bright", version="1", architecture="unet", bands=BGR, filters=2, threshold=0.5
    )
    save_model(model, spec, str(folder))
    return folder


@dataclass(frozen=True)
class DemoEvent:
    """An event as the demo prepares it."""

    name: str
    catalogue: Path
    bbox: str
    interval: str
    folder: Path

    def options(self) -> tuple[str, ...]:
        """What to search, as options of ``hrgldd map``."""
        return (
            "--stac", str(self.catalogue), "--bbox", self.bbox, "--datetime", self.interval,
            "--event", self.name,
        )  # fmt: skip


@pytest.fixture(scope="session")
def event(tmp_path_factory: pytest.TempPathFactory) -> DemoEvent:
    """A synthetic event of 384 px: scenes before and after in a catalogue, UDM2, true inventory."""
    from pipelines.demo import prepare_synthetic

    folder = tmp_path_factory.mktemp("event")
    found, catalogue = prepare_synthetic(folder, (384, 384))
    bbox = ",".join(map(str, found.bbox))
    return DemoEvent(found.name, Path(catalogue), bbox, found.datetime, folder)


@dataclass(frozen=True)
class Run:
    """A finished mapping run."""

    out: Path
    done: Done
    words: tuple[str, ...]


@pytest.fixture(scope="session")
def mapped(event: DemoEvent, bright_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The event, mapped through the command line; not to be changed."""
    out = tmp_path_factory.mktemp("mapped") / "result"
    words = ("map", *event.options(), "--model", str(bright_model), "--out", str(out), "--json")
    done = hrgldd(*words)
    assert done.code == 0, done.err
    return Run(out, done, words)


@pytest.fixture(scope="session")
def plain_scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound 3-band GeoTIFF without band names."""
    return write_raster(tmp_path_factory.mktemp("scene") / "plain.tif", texture((96, 112)))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real data that does not belong to the repository."""
    folder = Path(os.environ.get("HRGLDD_SHARED", ROOT / "../shared/data")).resolve()
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}; HRGLDD_SHARED names its folder")
    return folder


@pytest.fixture(scope="module")
def browser():
    """Chromium, driven by Playwright."""
    api = pytest.importorskip("playwright.sync_api", reason="the package playwright is absent")
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("no chromium on PATH")
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=arguments)
        yield running
        running.close()
