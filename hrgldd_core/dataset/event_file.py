"""Event files: what happened where, which scenes show it, and which inventory outlines it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from hrgldd_core import storage
from hrgldd_core.errors import InputError
from hrgldd_core.findings import in_words

__all__ = ["DatasetEvent", "InventorySource", "SceneSource", "read_events", "slug"]

_STRICT = ConfigDict(extra="forbid", frozen=True)


def slug(name: str) -> str:
    """A name as part of an identifier: lower case letters and digits, joined by hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _text(value: Any) -> Any:
    """YAML reads a bare 2024-11-10 as a date."""
    return value.isoformat() if isinstance(value, date) else value


def _day(value: Any) -> Any:
    """A date, a month or a year; or two of them."""
    text = str(_text(value))
    if text and not all(map(_is_day, text.split("/", 1))):
        raise ValueError(f"{text!r} is no date: write it as 2024-07-30, 2024-07 or 2024")
    return text


def _is_day(text: str) -> bool:
    if re.fullmatch(r"\d{4}(-(0[1-9]|1[0-2]))?", text):
        return True
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _names(value: Any) -> Any:
    """``blue,green,red`` as a list."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _as_mapping(key: str) -> BeforeValidator:
    return BeforeValidator(lambda value: {key: value} if isinstance(value, str) else value)


Text = Annotated[str, BeforeValidator(_text)]
Day = Annotated[str, BeforeValidator(_day)]
Names = Annotated[tuple[str, ...], BeforeValidator(_names)]


class SceneSource(BaseModel):
    """A scene file."""

    model_config = _STRICT

    path: str = Field(min_length=1, description="path or URI of a GeoTIFF")
    bands: Names = Field((), description="names of all its bands, in order")
    datetime: Text = Field("", description="when it was taken, where the file does not tell")


class InventorySource(BaseModel):
    """Outlines of landslides."""

    model_config = _STRICT

    path: str = Field(min_length=1, description="any vector file that GDAL reads, or GeoParquet")
    layer: str | None = Field(None, description="of a file with several")
    where: str | None = Field(None, description="attribute filter (SQL), such as: year = 2010")


class DatasetEvent(BaseModel):
    """An event whose landslides are outlined, and the scenes to cut patches from."""

    model_config = _STRICT

    name: str = Field(min_length=1, description="for people, such as 'Hokkaido 2018'")
    site: str = Field("", description="study area; events of one site are split together")
    role: Literal["train", "unseen"] = Field(
        "train", description="unseen: takes no part in training (the paper's Collection 3)"
    )
    country: str = ""
    trigger: str = Field("", description="earthquake, rainfall, ...")
    date: Day = Field("", description="of the event itself, or its first and last, A/B")
    bbox: tuple[float, float, float, float] | None = Field(
        None, description="area of interest: west, south, east, north in degrees (EPSG:4326)"
    )
    datetime: Text = Field("", description="dates of the images to search, A/B")
    scenes: tuple[Annotated[SceneSource, _as_mapping("path")], ...] = ()
    bands: Names = Field((), description="names of all bands of the scene files, in order")
    stac: str = Field("", description="STAC API, or GeoJSON file of items, to search for scenes")
    collections: Names = ()
    max_items: int | None = Field(None, ge=1)
    inventory: Annotated[InventorySource, _as_mapping("path")]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if bool(self.scenes) == bool(self.stac):
            raise ValueError("give either 'scenes' (files) or 'stac' (a search)")
        if self.stac and not self.bbox:
            raise ValueError("a 'stac' search needs a 'bbox'")
        only = [k for k in ("collections", "max_items", "datetime") if getattr(self, k)]
        if self.scenes and only:
            raise ValueError(f"{only[0]!r} belongs to a 'stac' search, not to 'scenes'")
        if self.stac and self.bands:
            raise ValueError("'bands' belongs to 'scenes'; STAC items name their own")
        if not slug(self.name) or not slug(self.site or self.name):
            raise ValueError("'name' and 'site' need letters or digits (a-z, 0-9)")
        return self

    @property
    def place(self) -> str:
        """The site: as given, or the name as an identifier."""
        return slug(self.site or self.name)


_FIELDS = tuple(DatasetEvent.model_fields)


def read_events(uris: Sequence[str]) -> list[DatasetEvent]:
    """Events of YAML files, each a mapping, a list, or a mapping with the list ``events``.

    Relative paths in a file are relative to it.

    Raises:
        InputError: naming file, event and field.
    """
    events = []
    for uri in uris:
        found = _entries(uri)
        for number, entry in enumerate(found):
            name = entry.get("name") if isinstance(entry, dict) else None
            where = f"{uri}: event {name or number + 1}"
            try:
                events.append(_absolute(DatasetEvent.model_validate(entry), uri))
            except ValidationError as error:
                found_wrong = [in_words(e, known=_FIELDS) for e in error.errors()]
                remedies = [remedy for _, remedy in found_wrong if remedy]
                raise InputError(
                    "; ".join(problem for problem, _ in found_wrong),
                    where=where,
                    remedy="; ".join([*remedies, "docs/datasets.md has the fields of an event"]),
                ) from None
    names = [slug(event.name) for event in events]
    for event, name in zip(events, names, strict=True):
        if names.count(name) > 1:
            raise InputError(f"two events are called {event.name!r}", remedy="Rename one")
    return events


def _entries(uri: str) -> list[Any]:
    try:
        document = yaml.safe_load(storage.read_bytes(uri))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"is not YAML ({reason})", where=uri) from None
    if isinstance(document, dict) and "events" in document:
        if set(document) != {"events"}:
            other = sorted(map(str, set(document) - {"events"}))
            raise InputError(f"unknown field {other[0]!r} beside 'events'", where=uri)
        document = document["events"]
    if isinstance(document, dict):
        return [document]
    if isinstance(document, list) and document:
        return document
    raise InputError(
        "holds no event",
        where=uri,
        remedy="Give a mapping with name, scenes or stac, and inventory, or a list of them",
    )


def _absolute(event: DatasetEvent, file: str) -> DatasetEvent:
    return event.model_copy(
        update={
            "scenes": tuple(
                s.model_copy(update={"path": _beside(s.path, file)}) for s in event.scenes
            ),
            "stac": _beside(event.stac, file) if event.stac else "",
            "inventory": event.inventory.model_copy(
                update={"path": _beside(event.inventory.path, file)}
            ),
        }
    )


def _beside(path: str, file: str) -> str:
    """A path relative to a file, made absolute."""
    if urlsplit(path).scheme:
        return path
    if not storage.is_local(file):
        return storage.join(file.rsplit("/", 1)[0], path)
    return str((storage.local_path(file).absolute().parent / Path(path).expanduser()).resolve())
