"""Building a dataset: events in, a new version out, or nothing at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from pydantic import ValidationError

from hrgldd_core import storage
from hrgldd_core.dataset.claim import CLAIM, claim
from hrgldd_core.dataset.content import Identities
from hrgldd_core.dataset.event_file import read_events
from hrgldd_core.dataset.parameters import DatasetParameters
from hrgldd_core.dataset.store import NAMES, current_document, publish, recover
from hrgldd_core.dataset.units import (
    Request,
    Unit,
    common_bands,
    find_scenes,
    open_units,
    select_new,
)
from hrgldd_core.dataset.version import Version
from hrgldd_core.dataset.workers import Workers, workers
from hrgldd_core.dataset.writer import PatchWriter
from hrgldd_core.errors import InputError
from hrgldd_core.findings import in_words
from hrgldd_core.progress import Progress, no_progress

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
        The dataset's document with ``new_scenes``, ``new_patches`` and ``warnings``.

    Raises:
        InputError: when an input is unusable, the dataset has other parameters, a site is too small
            to split, or splits leak; nothing was published.
    """
    requests = find_scenes(read_events(events))
    document = current_document(out)
    parameters = _parameters(document, bands, choices, requests)
    if document is None:
        _refuse_foreign(out)
        if parameters.split == "sites":
            from hrgldd_core.dataset.splits import check_sites

            check_sites(len({r.event.place for r in requests if r.event.role == "train"}))
    known = {s["key"]: s["unit"] for s in document["scenes"]} if document else {}
    with ThreadPoolExecutor() as pool, _nothing_more(pool):
        new = select_new(requests, known, parameters.bands, identities=Identities(pool))
        if not new and document is not None:
            return _warned(_nothing_new(document, out))
        units = open_units(new, parameters.bands)
        _check_types(units, document)
        storage.check_writable(out)
        with (
            storage.no_empty_folder(out),
            claim(out),
            workers(cluster, threads) as cutters,
        ):
            added = _add(units, out, parameters=parameters, cutters=cutters, progress=progress)
        return _warned(added)


@contextmanager
def _nothing_more(pool: Executor) -> Iterator[None]:
    """What waits in a pool is not begun after an error: checksums of large files take minutes."""
    try:
        yield
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise


def _add(
    units: Sequence[Unit],
    out: str,
    *,
    parameters: DatasetParameters,
    cutters: Workers,
    progress: Progress,
) -> dict[str, Any]:
    """Cut scenes into a dataset that is claimed; another build may have added some before."""
    document = recover(out)
    if document is not None:
        # Another build may have begun the dataset meanwhile, or ended just before it was current.
        _check_same(DatasetParameters.model_validate(document["parameters"]), parameters)
        _check_types(units, document)
    held = {s["key"] for s in document["scenes"]} if document else set()
    units = [unit for unit in units if unit.key not in held]
    if document is not None and not units:
        return _nothing_new(document, out)
    writer = PatchWriter(out, start=document["patches"] if document else 0)
    try:
        build = Version(out, document, parameters, writer)
        for unit in units:
            build.add(unit, cutters, progress)
        finished = build.finish()
    except InputError:
        writer.rollback()
        raise
    # From here on the version may be there, whatever fails: nothing is taken back.
    publish(out, finished)
    return {
        **finished,
        "new_scenes": len(units),
        "new_patches": finished["patches"] - (document["patches"] if document else 0),
        "out": out,
    }


def _nothing_new(document: dict[str, Any], out: str) -> dict[str, Any]:
    return {**document, "new_scenes": 0, "new_patches": 0, "out": out}


def _warned(result: dict[str, Any]) -> dict[str, Any]:
    from hrgldd_core.dataset.summary import build_warnings

    return {**result, "warnings": build_warnings(result)}


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
        option = "".join(f"--{part}" for part in first["loc"][:1]).replace("_", "-")
        problem, remedy = in_words(first, field=option)
        raise InputError(problem, remedy=remedy) from None
    if held is not None:
        _check_same(held, asked)
    return asked


def _check_same(held: DatasetParameters, asked: DatasetParameters) -> None:
    differing = [
        f"{name} {getattr(held, name)}, not {getattr(asked, name)}"
        for name in DatasetParameters.model_fields
        if getattr(held, name) != getattr(asked, name)
    ]
    if differing:
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
