"""The maps from which an event's inventory is made: its only scene, or a mosaic for each zone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.windows import Window

from hrgldd_core.inventory.polygonise import SourceScene, polygonise
from hrgldd_core.mapping.mosaic import Mosaic, make_mosaic
from hrgldd_core.mapping.plan import MappingParameters
from hrgldd_core.mapping.probability import open_levels
from hrgldd_core.mapping.zones import zones
from hrgldd_core.scenes import Scene
from hrgldd_core.scenes.patience import DRIVER

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

__all__ = ["EventMap", "event_maps", "outline_landslides", "source_scenes"]


@dataclass(frozen=True)
class EventMap:
    """A probability map without overlaps.

    Attributes:
        probability: URI of its COG.
        mosaic: what it is, when it was made from several scenes; its files are local.
        suffix: tells the mosaics of several zones apart in file names.
    """

    probability: str
    mosaic: Mosaic | None = None
    suffix: str = ""


def source_scenes(scenes: Mapping[str, Scene]) -> list[SourceScene]:
    """Scenes of a run, sorted; a mosaic numbers them from 1."""
    return [SourceScene(k, scenes[k].acquired) for k in sorted(scenes)]


def event_maps(
    scenes: Mapping[str, Scene],
    probability: Mapping[str, str],
    *,
    parameters: MappingParameters,
    folder: Path,
) -> list[EventMap]:
    """The scene's own map when there is one scene; else a mosaic for each CRS, in ``folder``."""
    if len(scenes) == 1:
        return [EventMap(href) for href in probability.values()]
    found = zones({k: scene.target for k, scene in scenes.items()})
    maps = []
    for number, (crs, grids) in enumerate(found.items()):
        place = folder / str(number)
        place.mkdir()
        mosaic = make_mosaic(
            grids,
            probability,
            scenes=source_scenes(scenes),
            rule=parameters.mosaic,
            threshold=parameters.threshold,
            folder=place,
        )
        suffix = f"-{''.join(c for c in crs if c.isalnum())[:40].lower()}" if len(found) > 1 else ""
        maps.append(EventMap(str(mosaic.probability), mosaic, suffix))
    return maps


def outline_landslides(
    maps: Sequence[EventMap], scenes: Mapping[str, Scene], *, threshold: float
) -> list[GeoDataFrame]:
    """Polygons of each map, as `polygonise` gives them."""
    frames = []
    for made in maps:
        with ExitStack() as stack:
            read, grid = stack.enter_context(open_levels(made.probability))
            sources = None
            if made.mosaic is not None:
                dataset = stack.enter_context(rasterio.open(made.mosaic.source, driver=DRIVER))

                def sources(
                    rows: slice, columns: slice, of: rasterio.DatasetReader = dataset
                ) -> npt.NDArray[np.uint16]:
                    numbers: npt.NDArray[np.uint16] = of.read(
                        1, window=Window.from_slices(rows, columns)
                    )
                    return numbers

            frames.append(
                polygonise(
                    read,
                    grid,
                    threshold=threshold,
                    scenes=source_scenes(scenes),
                    sources=sources,
                )
            )
    return frames
