"""Checks of this machine: packages, devices, formats, the model, memory and space."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import tempfile
import time
from pathlib import Path

from hrgldd_core import __version__, storage
from hrgldd_core.doctor.finding import Finding
from hrgldd_core.memory import free_memory

__all__ = ["devices", "formats", "memory", "model", "space", "versions", "work_folder"]

_PACKAGES = ("keras", "rasterio", "pyogrio", "pyarrow", "pystac-client", "kfp")
_FRAMEWORKS = ("tensorflow", "tensorflow-cpu", "jax", "torch")
_GIB = 2**30
# 32 megapixels are mapped in 2.2 GB (docs/scale.md); larger scenes take no more.
_LEAST_MEMORY, _GOOD_MEMORY = 1.5, 3.0
# A scene's rasters lie in TMPDIR until they are uploaded.
_LEAST_SPACE = 1.0


def versions() -> Finding:
    """Python, this package and those that matter most."""
    installed = [
        f"{name} {importlib.metadata.version(name)}"
        for name in (*_PACKAGES, *_FRAMEWORKS)
        if _is_installed(name)
    ]
    found = f"hrgldd {__version__}, Python {platform.python_version()}, {', '.join(installed)}"
    missing = [name for name in _PACKAGES if not _is_installed(name)]
    if missing or not any(map(_is_installed, _FRAMEWORKS)):
        missing = missing or ["a backend of Keras"]
        return Finding(
            "versions", "failed", f"{found}; missing: {', '.join(missing)}",
            "Install hrgldd[cpu] or hrgldd[gpu]",
        )  # fmt: skip
    return Finding("versions", "ok", found)


def devices(*, gpu: bool = False) -> Finding:
    """Processors that the framework sees; ``gpu`` asks for one of that kind."""
    from hrgldd_core.models.backend import keras
    from hrgldd_core.models.precision import has_bfloat16
    from hrgldd_core.training.devices import device_names

    gpus, cores = device_names("gpu"), len(os.sched_getaffinity(0))
    bfloat16 = "with" if has_bfloat16() else "without"
    found = f"{keras.backend.backend()}: {len(gpus)} GPU, {cores} CPU cores, {bfloat16} bfloat16"
    plugged = sorted(p.name for p in Path("/dev").glob("nvidia[0-9]*"))
    if not gpus and (gpu or plugged):
        seen = f"; the machine has {', '.join(plugged)}" if plugged else ""
        remedy = "Run it where a GPU is: ask for nvidia.com/gpu in the pod"
        if plugged:
            remedy = "Install hrgldd[gpu] (or the GPU image), and a driver that its CUDA can use"
        return Finding("devices", "failed" if gpu else "warning", f"{found}{seen}", remedy)
    return Finding("devices", "ok", found)


def formats() -> Finding:
    """Drivers and libraries of the files that are read and written."""
    import pyarrow.parquet
    import pyogrio
    import rasterio

    with rasterio.Env() as env:
        rasters = set(env.drivers())
    vectors = pyogrio.list_drivers(write=True)
    missing = sorted({"COG", "GTiff"} - rasters)
    missing += sorted({"ESRI Shapefile", "FlatGeobuf", "GPKG"} - set(vectors))
    if not pyarrow.Codec.is_available("zstd"):
        missing.append("Parquet with zstd")
    found = f"GDAL {rasterio.__gdal_version__}: COG, GTiff, GPKG, FlatGeobuf, Shapefile, Parquet"
    if missing:
        return Finding(
            "formats", "failed", f"GDAL {rasterio.__gdal_version__} lacks {', '.join(missing)}",
            "Install rasterio, pyogrio and pyarrow as wheels, from the lock file",
        )  # fmt: skip
    return Finding("formats", "ok", found)


def model(uri: str) -> Finding:
    """A model folder is there, fits its architecture and predicts a patch."""
    import numpy as np

    from hrgldd_core.mapping.runtime import chosen_runtime, open_runtime
    from hrgldd_core.models.store import open_model

    stored = open_model(uri)
    runtime = open_runtime(stored, name=chosen_runtime())
    patch = np.zeros((1, 128, 128, len(stored.spec.bands)), np.float32)
    runtime(patch)
    begun = time.perf_counter()
    predicted = runtime(patch)
    seconds = time.perf_counter() - begun
    found = f"{stored.spec.id} {stored.spec.version}: a patch in {1000 * seconds:.0f} ms"
    inside = np.isfinite(predicted).all() and (predicted >= 0).all() and (predicted <= 1).all()
    if predicted.shape != (1, 128, 128) or not inside:
        return Finding(
            "model", "failed", f"{found}, but no probabilities",
            "Install the framework anew; on a GPU check driver and CUDA versions",
        )  # fmt: skip
    return Finding("model", "ok", found)


def memory() -> Finding:
    """What is free, within the container's limit."""
    free = free_memory() / _GIB
    found = f"{free:.1f} GiB free"
    remedy = "Give it 4 GiB: mapping takes about 2.2 GB"
    if free < _LEAST_MEMORY:
        return Finding("memory", "failed", found, remedy)
    if free < _GOOD_MEMORY:
        return Finding("memory", "warning", found, remedy)
    return Finding("memory", "ok", found)


def space() -> Finding:
    """Room for temporary files, and leave to write them."""
    folder = tempfile.gettempdir()
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        file.write(bytes(4096))
        file.flush()
    free = shutil.disk_usage(folder).free / _GIB
    found = f"{free:.1f} GiB free in {folder}"
    if free < _LEAST_SPACE:
        return Finding("space", "failed", found, "Name a folder with more room in TMPDIR")
    return Finding("space", "ok", found)


def work_folder(folder: str) -> Finding:
    """A folder that results can be written to."""
    storage.check_writable(folder)
    return Finding("work", "ok", f"{folder} can be written")


def _is_installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
