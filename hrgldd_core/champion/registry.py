"""A registry of models below a prefix, and which of them is the champion.

``models/NAME`` are model folders, ``champions/N.json`` the champions one after the other, each
written only where there is none: of two runs at the same moment one wins. The last is the champion;
``champion.json`` repeats it for people and tools.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hrgldd_core import storage
from hrgldd_core.errors import InputError
from hrgldd_core.models.store import StoredModel

__all__ = ["Champion", "crown", "read_champion"]

_FILES = ("model.weights.h5", "item.json", "README.md", "model.json")
_NUMBERED = re.compile(r"(\d{6})\.json")


class Champion(BaseModel):
    """What ``champion.json`` says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: int = Field(ge=1, description="1 is the first champion of this registry")
    model: str = Field(description="URI of its model folder")
    sha256: str = Field(description="of its specification and weights")
    id: str
    version: str
    since: str = Field(description="when it was registered (UTC)")
    evaluation: str = Field("", description="URI of the figures that decided")
    f1: float | None = Field(None, description="on the test patches that decided")


def read_champion(registry: str) -> Champion | None:
    """The champion, None when there is none yet.

    Raises:
        InputError: when the registry holds something else.
    """
    numbers = _numbers(registry)
    if not numbers:
        return None
    uri = _entry(registry, numbers[-1])
    try:
        return Champion.model_validate(storage.read_json(uri))
    except ValidationError as error:
        field = ".".join(map(str, error.errors()[0]["loc"]))
        raise InputError(f"describes no champion ({field})", where=uri) from None


def crown(
    registry: str, model: StoredModel, *, instead_of: Champion | None, **figures: Any
) -> Champion:
    """Copy a model folder into the registry, and make it the champion.

    Args:
        registry: prefix.
        model: an opened folder.
        instead_of: the champion that it was compared with.
        figures: ``evaluation`` and ``f1`` of `Champion`.

    Raises:
        InputError: when another champion was registered meanwhile; this model is not, then.
    """
    number = instead_of.number + 1 if instead_of else 1
    folder = storage.join(registry, "models", f"{model.spec.id}-{model.digest[:12]}")
    for name in _FILES:
        source = storage.join(model.uri, name)
        if storage.exists(source):
            storage.write_bytes(storage.join(folder, name), storage.read_bytes(source))
    champion = Champion(
        number=number,
        model=folder,
        sha256=model.digest,
        id=model.spec.id,
        version=model.spec.version,
        since=datetime.now(UTC).isoformat(timespec="seconds"),
        **figures,
    )
    document = f"{champion.model_dump_json(indent=2)}\n".encode()
    if not storage.create_bytes(_entry(registry, number), document):
        raise InputError(
            f"another model became champion {number} meanwhile",
            where=registry,
            remedy="Repeat the run: the model is then compared with that one",
        )
    _repeat_last(registry)
    return champion


def _repeat_last(registry: str) -> None:
    """Whoever writes last has seen all numbers before: the pointer ends at the last one."""
    target, written = storage.join(registry, "champion.json"), 0
    while (last := _numbers(registry)[-1]) != written:
        storage.write_bytes(target, storage.read_bytes(_entry(registry, last)))
        written = last


def _numbers(registry: str) -> list[int]:
    names = storage.list_names(storage.join(registry, "champions"))
    return sorted(int(m[1]) for m in map(_NUMBERED.fullmatch, names) if m)


def _entry(registry: str, number: int) -> str:
    return storage.join(registry, "champions", f"{number:06}.json")
