"""From events to what is cut: one unit for each scene of each event, checked and identified."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pystac

from hrgldd_core.dataset.content import Content, Identities
from hrgldd_core.dataset.event_file import DatasetEvent, slug
from hrgldd_core.errors import InputError
from hrgldd_core.grid import BBox
from hrgldd_core.inventory.read import Inventory, read_inventory
from hrgldd_core.scenes import Scene, open_scene
from hrgldd_core.scenes.bands import asset_band_names
from hrgldd_core.scenes.open import open_raster
from hrgldd_core.stac.catalog import SearchQuery, parse_bbox, parse_interval, search
from hrgldd_core.stac.ingest import item_from_raster

__all__ = ["Request", "Unit", "common_bands", "find_scenes", "open_units", "select_new"]

_BANDS = ("blue", "green", "red", "nir")


@dataclass(frozen=True)
class Request:
    """A scene of an event that patches are wanted of; nothing but metadata was read.

    Attributes:
        event: the event.
        item: the scene.
    """

    event: DatasetEvent
    item: pystac.Item

    @property
    def key(self) -> str:
        """Event and scene, unique in a dataset."""
        return f"{slug(self.event.name)}/{self.item.id}"


@dataclass(frozen=True)
class Unit:
    """A scene of an event, ready to be cut.

    Attributes:
        content: that decides its patches.
        event: the event.
        scene: opened and checked.
        inventory: of the event.
        dtype: of the scene's pixels.
        block_rows: rows of a block of the scene's file.
    """

    content: Content
    event: DatasetEvent
    scene: Scene
    inventory: Inventory
    dtype: str
    block_rows: int

    @property
    def key(self) -> str:
        """Event and scene, unique in a dataset."""
        return f"{slug(self.event.name)}/{self.scene.id}"


def find_scenes(events: Sequence[DatasetEvent]) -> list[Request]:
    """The scenes of all events, in the order of the events and, within one, of scene ids.

    Raises:
        InputError: when a scene cannot be read, is named twice, or a search finds nothing.
    """
    found = []
    for event in events:
        try:
            items = _search(event) if event.stac else _files(event)
        except InputError as error:
            raise _of_event(error, event) from None
        ids = [item.id for item in items]
        for name in ids:
            if ids.count(name) > 1:
                raise InputError(
                    f"two scenes are called {name!r}",
                    where=f"event {event.name}",
                    remedy="Give each scene once",
                )
        found += [Request(event, item) for item in sorted(items, key=lambda item: item.id)]
    return found


def _of_event(error: InputError, event: DatasetEvent) -> InputError:
    """An error of a scene, with a remedy that an event file offers: mapping has other options."""
    remedy = error.remedy
    if error.problem.startswith("has no ") and "--bands" in remedy:
        remedy = "Choose --bands that all scenes have, or correct `bands` in the event file"
    elif "--bands" in remedy:
        remedy = "Name every band in the event file, such as bands: [blue, green, red, nir]"
    remedy = re.sub(r" or --filter", "", remedy)
    remedy = re.sub(r"--(bbox|datetime|collections)", r"`\1` of the event", remedy)
    where = f"event {event.name}: {error.where}" if error.where else f"event {event.name}"
    return InputError(error.problem, where=where, remedy=remedy)


def _area(event: DatasetEvent) -> BBox | None:
    if not event.bbox:
        return None
    try:
        return parse_bbox(",".join(map(str, event.bbox)))
    except InputError as error:
        raise _of_event(error, event) from None


def _search(event: DatasetEvent) -> list[pystac.Item]:
    query = SearchQuery(
        bbox=event.bbox,
        interval=parse_interval(event.datetime) if event.datetime else (None, None),
        collections=event.collections,
        max_items=event.max_items,
    )
    return search(event.stac, query)


def _files(event: DatasetEvent) -> list[pystac.Item]:
    return [
        item_from_raster(
            source.path,
            bands=source.bands or event.bands,
            acquired=_moment(source.datetime) if source.datetime else None,
        )
        for source in event.scenes
    ]


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            f"datetime {text!r} of a scene is no date", remedy="Write it as 2024-11-10T05:39:42Z"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def common_bands(requests: Sequence[Request]) -> tuple[str, ...]:
    """Blue, green, red and, where all scenes have it, near infrared."""
    for request in requests:
        named = {b for asset in request.item.assets.values() for b in asset_band_names(asset)}
        if "nir" not in named:
            return _BANDS[:3]
    return _BANDS


def select_new(
    requests: Sequence[Request],
    known: Mapping[str, str],
    bands: Sequence[str],
    *,
    identities: Identities,
) -> list[tuple[Request, Content]]:
    """The requests that a dataset does not hold yet, with their content.

    Args:
        requests: what is wanted.
        known: id of each unit of the dataset, by key.
        bands: of the dataset.
        identities: of files.

    Raises:
        InputError: when a scene's content, or its event's, changed since it was added.
    """
    contents = []
    for request in requests:
        try:
            content = Content(
                request.key, request.event, request.item, bands=bands, identities=identities
            )
        except InputError as error:
            raise _of_event(error, request.event) from None
        contents.append(content)
    new = []
    for request, content in zip(requests, contents, strict=True):
        if (held := known.get(request.key)) is None:
            new.append((request, content))
        elif held != content.id:
            raise InputError(
                f"scene {request.item.id} is already in the dataset, from other files or with "
                "another inventory, site, role or area",
                where=f"event {request.event.name}",
                remedy="Build a new dataset with another --out, or give the event another name",
            )
    return new


def open_units(new: Sequence[tuple[Request, Content]], bands: Sequence[str]) -> list[Unit]:
    """Open scenes and read inventories, each once.

    Raises:
        InputError: when a scene cannot be cut or an inventory cannot be read.
    """
    inventories: dict[Any, Inventory] = {}
    units = []
    for request, content in new:
        event, source = request.event, request.event.inventory
        if source not in inventories:
            inventories[source] = read_inventory(
                source.path, layer=source.layer, where=source.where
            )
        aoi = _area(event)
        if aoi and aoi[0] > aoi[2]:
            raise InputError(
                "bbox crosses the antimeridian",
                where=f"event {event.name}",
                remedy="Make an event of each side of it, with the same site",
            )
        try:
            scene = open_scene(request.item, bands=bands, aoi=aoi)
        except InputError as error:
            raise _of_event(error, event) from None
        with open_raster(scene.href) as dataset:
            dtype, block_rows = dataset.dtypes[0], int(dataset.block_shapes[0][0])
        inventory = inventories[source]
        units.append(Unit(content, event, scene, inventory, dtype, block_rows))
    return units
