"""Scoring models on labelled patches: what ``hrgldd evaluate`` does."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from hrgldd_core import storage
from hrgldd_core.dataset.patches import PatchSet, open_patches
from hrgldd_core.errors import InputError, OutputExistsError
from hrgldd_core.evaluation.assess import assess
from hrgldd_core.evaluation.comparison import About
from hrgldd_core.evaluation.contenders import ModelContender, check_bands, open_contenders
from hrgldd_core.evaluation.layout import lay_out, parse_collections, parse_unseen
from hrgldd_core.evaluation.metrics import metrics_of
from hrgldd_core.evaluation.output import write_comparison
from hrgldd_core.evaluation.scores import Settings
from hrgldd_core.models.store import BUNDLED
from hrgldd_core.progress import Progress, no_progress
from hrgldd_core.training.identity import data_identities

__all__ = ["evaluate_models", "metrics_of"]


def evaluate_models(
    *,
    data: str,
    out: str,
    models: Sequence[str] = (BUNDLED,),
    split: str | None = None,
    threshold: float | None = None,
    unseen: Sequence[str] = (),
    collections: str | None = None,
    settings: Settings = Settings(),  # noqa: B008 - frozen
    progress: Progress = no_progress,
) -> dict[str, Any]:
    """Score models; ``metrics.json`` and a report are written below ``out``, the former returned.

    Of data that names its splits the test and unseen patches are scored, and the figures at the
    top are those of the test patches. Several models are compared: a folder for each,
    ``comparison.json`` and ``comparison.csv``, and in ``metrics.json`` the figures of the one that
    did best on *validation* patches. Pixels without data do not count.

    Args:
        data: patches.
        out: folder or prefix.
        models: model folders, each maybe as ``NAME=URI``.
        split: score the patches of one split only.
        threshold: for all models; None leaves each its own.
        unseen: further events, ``NAME=URI`` each.
        collections: ``1,2,3`` or part of it; None for all there are.
        settings: of objects and boundaries.
        progress: told patches done.

    Raises:
        InputError: when data or models are unusable, or lack each other's bands.
        OutputExistsError: when other figures are there already.
    """
    wanted, events = parse_collections(collections), parse_unseen(unseen)
    if events and wanted is not None and 3 not in wanted:
        raise InputError("--unseen is collection 3", remedy="Add 3 to --collections")
    contenders = open_contenders(models, threshold=threshold)
    whole = open_patches(data, split=split)
    validation, scored = (None, whole) if split else _parted(whole, several=len(contenders) > 1)
    parts = [scored, *(open_patches(uri) for uri in events.values())]
    for contender in contenders:
        for part in parts:
            check_bands(part.bands, contender.model.spec.bands, part.source)
    layout = lay_out(parts, list(events), wanted=wanted)
    if wanted is not None and not any(row.collection for row in layout.rows):
        raise InputError(
            f"no patches of collection {' or '.join(map(str, wanted))}",
            where=data,
            remedy=" ".join(layout.absent.values()),
        )
    asked = {
        "data": storage.public(data),
        "split": split,
        "models": {
            c.name: {"sha256": c.model.digest, "threshold": c.threshold} for c in contenders
        },
        "unseen": {name: storage.public(uri) for name, uri in events.items()},
        "collections": wanted,
        "settings": asdict(settings),
    }
    _refuse_other(out, asked, names=[c.name for c in contenders])
    storage.check_writable(out)
    known = _identities(contenders, [data, *events.values()])
    found, shown = assess(
        contenders,
        [_about(c, _seen(c, parts, list(events), known)) for c in contenders],
        parts,
        layout,
        validation=validation,
        settings=settings,
        progress=progress,
    )
    return write_comparison(found, shown, asked=asked, out=out)


def _parted(patches: PatchSet, *, several: bool) -> tuple[PatchSet | None, PatchSet]:
    """Patches to choose the best of several models on, and patches to score."""
    if patches.splits is None:
        return None, patches
    tested = np.isin(patches.splits, ("test", "unseen"))
    if not tested.any():
        return None, patches
    chosen = patches.splits == "val"
    choosing = several and chosen.any()
    return (patches.subset(chosen) if choosing else None), patches.subset(tested)


def _refuse_other(out: str, asked: dict[str, Any], *, names: Sequence[str]) -> None:
    same = json.loads(json.dumps(asked))
    each = [f"{name}/metrics.json" for name in names] if len(names) > 1 else []
    for path in ("metrics.json", "comparison.json", *each):
        target = storage.join(out, path)
        if not storage.exists(target):
            continue
        found = storage.read_json(target)
        if not isinstance(found, dict) or found.get("asked") != same:
            raise OutputExistsError(
                "holds the figures of another evaluation",
                where=target,
                remedy="Choose another --out",
            )


def _about(contender: ModelContender, seen: str) -> About:
    spec = contender.model.spec
    return About(
        name=contender.name,
        threshold=contender.threshold,
        model=f"{spec.id} {spec.version}",
        architecture=spec.architecture,
        validation=spec.validation,
        calibration=spec.calibration.model_dump(),
        history=_history(contender.model.uri),
        digest=contender.model.digest,
        seen=seen,
    )


def _identities(contenders: Sequence[ModelContender], uris: Sequence[str]) -> list[set[str]]:
    """Of the patches by content, where a model knows what it was trained on."""
    if not any(c.model.spec.training.get("sha256") for c in contenders):
        return [set() for _ in uris]
    return [data_identities(uri) for uri in uris]


def _seen(
    contender: ModelContender,
    parts: Sequence[PatchSet],
    events: Sequence[str],
    known: Sequence[set[str]],
) -> str:
    """Which of the scored patches took part in a model's training: figures of those say little."""
    trained_on = contender.model.spec.training.get("sha256")
    for part, event, identities in zip(parts, ("", *events), known, strict=True):
        if trained_on not in identities:
            continue
        splits = ("",) if part.splits is None else tuple(np.unique(part.splits).tolist())
        met = [name for name in ("train", "val") if name in splits]
        which = f"the {' and '.join(met)} patches" if met else "the patches"
        which += f" of {event}" if event else " of this data"
        if "train" in met or part.splits is None:
            return f"was trained on {which}"
        if met:
            return f"was given its epoch and threshold on {which}"
    return ""


def _history(uri: str) -> dict[str, list[float]]:
    """Columns of a model folder's learning curve; empty when it has none."""
    if uri == BUNDLED:
        return {}
    for name in ("history.json", "history.csv"):
        target = storage.join(uri, name)
        if not storage.exists(target):
            continue
        try:
            if name.endswith(".json"):
                columns = storage.read_json(target)
            else:
                rows = list(csv.DictReader(io.StringIO(storage.read_bytes(target).decode())))
                columns = {key: [row[key] for row in rows] for key in (rows[0] if rows else ())}
            return {str(key): [float(v) for v in values] for key, values in columns.items()}
        except (AttributeError, TypeError, ValueError, csv.Error):
            raise InputError(
                "is not a learning curve", where=target, remedy="Remove it or restore it"
            ) from None
    return {}
