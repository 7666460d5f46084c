"""A version of a dataset in the making: patches stored, split, checked, published."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from hrgldd_core import __version__
from hrgldd_core.dataset.cutting import cut_unit
from hrgldd_core.dataset.document import counted, scene_entry, sites_of
from hrgldd_core.dataset.parameters import DatasetParameters
from hrgldd_core.dataset.sample import Cut
from hrgldd_core.dataset.store import FORMAT, index_uri
from hrgldd_core.dataset.units import Unit
from hrgldd_core.dataset.workers import Workers
from hrgldd_core.dataset.writer import PatchWriter
from hrgldd_core.errors import InputError
from hrgldd_core.progress import Progress

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

__all__ = ["Version"]


class Version:
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

        cuts: list[Cut] = []

        def take(cut: Cut) -> None:
            if len(cut.corners):
                self._writer.append(cut.images, cut.labels)
                cuts.append(cut.without_pixels())

        done = cut_unit(unit, self._parameters, pool, take=take, progress=progress)
        if cuts:
            self._rows.append(index_rows(unit, cuts, size=size))
        self._units.append(unit)
        self._scenes.append(scene_entry(unit, done))

    def finish(self) -> dict[str, Any]:
        """Split, check for leaks, write the index; the document, which is still to be published.

        Raises:
            InputError: when there is nothing to publish, a site is too small, or splits leak.
        """
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
        sites = sites_of(old, self._units, parameters)
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
        return {
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
            "sites": counted(sites, frame),
            "parameters": parameters.model_dump(mode="json"),
            "scenes": scenes,
        }


def _why(counts: dict[str, int]) -> str:
    return (
        f"{counts['polygons']} polygons on it, {counts['empty']} patches without a landslide, "
        f"{counts['unusable']} with too few usable pixels"
    )
