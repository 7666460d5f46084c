"""How fast and in how much memory a data set is built, beside the time to decode the scene.

``.venv/bin/python benchmarks/dataset.py [SIDE [THREADS]]`` makes a scene of SIDE x SIDE pixels
(default 10 000; four bands, a DEFLATE-compressed COG of 512-pixel blocks, as noisy as a real
PlanetScope scene) with SIDE / 2 landslides, builds a data set of it in a process of its own, and in
another only reads the scene, once, block by block, on the same number of threads. Both are timed
with their packages loaded; the whole process with its start is printed too. It is met only when
both the time and the CPU time are within the limit: on a busy machine time alone says little.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

RATE, RATIO, MEMORY = 40.0, 1.5, 1.5
BLOCK = 512
UTM = "EPSG:32643"


def make_scene(path: Path, side: int) -> None:
    """Hills of 300 pixels and noise, in the units of surface reflectance times 10 000."""
    import rasterio
    from rasterio.shutil import copy
    from rasterio.transform import from_origin
    from scipy import ndimage

    rng = np.random.default_rng(0)
    noise = rng.normal(0, (25, 30, 40, 120), (1024, side, 4)).astype(np.float32)
    coarse = rng.normal((500, 800, 900, 2800), (80, 120, 200, 500), (side // 300 + 4,) * 2 + (4,))
    columns = np.arange(side) / 300
    draft = path.with_suffix(".draft.tif")
    profile = {
        "driver": "GTiff", "height": side, "width": side, "count": 4, "dtype": "uint16",
        "crs": UTM, "transform": from_origin(363000, 1305000, 3, 3), "nodata": 0, "tiled": True,
        "blockxsize": BLOCK, "blockysize": BLOCK,
    }  # fmt: skip
    with rasterio.open(draft, "w", **profile) as dataset:
        dataset.descriptions = ("blue", "green", "red", "nir")
        for top in range(0, side, 1024):
            rows = np.arange(top, min(top + 1024, side)) / 300
            at = np.meshgrid(rows, columns, indexing="ij")
            strip = np.roll(noise, 997 * top, axis=1)[: len(rows)]
            for band in range(4):
                hills = ndimage.map_coordinates(coarse[..., band], at, order=1, output=np.float32)
                values = np.clip(hills + strip[..., band], 1, 10000).astype(np.uint16)
                window = rasterio.windows.Window(0, top, side, len(rows))
                dataset.write(values, band + 1, window=window)
    options = {"COMPRESS": "DEFLATE", "PREDICTOR": "STANDARD", "LEVEL": "1", "OVERVIEWS": "NONE"}
    copy(draft, path, driver="COG", BLOCKSIZE=BLOCK, NUM_THREADS="ALL_CPUS", **options)
    draft.unlink()


def make_inventory(path: Path, side: int, *, even: bool) -> None:
    """Landslides of some thousand square metres, even over the scene or in clusters.

    The clusters are as dense as those of a real inventory (Kashmir, 2 619 polygons): 2.6 landslides
    in each cell of 384 m that holds any. Even, no more than 1.1.
    """
    import geopandas as gpd
    import shapely

    rng = np.random.default_rng(1)
    count, extent = side // 2, 3 * side
    at = rng.uniform(0, extent, (count, 2))
    if not even:
        centres = rng.uniform(0, extent, (max(count // 60, 1), 2))
        at = (
            centres[rng.integers(0, len(centres), count)] + rng.normal(0, 500, (count, 2))
        ) % extent
    radius = np.sqrt(rng.lognormal(np.log(460), 1.28, count) / np.pi)[:, None]
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    wobble = 1 + 0.25 * np.sin(3 * angle + rng.uniform(0, 6, (count, 1)))
    x = 363000 + at[:, :1] + radius * wobble * np.cos(angle)
    y = 1305000 - at[:, 1:] + 2 * radius * wobble * np.sin(angle)
    outlines = shapely.polygons(np.stack([x, y], -1))
    gpd.GeoDataFrame(geometry=outlines, crs=UTM).to_crs("EPSG:4326").to_file(path)


def decode(scene: str, threads: int) -> None:
    """Read each block of the scene once."""
    import rasterio
    from rasterio.windows import Window

    own = threading.local()

    def rows(top: int) -> None:
        if not hasattr(own, "dataset"):
            own.dataset = rasterio.open(scene)
        dataset = own.dataset
        height = min(BLOCK, dataset.height - top)
        for left in range(0, dataset.width, BLOCK):
            width = min(BLOCK, dataset.width - left)
            dataset.read(window=Window(left, top, width, height))

    with rasterio.open(scene) as dataset:
        tops = range(0, dataset.height, BLOCK)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(rows, tops))


def work(what: str, folder: str, threads: int) -> None:
    """The measured process: what it took, as JSON."""
    if what == "build":
        import geopandas  # noqa: F401
        import pyogrio  # noqa: F401
        import scipy.ndimage
        import scipy.sparse.csgraph  # noqa: F401
        import zarr.codecs  # noqa: F401

        from hrgldd_core.dataset.build import build_dataset
    import rasterio  # noqa: F401

    started, cpu = time.perf_counter(), time.process_time()
    found = {}
    if what == "build":
        result = build_dataset([f"{folder}/event.yaml"], out=f"{folder}/out", threads=threads)
        found = {"patches": result["patches"]}
    else:
        decode(f"{folder}/scene.tif", threads)
    found |= {"seconds": time.perf_counter() - started, "cpu": time.process_time() - cpu}
    print(json.dumps(found))


def measure(what: str, folder: str, threads: int) -> dict:
    """A child process, its times and the largest memory of it and its children."""
    import psutil

    started = time.perf_counter()
    words = [sys.executable, __file__, "--work", what, folder, str(threads)]
    peak = 0
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        seen = psutil.Process(process.pid)
        while process.poll() is None:
            try:
                family = [seen, *seen.children(recursive=True)]
                peak = max(peak, sum(p.memory_info().rss for p in family))
            except psutil.Error:
                pass
            time.sleep(0.01)
        found = json.loads(process.stdout.read().splitlines()[-1])
    return found | {"process": time.perf_counter() - started, "gigabytes": peak / 1e9}


def main() -> None:
    if sys.argv[1:2] == ["--work"]:
        work(sys.argv[2], sys.argv[3], int(sys.argv[4]))
        return
    side = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    threads = int(sys.argv[2]) if len(sys.argv) > 2 else len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        make_scene(place / "scene.tif", side)
        compressed = (place / "scene.tif").stat().st_size / 1e6
        print(
            f"{side} x {side}, 4 bands, {compressed:.0f} MB, {side // 2} polygons, "
            f"{threads} threads"
        )
        results = {}
        for name in ("even", "clustered"):
            (place / "inventory.gpkg").unlink(missing_ok=True)
            make_inventory(place / "inventory.gpkg", side, even=name == "even")
            (place / "event.yaml").write_text(
                "name: Benchmark\nscenes: [scene.tif]\ninventory: inventory.gpkg\n"
            )
            results[name] = compare(folder, threads, megapixels=side * side / 1e6)
            print(f"{name}: " + WORDS.format(**results[name]))
    judged = results["clustered"]
    fast = judged["rate"] >= RATE or max(judged["ratio"], judged["cpu_ratio"]) <= RATIO
    met = fast and judged["gigabytes"] < MEMORY
    print(f"target: {RATE:g} Mpx/s a core or {RATIO:g} of the time to decode, {MEMORY:g} GB")
    print(f"target met (clustered, as inventories are): {'yes' if met else 'no'}")
    print(json.dumps({**results, "met": met}))


WORDS = (
    "{patches} patches in {seconds:.2f} s ({cpu:.2f} s of CPU; with its start {process:.2f} s)\n"
    "  decoding takes {decode_seconds:.2f} s ({decode_cpu:.2f} s of CPU)\n"
    "  {rate:.1f} Mpx/s a core; {ratio:.2f} of the time to decode, {cpu_ratio:.2f} of its CPU; "
    "{gigabytes:.2f} GB"
)


def compare(folder: str, threads: int, *, megapixels: float) -> dict:
    """The best of three builds and of three decodings, taken in turn: others may be at work."""
    reading, building = [], []
    for _ in range(3):
        shutil.rmtree(Path(folder) / "out", ignore_errors=True)
        reading.append(measure("decode", folder, threads))
        building.append(measure("build", folder, threads))

    def best(found: list[dict], key: str) -> float:
        return min(f[key] for f in found)

    seconds, cpu = best(building, "seconds"), best(building, "cpu")
    return {
        "patches": building[0]["patches"],
        "seconds": seconds,
        "cpu": cpu,
        "process": best(building, "process"),
        "gigabytes": max(f["gigabytes"] for f in building),
        "decode_seconds": best(reading, "seconds"),
        "decode_cpu": best(reading, "cpu"),
        "rate": megapixels / cpu,
        "ratio": seconds / best(reading, "seconds"),
        "cpu_ratio": cpu / best(reading, "cpu"),
    }


if __name__ == "__main__":
    main()
