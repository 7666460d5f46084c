"""How much of the bare model's speed a mapping run keeps: one run, ratios.

``.venv/bin/python benchmarks/map.py [SIDE]`` maps a synthetic scene of SIDE x SIDE pixels (default
3072) and feeds the same windows, already in memory, to the bare model.
"""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from hrgldd_core.mapping.cog import write_cogs
from hrgldd_core.mapping.predict import predict_strips
from hrgldd_core.mapping.runtime import keras_runtime
from hrgldd_core.mapping.windows import WindowGrid
from hrgldd_core.models.store import open_model
from hrgldd_core.normalise import band_statistics
from hrgldd_core.scenes import SceneReader, open_scene
from hrgldd_core.stac.ingest import register_scene
from hrgldd_core.synthetic import make_scene, write_scene


def main() -> None:
    side = int(sys.argv[1]) if len(sys.argv) > 1 else 3072
    with tempfile.TemporaryDirectory() as folder:
        raster, _ = write_scene(make_scene(1, shape=(side, side)), Path(folder), name="scene")
        item = register_scene(str(raster), f"{folder}/cog")
        model = open_model()
        runtime = keras_runtime(model)
        scene = open_scene(item, bands=model.spec.bands)
        grid = WindowGrid.plan((side, side))
        windows = grid.rows.count * grid.columns.count
        shape = (1, grid.rows.size, grid.columns.size, len(model.spec.bands))
        inputs = np.random.default_rng(0).normal(size=shape).astype(np.float32)
        runtime(inputs)

        started = time.perf_counter()
        for _ in range(windows):
            runtime(inputs)
        bare = time.perf_counter() - started

        started = time.perf_counter()
        with SceneReader(scene) as reader:
            statistics = band_statistics(reader.sample())
        strips = predict_strips(
            scene,
            runtime,
            normalisation=model.spec.normalisation,
            statistics=statistics,
            grid=grid,
        )
        write_cogs(strips, scene.target, Path(folder))
        mapping = time.perf_counter() - started
    megapixels = side * side / 1e6
    print(f"{windows} windows of {shape[1]} x {shape[2]}, overlap {grid.overhead:.2f}x the pixels")
    print(f"bare model  {bare:7.1f} s  {megapixels / bare:.2f} Mpx/s of scene")
    print(f"mapping     {mapping:7.1f} s  {megapixels / mapping:.2f} Mpx/s, COGs written")
    print(f"ratio       {bare / mapping:7.2f}  of the bare model's speed is kept")


if __name__ == "__main__":
    main()
