"""What a mapping run will do, decided once and carried between its steps as one JSON document."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

import pystac
from pydantic import BaseModel, ConfigDict, Field, model_validator

from hrgldd_core import __version__, storage
from hrgldd_core.errors import InputError, OutputExistsError, some
from hrgldd_core.grid import BBox
from hrgldd_core.mapping.mosaic_rule import MosaicRule
from hrgldd_core.mapping.runtime import Precision, RuntimeName
from hrgldd_core.mapping.tta import Tta
from hrgldd_core.models.store import ModelSpec, StoredModel
from hrgldd_core.scenes.bands import find_bands, find_mask
from hrgldd_core.scenes.open import check_id

__all__ = [
    "MappingParameters",
    "MappingPlan",
    "PlannedModel",
    "claim_output",
    "is_finished",
    "make_plan",
    "release_output",
]

_MARKER = "run.json"
_FINAL = "collection.json"
# Each waits for a server most of the time.
_AT_ONCE = 16


class MappingParameters(BaseModel):
    """What may be chosen about a run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    threshold: float = Field(gt=0, lt=1, description="probability from which a pixel is landslide")
    min_area_m2: float = Field(100.0, ge=0, description="smaller areas are left out and counted")
    mosaic: MosaicRule = Field(
        "recent", description="which observation of a pixel counts where scenes overlap"
    )
    window: int = Field(1024, ge=256, description="largest side of a window, pixels")
    margin: int = Field(64, ge=0, description="outer pixels of a window that are thrown away")
    blend: int = Field(32, ge=0, description="pixels over which neighbouring windows are mixed")
    runtime: RuntimeName = Field("tensorflow", description="what runs the model")
    precision: Precision = Field("float32", description="numbers that the model computes with")
    tta: Tta = Field("none", description="sides from which the model sees each window")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        lead = self.margin + self.blend // 2
        if lead % 16 or self.blend % 2 or self.window - self.window % 16 <= 2 * lead:
            raise ValueError("margin + blend / 2 must be a multiple of 16, below half a window")
        if self.window - self.window % 16 - 2 * lead < 2 * self.blend:
            raise ValueError("blend must be at most half of what a window keeps")
        return self


class PlannedModel(BaseModel):
    """A model as it was when the run was planned."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    uri: str = Field(description="of the model folder, or 'bundled'")
    digest: str = Field(description="of its specification and weights")


class MappingPlan(BaseModel):
    """Inputs and choices of a run.

    The run id is a hash of all that determines the result, so the same request finds its own
    unfinished or finished result again.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    run_id: str
    event: str = Field(description="name of the event, for people")
    out: str = Field(description="URI prefix of the result")
    models: tuple[PlannedModel, ...] = Field(
        min_length=1, description="what looks at each window; the first one's bands and threshold"
    )
    searched: dict[str, str] = Field({}, description="what was searched, in words")
    aoi: BBox | None = Field(None, description="west, south, east, north in degrees")
    parameters: MappingParameters
    price_per_hour: float | None = Field(None, ge=0, description="of a node, in any currency")
    items: list[dict[str, Any]] = Field(description="STAC items of the scenes")
    strip_pixels: int = Field(
        16_000_000, gt=0, description="pixels that are computed and kept together"
    )
    unusable: dict[str, str] = Field(
        {}, description="why scenes that were asked for are not among the items, by id"
    )
    inputs: dict[str, dict[str, str | int]] = Field(
        description="size and checksum (or etag) of each file that is read"
    )

    @property
    def layers(self) -> int:
        """Of what is mapped: 2 where each window is looked at more than once."""
        return 2 if len(self.models) > 1 or self.parameters.tta != "none" else 1

    def model_label(self, spec: ModelSpec) -> str:
        """What made a map, for people, from the first model's specification."""
        more = f" and {len(self.models) - 1} more" if len(self.models) > 1 else ""
        return f"{spec.id} {spec.version}{more}"

    def scenes(self) -> list[pystac.Item]:
        """The items, sorted by id."""
        return [pystac.Item.from_dict(item) for item in self.items]


def make_plan(
    items: list[pystac.Item],
    *models: StoredModel,
    out: str,
    event: str,
    parameters: MappingParameters,
    aoi: BBox | None = None,
    searched: dict[str, str] | None = None,
) -> MappingPlan:
    """Decide a run; nothing is written.

    A scene without the model's bands, or one that cannot be read, costs that scene only.

    Args:
        items: the scenes.
        models: that look at each window, of the same bands and normalisation.
        out: URI prefix of the result.
        event: its name, for people.
        parameters: what was chosen.
        aoi: west, south, east, north in degrees.
        searched: what was searched, in words.

    Raises:
        InputError: when no scene is left, with the reason for each; when the models differ in what
            they look at.
    """
    model = models[0]
    _check_alike(models)
    ids = [item.id for item in items]
    if len(set(ids)) != len(ids):
        twice = next(i for i in ids if ids.count(i) > 1)
        raise InputError(f"two scenes are called {twice!r}", remedy="Give each scene once")
    for asset in (a for item in items for a in item.assets.values()):
        asset.href = storage.unsigned(asset.href)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = list(pool.map(lambda item: _inputs(item, model.spec.bands), items))
    inputs = {k: v for each in found if not isinstance(each, str) for k, v in each.items()}
    unusable = {
        item.id: each for item, each in zip(items, found, strict=True) if isinstance(each, str)
    }
    if items and len(unusable) == len(items):
        raise InputError(some(unusable.values(), between="\n"))
    items = [item for item in items if item.id not in unusable]
    inputs = dict(sorted(inputs.items()))
    decisive = {
        "software": __version__,
        "models": [m.digest for m in models],
        "parameters": parameters.model_dump(),
        "aoi": aoi,
        "scenes": sorted(json.dumps(_content(i, model.spec.bands, inputs)) for i in items),
    }
    digest = hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()
    return MappingPlan(
        run_id=digest[:16],
        event=event,
        out=out,
        models=tuple(PlannedModel(uri=m.uri, digest=m.digest) for m in models),
        searched=searched or {},
        aoi=aoi,
        parameters=parameters,
        items=[item.to_dict(include_self_link=False) for item in items],
        unusable=unusable,
        inputs=inputs,
    )


def _check_alike(models: Sequence[StoredModel]) -> None:
    first = models[0]
    for number, other in enumerate(models):
        for what in ("bands", "normalisation"):
            one, two = getattr(first.spec, what), getattr(other.spec, what)
            if one != two:
                raise InputError(
                    f"has other {what} than {first.uri}: {two}, not {one}",
                    where=other.uri,
                    remedy="Models that look together must be given the same",
                )
        if other.digest in {m.digest for m in models[:number]}:
            raise InputError("is given twice", where=other.uri, remedy="Give each model once")


def _inputs(item: pystac.Item, bands: tuple[str, ...]) -> dict[str, dict[str, str | int]] | str:
    """The identity of each file that is read of a scene, or why it cannot be used."""
    try:
        check_id(item.id)
        hrefs = {asset.href for asset, _ in find_bands(item, bands)}
        if mask := find_mask(item):
            hrefs.add(mask.href)
        return {href: storage.quick_identity(href) for href in sorted(hrefs)}
    except InputError as error:
        return str(error)


def _content(
    item: pystac.Item, bands: tuple[str, ...], inputs: dict[str, dict[str, str | int]]
) -> list[Any]:
    """What of a scene decides its map: what is read, as which band, and when it was taken."""
    read = [[inputs[asset.href], index] for asset, index in find_bands(item, bands)]
    mask = find_mask(item)
    return [item.id, str(item.datetime), read, inputs[mask.href] if mask else None]


def is_finished(plan: MappingPlan) -> bool:
    """Whether the output already holds this very result, with nothing missing.

    Raises:
        OutputExistsError: when it holds, or has begun to hold, another one.
    """
    marker = storage.join(plan.out, _MARKER)
    collection = storage.join(plan.out, _FINAL)
    final = storage.exists(collection)
    if storage.exists(marker):
        content = storage.read_json(marker)
        found = content.get("run_id") if isinstance(content, dict) else None
        if found == plan.run_id:
            # What was missing may be there now: an incomplete result is gone on with.
            return final and storage.read_json(collection).get("hrgldd:status") == "done"
        what = "the result" if final else "an unfinished result"
        problem = f"holds {what} of another run ({found})"
    elif final or any(not name.startswith(".") for name in storage.list_names(plan.out)):
        problem = "is not empty and not the result of a mapping run"
    else:
        return False
    raise OutputExistsError(
        problem, where=plan.out, remedy="Choose another --out, or remove what is there"
    )


def claim_output(plan: MappingPlan) -> None:
    """Mark the output as this run's, before anything else is written there."""
    marker = storage.join(plan.out, _MARKER)
    if not storage.exists(marker):
        storage.check_writable(plan.out)
        mine = {"run_id": plan.run_id, "software": __version__}
        # Of several runs at the same moment one wins.
        storage.create_bytes(marker, f"{json.dumps(mine, indent=2)}\n".encode())
    if storage.read_json(marker).get("run_id") != plan.run_id:
        raise OutputExistsError(
            "was claimed by another run", where=plan.out, remedy="Choose another --out"
        )


def release_output(plan: MappingPlan) -> None:
    """Take the mark and what was kept away again when nothing could be mapped."""
    names = set(storage.list_names(plan.out))
    if names and names <= {_MARKER, ".work"}:
        storage.remove_tree(storage.join(plan.out, ".work"))
        storage.remove(storage.join(plan.out, _MARKER))
        storage.remove_empty(plan.out)
