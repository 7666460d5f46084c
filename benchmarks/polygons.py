"""Polygons of a large raster in windows, against the whole array at once: one run, ratios.

``.venv/bin/python benchmarks/polygons.py [SIDE]`` makes a probability raster of SIDE x SIDE pixels
(default 20000) with SIDE * SIDE / 40000 landslides and outlines it twice, each time in a process of
its own: with ``rasterio.features.shapes`` on the whole array, and as a mapping run does. Time is
that of the processor, memory the peak of the process above that of its imports.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_origin
from rasterio.windows import Window
from scipy import ndimage

THRESHOLD = 0.5


def make(path, side):
    """Landslides as elongated noisy blobs, some larger than a tile; a border without data."""
    rng = np.random.default_rng(5)
    count = side * side // 40_000
    profile = {
        "driver": "GTiff", "dtype": "uint8", "count": 1, "width": side, "height": side,
        "nodata": 255, "crs": "EPSG:32643", "transform": from_origin(3e5, 2e6, 3, 3),
        "tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "deflate",
    }  # fmt: skip
    levels = np.zeros((side, side), np.uint8)
    for length in np.minimum(rng.pareto(1.4, count) * 30 + 12, side / 8):
        tall, wide = max(4, int(length)), max(4, int(length * rng.uniform(0.2, 0.6)))
        if rng.random() < 0.5:
            tall, wide = wide, tall
        y, x = rng.integers(0, side - tall), rng.integers(0, side - wide)
        v, u = np.mgrid[-1 : 1 : tall * 1j, -1 : 1 : wide * 1j]
        noise = ndimage.gaussian_filter(rng.normal(size=(tall, wide)), 3) * 100 / max(tall, wide)
        blob = np.clip((1.3 - np.hypot(v, u) * (1 + noise)) * 200, 0, 250).astype(np.uint8)
        part = levels[y : y + tall, x : x + wide]
        np.maximum(part, blob, out=part)
    levels[: side // 10, : side // 10] = 255
    with rasterio.open(path, "w", **profile) as dataset:
        for top in range(0, side, 512):
            rows = levels[top : top + 512]
            dataset.write(rows, 1, window=Window(0, top, side, len(rows)))


def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def whole(path):
    import shapely
    from rasterio.features import shapes

    before, started = peak_mb(), time.process_time()
    with rasterio.open(path) as dataset:
        levels, transform = dataset.read(1), dataset.transform
    mask = ((levels >= THRESHOLD * 250) & (levels != 255)).astype(np.uint8)
    traced = [s for s, _ in shapes(mask, mask=mask, connectivity=8, transform=transform)]
    seconds, peak = time.process_time() - started, peak_mb() - before
    outlines = np.array([shapely.geometry.shape(s) for s in traced], object)
    outlines = shapely.make_valid(outlines, method="structure", keep_collapsed=False)
    return outlines, seconds, peak


def windows(path):
    import cv2  # noqa: F401 - counted as an import
    import geopandas  # noqa: F401 - the same

    from hrgldd_core.inventory.polygonise import SourceScene, polygonise
    from hrgldd_core.mapping.probability import open_levels

    before, started = peak_mb(), time.process_time()
    with open_levels(path) as (read, grid):
        frame = polygonise(read, grid, threshold=THRESHOLD, scenes=[SourceScene("a", None)])
    return frame.geometry.to_numpy(), time.process_time() - started, peak_mb() - before


def measure(name, path, out):
    import shapely

    outlines, seconds, peak = {"whole": whole, "windows": windows}[name](path)
    valid = bool(shapely.is_valid(outlines).all())
    np.save(out, shapely.to_wkb(shapely.normalize(shapely.simplify(outlines, 0))))
    print(json.dumps({"seconds": seconds, "peak_mb": peak, "valid": valid, "n": len(outlines)}))


def same(folder):
    """Number of polygons that differ between the two, compared exactly."""
    import shapely

    a, b = (
        shapely.from_wkb(np.load(f"{folder}/{name}.npy", allow_pickle=True))
        for name in ("whole", "windows")
    )
    if len(a) != len(b):
        return abs(len(a) - len(b))
    key = [np.lexsort(shapely.bounds(g).T) for g in (a, b)]
    a, b = a[key[0]], b[key[1]]
    return int((~shapely.equals(a, b)).sum())


def main():
    if len(sys.argv) == 4:
        measure(*sys.argv[1:])
        return
    side = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "probability.tif")
        subprocess.run(  # noqa: S603
            [sys.executable, "-c", f"from benchmarks.polygons import make; make({path!r}, {side})"],
            check=True,
        )
        found = {}
        for name in ("whole", "windows"):
            words = [sys.executable, __file__, name, path, f"{folder}/{name}.npy"]
            done = subprocess.run(words, check=True, capture_output=True, text=True)  # noqa: S603
            found[name] = json.loads(done.stdout)
        differ = same(folder)
    for name, label in (("whole", "features.shapes, whole array"), ("windows", "in windows")):
        it = found[name]
        print(f"{label:30} {it['seconds']:6.1f} s {it['peak_mb']:8.0f} MB {it['n']} polygons")
    a, b = found["whole"], found["windows"]
    print(f"time    {b['seconds'] / a['seconds']:.2f}x")
    print(f"memory  {b['peak_mb'] / a['peak_mb']:.3f}x")
    print(f"differ  {differ} polygons; all valid: {b['valid']}")


if __name__ == "__main__":
    main()
