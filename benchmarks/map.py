"""How fast, how large and how exact mapping is: one run, ratios, sections to choose.

``.venv/bin/python benchmarks/map.py [--side 10000] [--large 40000] [SECTION ...]`` with sections

- ``speed``: STAC item file to published result on a SIDE x SIDE scene of four bands, beside the
  bare model given its windows from memory, one after the other and two at a time as a run does,
  and beside the plain way (rasterio, ``model.predict``, write); all with the same windows, on a
  sample of them;
- ``memory``: peak memory and time for a half-size, a SIDE and a LARGE scene with a tiny model;
- ``margin``: grey levels by which windows differ from a run without, by margin;
- ``precision``: bfloat16 beside float32: speed, grey levels, F1 on PATCHES;
- ``workers``: two Dask workers of one core each beside one.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import rasterio
from rasterio.windows import Window

from hrgldd_core.cog import copy_as_cog
from hrgldd_core.mapping.job import map_event
from hrgldd_core.mapping.predict import predict_strips
from hrgldd_core.mapping.publish import publish
from hrgldd_core.mapping.request import plan_mapping
from hrgldd_core.mapping.run import SceneMapper
from hrgldd_core.mapping.runtime import open_runtime
from hrgldd_core.mapping.windows import WindowGrid
from hrgldd_core.models.registry import build_model
from hrgldd_core.models.store import ModelSpec, open_model, save_model
from hrgldd_core.normalise import band_statistics
from hrgldd_core.scenes import SceneReader, open_scene
from hrgldd_core.stac.ingest import item_from_raster
from hrgldd_core.synthetic import make_scene, write_scene

BANDS = ("blue", "green", "red", "nir")
SAMPLE = 24


def now() -> np.ndarray:
    """Seconds by the clock and of this process' CPU: the second holds on a shared machine too."""
    return np.array([time.perf_counter(), time.process_time()])


def timed(work) -> np.ndarray:
    started = now()
    work()
    return now() - started


def large_scene(folder: Path, side: int) -> Path:
    """A scene of four bands of a generated one, repeated; a COG."""
    tile, path, plain = 2048, folder / f"scene-{side}.tif", folder / f"plain-{side}.tif"
    source = next(folder.glob("tile_*SR.tif"), None)
    if source is None:
        source, _ = write_scene(make_scene(1, shape=(tile, tile)), folder, name="tile")
    with rasterio.open(source) as dataset:
        pixels = dataset.read()
        profile = {
            **dataset.profile, "driver": "GTiff", "width": side, "height": side, "count": 4,
            "dtype": "uint16", "tiled": True, "blockxsize": 512, "blockysize": 512,
            "compress": "deflate", "zlevel": 1, "interleave": "pixel", "bigtiff": "if_safer",
        }  # fmt: skip
    pixels = np.concatenate([pixels, pixels])[:4].astype(np.uint16)
    profile = {k: v for k, v in profile.items() if k not in {"predictor", "photometric"}}
    with rasterio.open(plain, "w", **profile) as out:
        for row in range(0, side, tile):
            for column in range(0, side, tile):
                height, width = min(tile, side - row), min(tile, side - column)
                window = Window(column, row, width, height)
                out.write(pixels[:, :height, :width], window=window)
    copy_as_cog(str(plain), path, overviews="AVERAGE")
    plain.unlink()
    return path


def touch_memory(gigabytes: int = 4) -> None:
    """Make the machine give what both sides will use: a virtual one takes 2 s for the first GB."""
    np.ones(gigabytes << 27)


def tiny_model(folder: Path) -> str:
    uri = str(folder / "tiny")
    if not Path(uri).exists():
        spec = ModelSpec(
            id="tiny", version="1", architecture="unet", bands=BANDS[:3], filters=2, threshold=0.9
        )
        save_model(build_model("unet", bands=3, filters=2), spec, uri)
    return uri


def plan_of(folder: Path, raster: Path, *, model="bundled", out="out", **options):
    """A plan as `hrgldd map --stac ITEMS` makes it."""
    item = item_from_raster(str(raster), bands=BANDS).to_dict()
    items = folder / f"{raster.stem}.json"
    items.write_text(json.dumps({"type": "FeatureCollection", "features": [item]}))
    return plan_mapping(stac=str(items), models=(model,), out=str(folder / out), **options)


def speed(given, folder: Path) -> None:
    side = given.side
    raster = large_scene(folder, side)
    touch_memory()
    grid = WindowGrid.plan((side, side))
    windows, size = grid.rows.count * grid.columns.count, (grid.rows.size, grid.columns.size)
    stored = open_model()
    runtime = open_runtime(stored, precision=given.precision)
    with SceneReader(scene := open_scene(item_from_raster(str(raster), bands=BANDS),
                                         bands=stored.spec.bands)) as reader:  # fmt: skip
        statistics = band_statistics(reader.sample())
        image, _ = reader.read(slice(0, size[0]), slice(0, size[1]))
    x = stored.spec.normalisation.apply(image, statistics)[None]
    runtime(x)

    summary: dict[str, object] = {}

    def bare(count: int, streams: int) -> np.ndarray:
        with ThreadPoolExecutor(streams) as pool:
            return timed(lambda: list(pool.map(runtime, [x] * count)))

    sample = min(windows, SAMPLE)
    half = sample // 2
    plan = plan_of(folder, raster, precision=given.precision)
    before = [bare(half, streams) for streams in (1, 2)]
    with_all = timed(lambda: summary.update(map_event(plan)))
    after = [bare(half, streams) for streams in (2, 1)]
    alone, in_pairs = (np.array(before) + after[::-1]) / (2 * half) * windows

    model = stored.load()
    with rasterio.open(raster) as dataset, rasterio.open(
        folder / "plain.tif", "w", driver="GTiff", width=side, height=side, count=1,
        dtype="uint8", tiled=True,
    ) as out:  # fmt: skip
        model.predict(x, verbose=0)
        started = now()
        for index in range(sample):
            row, column = divmod(index, grid.columns.count)
            top = min(max(grid.rows.start(row), 0), side - size[0])
            left = min(max(grid.columns.start(column), 0), side - size[1])
            window = Window(left, top, size[1], size[0])
            pixels = dataset.read((1, 2, 3), window=window).transpose(1, 2, 0)
            p = model.predict(stored.spec.normalisation.apply(pixels, statistics)[None], verbose=0)[
                0, ..., 0
            ]
            out.write(np.rint(p * 250).astype(np.uint8), 1, window=window)
        plain = (now() - started) / sample * windows
    mpx = side * side / 1e6
    overlap = 1 - 1 / grid.overhead
    print(f"speed: {side} x {side}, {windows} windows of {size}, {given.precision}; {scene.id}")
    print(f"  overlap     {overlap:6.1%} of the pixels that the model sees")
    for name, (seconds, cpu) in (("bare model", alone), ("  in pairs", in_pairs),
                                 ("whole run", with_all), ("plain way", plain)):  # fmt: skip
        print(f"  {name:10s}  {seconds:7.1f} s, {cpu:7.1f} s of CPU, {mpx / seconds:.2f} Mpx/s")
    print(f"  {sample} windows timed for bare and plain; {summary['polygons']} polygons; "
          f"mapping without publishing {summary['seconds']['map']:.1f} s")  # fmt: skip
    for kind, i in (("time", 0), ("CPU time", 1)):
        print(f"  ratio by {kind}: {alone[i] / with_all[i]:.2f} of the bare model's speed, "
              f"{in_pairs[i] / with_all[i]:.2f} of that in pairs (limit 0.85), "
              f"{plain[i] / with_all[i]:.2f} times the plain way (limit 1.8)")  # fmt: skip


def memory(given, folder: Path) -> None:
    tiny_model(folder)
    large_scene(folder, 1200)
    touch_memory()
    print("memory: a model of 2 filters, a process each; peak GB mapping, then publishing too")
    rates = []
    for side in (given.side // 2, given.side, given.large):
        large_scene(folder, side)
        words = [sys.executable, __file__, "--child", str(side), "--folder", str(folder)]
        found = json.loads(subprocess.run(words, check=True, capture_output=True).stdout)  # noqa: S603
        rates.append(side * side / 1e6 / found["seconds"])
        print(f"  {side:6d} x {side:<6d} {found['mapped_gb']:.2f} GB, "
              f"{found['published_gb']:.2f} GB, "
              f"{found['seconds']:.1f} s, {rates[-1]:.2f} Mpx/s")  # fmt: skip
    print(f"  ratio {max(rates) / min(rates):.2f} between the fastest and the slowest rate")


def child(given) -> None:
    """Map one scene in this process, after a small one, and say what it took."""
    folder = Path(given.folder)
    warm = plan_of(folder, folder / "scene-1200.tif", model=tiny_model(folder), out="out-1200")
    SceneMapper(warm).map_all(warm.scenes())
    raster = folder / f"scene-{given.child}.tif"
    plan = plan_of(folder, raster, model=tiny_model(folder), out=f"out-{given.child}")
    started = time.perf_counter()
    missing = SceneMapper(plan).map_all(plan.scenes())
    seconds, mapped = time.perf_counter() - started, _peak()
    publish(plan, missing)
    print(json.dumps({"seconds": seconds, "mapped_gb": mapped, "published_gb": _peak()}))


def _peak() -> float:
    """Largest resident size of this process, GB (`ru_maxrss` would count its parent's)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(x.split()[1]) for x in lines if x.startswith("VmHWM")) * 1024 / 1e9


def margin(given, folder: Path) -> None:
    side = 1536
    stored = open_model()
    raster, _ = write_scene(make_scene(3, shape=(side, side)), folder, name="margin")
    scene = open_scene(item_from_raster(str(raster)), bands=stored.spec.bands)
    with SceneReader(scene) as reader:
        statistics = band_statistics(reader.sample())
    runtime = open_runtime(stored, precision=given.precision)

    def levels(largest: int, edge: int):
        grid = WindowGrid.plan((side, side), largest=largest, margin=edge)
        strips = predict_strips(
            scene, runtime, normalisation=stored.spec.normalisation, statistics=statistics,
            grid=grid,
        )  # fmt: skip
        return np.concatenate([s.probability for s in strips]).astype(int), grid

    whole, _ = levels(side + 256, 64)
    print(f"margin: windows of at most 512 on {side} x {side} beside one window")
    print("  margin  largest  99.9 %  beyond one level  share of work on overlap")
    for edge in (0, 16, 32, 48, 64, 96, 112):
        found, grid = levels(512, edge)
        d = np.abs(found - whole)
        print(f"  {edge:6d} {d.max():8d} {np.percentile(d, 99.9):7.0f} {(d > 1).mean():17.5%} "
              f"{1 - 1 / grid.overhead:12.1%}")  # fmt: skip


def precision(given, folder: Path) -> None:  # noqa: ARG001
    stored = open_model()
    threshold = stored.spec.threshold
    kinds = {p: open_runtime(stored, precision=p) for p in ("float32", "bfloat16")}
    with np.load(given.patches) as data:
        images, labels = data["X"][..., :3], data["Y"].reshape(-1, 128, 128) > 0
    x = np.stack([stored.spec.normalisation.apply(i, band_statistics(i.reshape(-1, 3)))
                  for i in images])  # fmt: skip
    p = {k: np.concatenate([run(x[i : i + 16]) for i in range(0, len(x), 16)])
         for k, run in kinds.items()}  # fmt: skip
    level = {k: np.rint(v * 250).astype(int) for k, v in p.items()}
    d = np.abs(level["float32"] - level["bfloat16"])
    print(f"precision: {len(x)} patches")
    for k, v in p.items():
        found = v >= threshold
        tp, wrong = (found & labels).sum(), (found != labels).sum()
        print(f"  {k}  F1 {2 * tp / (2 * tp + wrong):.4f} at {threshold}")
    print(
        f"  more than one level of 250 apart: {(d > 1).mean():.2%} of the pixels, at most {d.max()}"
    )
    window = np.random.default_rng(0).normal(size=(1, 1024, 1024, 3)).astype(np.float32)
    best = dict.fromkeys(kinds, np.inf)
    for _ in range(4):
        for k, run in kinds.items():
            started = time.perf_counter()
            run(window)
            best[k] = min(best[k], time.perf_counter() - started)
    print(f"  speed: bfloat16 is {best['float32'] / best['bfloat16']:.2f} times float32")


def workers(given, folder: Path) -> None:
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from tests.servers.dask import DaskCluster

    raster = large_scene(folder, given.side)
    taken = {}
    for count in (1, 2):
        # As if each were a machine of one core: one worker alone would use them all.
        with DaskCluster(workers=count, pinned=True) as cluster:
            warm = plan_of(folder, large_scene(folder, 1200), out=f"warm-{count}")
            map_event(warm.model_copy(update={"strip_pixels": 1}), cluster=cluster.address)
            plan = plan_of(folder, raster, out=f"cluster-{count}")
            started = time.perf_counter()
            map_event(plan.model_copy(update={"strip_pixels": 1}), cluster=cluster.address)
            taken[count] = time.perf_counter() - started
    name = f"{raster.stem}.tif"
    same = (folder / "cluster-1/probability" / name).read_bytes() == (
        folder / "cluster-2/probability" / name
    ).read_bytes()
    print(f"workers of a core each: one {taken[1]:.1f} s, two {taken[2]:.1f} s, same bytes: {same}")
    print(f"  ratio {taken[2] / taken[1]:.2f} (limit 0.6)")


SECTIONS = {f.__name__: f for f in (speed, memory, margin, precision, workers)}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("sections", nargs="*", default=list(SECTIONS), metavar="SECTION")
    parser.add_argument("--side", type=int, default=10_000)
    parser.add_argument("--large", type=int, default=40_000)
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--patches", default="../shared/data/hrgldd/patches_dev.npz")
    parser.add_argument("--child", type=int)
    parser.add_argument("--folder", help="where to work; a temporary folder otherwise")
    given = parser.parse_args()
    if given.child:
        child(given)
        return
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        for name in given.sections:
            SECTIONS[name](given, Path(folder))
            sys.stdout.flush()


if __name__ == "__main__":
    main()
