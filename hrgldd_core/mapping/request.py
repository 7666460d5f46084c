"""From what a user asks to a plan: scenes found, model opened, nothing written."""

from __future__ import annotations

from math import inf
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hrgldd_core import storage
from hrgldd_core.errors import InputError
from hrgldd_core.mapping.plan import MappingParameters, MappingPlan, make_plan
from hrgldd_core.mapping.runtime import chosen_runtime
from hrgldd_core.mapping.tta import chosen_tta
from hrgldd_core.models.store import BUNDLED, open_model
from hrgldd_core.stac.catalog import SearchQuery, find, parse_bbox, parse_interval
from hrgldd_core.stac.cql2_filter import parse_filter
from hrgldd_core.stac.ingest import item_from_raster
from hrgldd_core.stac.web import is_web

__all__ = ["plan_mapping"]


def plan_mapping(
    *,
    out: str,
    scenes: tuple[str, ...] = (),
    bands: str = "",
    stac: str | None = None,
    collections: str = "",
    bbox: str | None = None,
    interval: str | None = None,
    filter_text: str | None = None,
    max_items: int | None = None,
    models: tuple[str, ...] = (BUNDLED,),
    threshold: float | None = None,
    min_area: float = 100.0,
    mosaic: str = "recent",
    event: str = "",
    runtime: str = "auto",
    precision: str = "float32",
    tta: str = "none",
    price_per_hour: float | None = None,
) -> MappingPlan:
    """Plan a run from the options of ``hrgldd map``.

    Raises:
        InputError: when options contradict each other, nothing is found, or an input is unusable.
    """
    if bool(scenes) == bool(stac):
        raise InputError(
            "give either --scene or --stac", remedy="--scene PATH, or --stac URL --bbox W,S,E,N"
        )
    if threshold is not None and not 0 < threshold < 1:
        raise InputError(f"threshold {threshold:g} is not between 0 and 1")
    if not 0 <= min_area < inf:
        raise InputError(f"minimum area {min_area:g} m2 is no area", remedy="Give 0 or more")
    stored = [open_model(uri) for uri in models or (BUNDLED,)]
    aoi = parse_bbox(bbox) if bbox else None
    if aoi and aoi[0] > aoi[2]:
        raise InputError(
            f"bbox {bbox!r} crosses the antimeridian", remedy="Map each side of it on its own"
        )
    if scenes:
        names = tuple(filter(None, bands.split(",")))
        items = [item_from_raster(_absolute(path), bands=names) for path in scenes]
        searched = {"files": ", ".join(scenes)}
    else:
        query = SearchQuery(
            bbox=aoi,
            interval=parse_interval(interval) if interval else (None, None),
            collections=tuple(filter(None, collections.split(","))),
            filter=parse_filter(filter_text) if filter_text else None,
            max_items=max_items,
        )
        source = str(stac)
        source = source if is_web(source) else _absolute(source)
        found = find(source, query)
        items = found.items
        searched = {"catalogue": str(stac), **query.describe()}
        if found.unreadable:
            # A dead link costs its item only, but not silently.
            searched["unreadable"] = "; ".join(found.unreadable.values())
    return make_plan(
        items,
        *stored,
        out=_absolute(out),
        event=event or ", ".join(item.id for item in items[:3]),
        parameters=_parameters(
            threshold=threshold or stored[0].spec.threshold,
            min_area_m2=min_area,
            runtime=chosen_runtime(runtime),
            precision=precision,
            tta=chosen_tta(tta),
            mosaic=mosaic,
        ),
        aoi=aoi,
        searched=searched,
    ).model_copy(update={"price_per_hour": price_per_hour})


def _parameters(**chosen: Any) -> MappingParameters:
    try:
        return MappingParameters(**chosen)
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"{first['loc'][0]} {first['input']!r}: {first['msg']}") from None


def _absolute(uri: str) -> str:
    """The same place whatever the working directory of a later step."""
    return str(Path(storage.local_path(uri)).absolute()) if storage.is_local(uri) else uri
