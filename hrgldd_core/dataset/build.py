"""Building a dataset: events in, a new version out, or nothing at all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from odc.geo.geobox import GeoBox
from pydantic import ValidationError

from hrgldd_core import __version__, storage
from hrgldd_core.dataset.claim import CLAIM, claim
from hrgldd_core.dataset.cutting import UnitCut, cut_unit
from hrgldd_core.dataset.event_file import read_events
from hrgldd_core.dataset.parameters import DatasetParameters
from hrgldd_core.dataset.sample import Cut
from hrgldd_core.dataset.store import (
    FORMAT,
    NAMES,
    PatchWriter,
    current_document,
    index_uri,
    publish,
    recover,
)
from hrgldd_core.dataset.units import (
    Request,
    Unit,
    common_bands,
    find_scenes,
    open_units,
    select_new,
)
from hrgldd_core.dataset.workers import Workers, workers
from hrgldd_core.errors import InputError
from hrgldd_core.grid import crs_of
from hrgldd_core.progress import Progress, no_progress

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

__all__ = ["build_dataset"]


def build_dataset(
    events: Sequence[str],
    *,
    out: str,
    bands: Sequence[str] = (),
    cluster: str | None = None,
    threads: int | None = None,
    progress: Progress = no_progress,
    **choices: Any,
) -> dict[str, Any]:
    """Cut the patches of all events that a dataset does not hold yet, and publish a new version.

    Args:
        events: URIs of event files.
        out: URI of the dataset, made when missing.
        bands: of the dataset, in order; blue, green, red and, where all scenes have it, nir.
        cluster: address of a Dask scheduler; threads of this process otherwise.
        threads: how many.
        progress: told the strips of each scene.
        choices: fields of `DatasetParameters`.

    Returns:
        The dataset's document with ``new_scenes`` and ``new_patches``.

    Raises:
        InputError: when an input is unusable, the dataset has other parameters, a site is too small
            to split, or splits leak; nothing was published.
    """
    requests = find_scenes(read_events(events))
    document = current_document(out)
    parameters = _parameters(document, bands, choices, requests)
    if document is None:
        _refuse_foreign(out)
    known = {s["key"]: s["unit"] for s in document["scenes"]} if document else {}
    new = select_new(requests, known, parameters.bands)
    if not new and document is not None:
        return _nothing_new(document, out)
    units = open_units(new, parameters.bands)
    _check_types(units, document)
    storage.check_writable(out)
    with claim(out):
        document = recover(out)
        held = {s["key"] for s in document["scenes"]} if document else set()
        units = [unit for unit in units if unit.key not in held]
        if document is not None and not units:
            return _nothing_new(document, out)
        writer = PatchWriter(out, start=document["patches"] if document else 0)
        try:
            with workers(cluster, threads) as pool:
                build = _Build(out, document, parameters, writer)
                for unit in units:
                    build.add(unit, pool, progress)
            result = build.publish()
        except InputError:
            writer.rollback()
            raise
    return result


def _nothing_new(document: dict[str, Any], out: str) -> dict[str, Any]:
    return {**document, "new_scenes": 0, "new_patches": 0, "out": out}


def _parameters(
    document: dict[str, Any] | None,
    bands: Sequence[str],
    choices: dict[str, Any],
    requests: Sequence[Request],
) -> DatasetParameters:
    """What the dataset has, or what is asked for."""
    held = DatasetParameters.model_validate(document["parameters"]) if document else None
    wanted = tuple(bands) or (held.bands if held else common_bands(requests))
    try:
        asked = DatasetParameters(bands=wanted, **choices)
    except ValidationError as error:
        first = error.errors()[0]
        field = "".join(f"--{part} " for part in first["loc"]).replace("_", "-")
        raise InputError(f"{field}{first['msg'].removeprefix('Value error, ')}") from None
    if held is None or held == asked:
        return asked
    differing = [
        f"{name} {getattr(held, name)}, not {getattr(asked, name)}"
        for name in DatasetParameters.model_fields
        if getattr(held, name) != getattr(asked, name)
    ]
    raise InputError(
        f"the dataset was built with {'; '.join(differing)}",
        remedy="Repeat its parameters to add to it, or choose another --out",
    )


def _refuse_foreign(out: str) -> None:
    strange = [
        name
        for name in storage.list_names(out)
        if not name.startswith(".") and name not in (*NAMES, CLAIM)
    ]
    if strange:
        raise InputError(
            f"is not empty and no dataset ({strange[0]})",
            where=out,
            remedy="Choose another --out",
        )


def _check_types(units: Sequence[Unit], document: dict[str, Any] | None) -> None:
    """All scenes of a dataset hold the same kind of numbers."""
    wanted = document["dtype"] if document else None
    for unit in units:
        wanted = wanted or unit.dtype
        if unit.dtype != wanted:
            raise InputError(
                f"holds {unit.dtype}, the other scenes {wanted}",
                where=unit.scene.href,
                remedy="Build a dataset of its own, or convert it to the same units and type",
            )


class _Build:
    """A version in the making."""

    def __init__(
        self,
        out: str,
        document: dict[str, Any] | None,
        parameters: DatasetParameters,
        writer: PatchWriter,
    ) -> None:
        self._out, self._document = out, document
        self._parameters, self._writer = parameters, writer
        self._rows: list[GeoDataFrame] = []
        self._scenes: list[dict[str, Any]] = []
        self._units: list[Unit] = []

    def add(self, unit: Unit, pool: Workers, progress: Progress) -> None:
        """Cut a scene and store its patches."""
        from hrgldd_core.dataset.index import index_rows

        size = self._parameters.size

        def take(cut: Cut) -> None:
            if len(cut.corners):
                self._writer.append(cut.images, cut.labels)
                self._rows.append(index_rows(unit, cut, size=size))

        done = cut_unit(unit, self._parameters, pool, take=take, progress=progress)
        self._units.append(unit)
        self._scenes.append(_scene_entry(unit, done))

    def publish(self) -> dict[str, Any]:
        """Split, check for leaks, write the index and, last, the document."""
        from hrgldd_core.dataset.index import join_index, read_index, write_index
        from hrgldd_core.dataset.leaks import check_leaks
        from hrgldd_core.dataset.splits import assign_blocks, assign_splits

        old, parameters = self._document, self._parameters
        if not self._rows and old is None:
            raise InputError(
                "no patch with a landslide: "
                + "; ".join(f"{s['key']}: {_why(s['counts'])}" for s in self._scenes),
                remedy="Check that scenes and inventories cover the same place",
            )
        version = old["version"] + 1 if old else 1
        start = old["patches"] if old else 0
        before = [read_index(index_uri(self._out, old["version"]))] if old else []
        frame = join_index([*before, *self._rows])
        sites = _sites(old, self._units, parameters)
        new = np.arange(len(frame)) >= start
        frame["block"] = assign_blocks(
            frame, new, sites={s["name"]: s for s in sites}, size=parameters.size
        )
        frame["split"] = assign_splits(frame, new, parameters=parameters)
        check_leaks(frame, size=parameters.size, touching=parameters.split == "blocks")
        patches = self._writer.finish()
        if patches != len(frame):
            raise RuntimeError(f"{patches} patches were stored, {len(frame)} are in the index")
        write_index(frame, index_uri(self._out, version))
        scenes = [*(old["scenes"] if old else []), *self._scenes]
        document = {
            "format": FORMAT,
            "version": version,
            "software": __version__,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "patches": patches,
            "bands": list(parameters.bands),
            "dtype": self._units[0].dtype if old is None else old["dtype"],
            "patch_size": parameters.size,
            "pixel_size": sorted({s["pixel_size"] for s in scenes}),
            "splits": {k: int(v) for k, v in frame["split"].value_counts().items()},
            "sites": _counted(sites, frame),
            "parameters": parameters.model_dump(mode="json"),
            "scenes": scenes,
        }
        publish(self._out, document)
        return {
            **document,
            "new_scenes": len(self._units),
            "new_patches": patches - start,
            "out": self._out,
        }


def _why(counts: dict[str, int]) -> str:
    return (
        f"{counts['polygons']} polygons on it, {counts['empty']} patches without a landslide, "
        f"{counts['unusable']} with too few usable pixels"
    )


def _sites(
    old: dict[str, Any] | None, units: Sequence[Unit], parameters: DatasetParameters
) -> list[dict[str, Any]]:
    """Sites in the order in which they came, each with the grid of its blocks."""
    sites = {site["name"]: site for site in (old["sites"] if old else [])}
    for unit in units:
        grid = unit.scene.geobox
        side = parameters.block * parameters.size * grid.resolution.x
        sites.setdefault(
            unit.event.place,
            {"name": unit.event.place, "crs": _crs_name(grid), "block_m": side},
        )
    return list(sites.values())


def _crs_name(grid: GeoBox) -> str:
    """``EPSG:32643``, or WKT where there is no code."""
    crs = crs_of(grid)
    return f"EPSG:{crs.epsg}" if crs.epsg else str(crs.wkt)


def _counted(sites: Sequence[dict[str, Any]], frame: GeoDataFrame) -> list[dict[str, Any]]:
    counts = frame.groupby("site")["split"].value_counts()
    return [
        {**site, "splits": {k: int(v) for k, v in counts.get(site["name"], {}).items()}}
        for site in sites
    ]


def _scene_entry(unit: Unit, done: UnitCut) -> dict[str, Any]:
    scene, event = unit.scene, unit.event
    known = done.statistics
    return {
        "unit": unit.id,
        "key": unit.key,
        "event": event.model_dump(
            mode="json", include={"name", "role", "country", "trigger", "date", "bbox"}
        ),
        "site": event.place,
        "scene": scene.id,
        "href": storage.public(scene.href),
        "acquired": scene.acquired.isoformat() if scene.acquired else None,
        "crs": _crs_name(scene.geobox),
        "shape": list(scene.geobox.shape),
        "transform": list(scene.geobox.affine)[:6],
        "pixel_size": scene.geobox.resolution.x,
        "inputs": unit.inputs,
        "statistics": (
            {"center": list(known.center), "scale": list(known.scale)} if known else None
        ),
        "inventory": {
            "path": storage.public(event.inventory.path),
            "layer": event.inventory.layer,
            "where": event.inventory.where,
            **unit.inventory.counts.as_dict(),
        },
        "counts": done.counts(),
    }
