"""What the tests share: running the command, writing rasters and items, reading results."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from click.testing import CliRunner
from rasterio.transform import from_origin

from hrgldd_core.cli import main

ROOT = Path(__file__).parents[1]
CONSOLE = (sys.executable, "-c", "from hrgldd_core.cli import main; main(prog_name='hrgldd')")
UTM = "EPSG:32643"
NORTH_UP = from_origin(363000, 1305000, 3, 3)
BGR = ("blue", "green", "red")

# What the model of the fixture `bright_model` computes from the normalised red band.
SLOPE, MIDDLE = 4.0, 1.0


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        return json.loads(self.out.splitlines()[-1])


def hrgldd(*words: object) -> Done:
    """Run the command in this process; a defect of ours surfaces as itself."""
    result = CliRunner().invoke(main, [str(w) for w in words])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Done(result.exit_code, result.stdout, result.stderr)


def assert_refused(done: Done, *patterns: str) -> str:
    """Exit code 2 and one line that says what is wrong and what to do; that line."""
    assert done.code == 2, (done.out, done.err)
    assert done.out == ""
    lines = done.err.splitlines()
    assert len(lines) == 1, done.err
    assert lines[0].startswith("hrgldd: ")
    assert "Traceback" not in done.err
    for pattern in patterns:
        assert re.search(pattern, lines[0]), f"{pattern!r} not in {lines[0]!r}"
    return lines[0]


def texture(
    shape: tuple[int, int], bands: int = 3, *, seed: int = 0, dtype: str = "uint16"
) -> npt.NDArray[Any]:
    """(band, y, x) noise that compresses badly, never 0."""
    rng = np.random.default_rng(seed)
    return rng.integers(1, 200 if dtype == "uint8" else 4000, (bands, *shape)).astype(dtype)


def write_raster(path: Path, array: npt.NDArray[Any], **options: Any) -> Path:
    """A GeoTIFF of a (band, y, x) array; a grid in UTM with 3 m pixels unless told otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = {
        "driver": "GTiff",
        "crs": UTM,
        "transform": NORTH_UP,
        "dtype": array.dtype,
        "count": array.shape[0],
        "height": array.shape[1],
        "width": array.shape[2],
        **options,
    }
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.write(array)
    return path


def write_catalogue(path: Path, *features: dict[str, Any]) -> Path:
    """A GeoJSON file of items."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"type": "FeatureCollection", "features": list(features)}))
    return path


def box_item(item_id: str = "scene", **changes: Any) -> dict[str, Any]:
    """A valid STAC item over 75-76 E, 11-12 N of 10 November 2024, without assets."""
    corners = [[75, 11], [76, 11], [76, 12], [75, 12], [75, 11]]
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "id": item_id,
        "geometry": {"type": "Polygon", "coordinates": [corners]},
        "bbox": [75, 11, 76, 12],
        "properties": {"datetime": "2024-11-10T05:39:42Z"},
        "links": [],
        "assets": {},
        **changes,
    }


def data_asset(href: object, bands: tuple[str, ...] = BGR, **changes: Any) -> dict[str, Any]:
    """A data asset whose bands have common names (STAC 1.1)."""
    named = [{"name": b, "eo:common_name": b} for b in bands]
    return {"href": str(href), "roles": ["data"], "bands": named, **changes}


def raster_of(path: Path) -> npt.NDArray[Any]:
    """First band of a raster."""
    with rasterio.open(path) as dataset:
        return dataset.read(1)


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    """Modification time and size of every file below a folder."""
    return {
        str(p.relative_to(folder)): (p.stat().st_mtime_ns, p.stat().st_size)
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }
