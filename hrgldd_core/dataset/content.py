"""What decides the patches of a scene: the content of its files, identified while they are cut."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from functools import cached_property
from typing import Any

import pystac

from hrgldd_core import storage
from hrgldd_core.dataset.event_file import DatasetEvent
from hrgldd_core.inventory.read import inventory_identity
from hrgldd_core.scenes.bands import find_bands, find_mask

__all__ = ["Content", "Identities"]


class Identities:
    """Identities of files, each taken once, beside other work: a checksum reads all of a file."""

    def __init__(self, pool: Executor) -> None:
        self._pool = pool
        self._taken: dict[tuple[Any, str], Future[Any]] = {}

    def take(self, identity: Callable[[str], Any], uri: str) -> Future[Any]:
        """Begin to identify a file, if nobody has."""
        if (identity, uri) not in self._taken:
            self._taken[identity, uri] = self._pool.submit(identity, uri)
        return self._taken[identity, uri]


class Content:
    """The content that decides the patches of one scene of an event."""

    def __init__(
        self,
        key: str,
        event: DatasetEvent,
        item: pystac.Item,
        *,
        bands: Sequence[str],
        identities: Identities,
    ) -> None:
        """Begin to identify the files.

        Args:
            key: of the scene in the dataset.
            event: its event.
            item: the scene.
            bands: of the dataset.
            identities: of files.
        """
        mask, self._source = find_mask(item), event.inventory
        self._known = [key, event.place, event.role, event.bbox, str(item.datetime)]
        self._bands = [
            (asset.href, index, identities.take(storage.quick_identity, asset.href))
            for asset, index in find_bands(item, bands)
        ]
        self._mask = (
            (mask.href, identities.take(storage.quick_identity, mask.href)) if mask else None
        )
        self._inventory = identities.take(inventory_identity, self._source.path)

    @cached_property
    def inputs(self) -> dict[str, Any]:
        """Size and checksum (or etag) of each file.

        Raises:
            InputError: when one cannot be read.
        """
        inputs = {storage.public(href): found.result() for href, _, found in self._bands}
        if self._mask:
            inputs[storage.public(self._mask[0])] = self._mask[1].result()
        inputs[storage.public(self._source.path)] = self._inventory.result()
        return inputs

    @cached_property
    def id(self) -> str:
        """Hash of it all.

        Raises:
            InputError: when a file cannot be read.
        """
        decisive = [
            self._known,
            [[found.result(), index] for _, index, found in self._bands],
            self._mask[1].result() if self._mask else None,
            [self._inventory.result(), self._source.layer, self._source.where],
        ]
        text = json.dumps(decisive, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
