"""Loaders of stacks side by side: four scenes of 3000 x 3000, a COG for each of four bands.

Run: python benchmarks/stack.py. Each loader runs in a process of its own, twice, in turns.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pystac
from affine import Affine

sys.path.insert(0, str(Path(__file__).parents[1]))
from hrgldd_core.scenes import load_stack
from tests.support import box_item, data_asset, write_raster

BANDS = ("blue", "green", "red", "nir")
SIDE = 3000


def prepare(folder: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(4):
        corner = Affine(3, 0, 363000 + number * SIDE, 0, -3, 1305000)
        for band in BANDS:
            pixels = rng.normal(2000, 300, (1, SIDE, SIDE)).astype(np.uint16)
            write_raster(
                folder / f"{number}_{band}.tif", pixels, transform=corner, driver="COG",
                blocksize=512, compress="deflate", nodata=0,
            )  # fmt: skip


def measure(folder: Path, loader: str) -> None:
    items = [
        pystac.Item.from_dict(
            box_item(f"s{n}", assets={b: data_asset(folder / f"{n}_{b}.tif", (b,)) for b in BANDS})
        )
        for n in range(4)
    ]
    started, cpu = time.monotonic(), time.process_time()
    stack = load_stack(items, bands=BANDS, loader=loader)
    top = stack.max("time").compute(scheduler="threads", num_workers=2)
    seconds, cpu = time.monotonic() - started, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{loader:10} {seconds:5.2f} s {cpu:5.2f} s of CPU {peak:5} MB, sum {int(top.sum())}")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        measure(Path(sys.argv[1]), sys.argv[2])
    else:
        with tempfile.TemporaryDirectory() as name:
            prepare(Path(name))
            for kind in ("odc", "rasterio", "stackstac") * 2:
                subprocess.run([sys.executable, __file__, name, kind], check=True)  # noqa: S603
