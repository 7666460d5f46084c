"""Unfinished scenes: finished strips, ``OUT/.work/RUN_ID/SCENE/FIRST-STOP.npz.zst``.

``failure.json`` beside them says why a scene could not be mapped, when that was tried on another
machine than the one that publishes.
"""

from __future__ import annotations

import io
import re
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa

from hrgldd_core import storage
from hrgldd_core.mapping.plan import MappingPlan
from hrgldd_core.mapping.strips import Span, StripResult

__all__ = [
    "attempts_uri",
    "drop_scene",
    "drop_work",
    "failure_of",
    "load_strip",
    "note_failure",
    "store_strip",
    "stored_strips",
]

_FOLDER, _SUFFIX, _CODEC = ".work", ".npz.zst", "zstd"
_NAME = re.compile(rf"(\d+)-(\d+){re.escape(_SUFFIX)}")


def _scene(plan: MappingPlan, scene_id: str) -> str:
    return storage.join(plan.out, _FOLDER, plan.run_id, scene_id)


def _strip(plan: MappingPlan, scene_id: str, span: Span) -> str:
    return storage.join(_scene(plan, scene_id), f"{span.first}-{span.stop}{_SUFFIX}")


def stored_strips(plan: MappingPlan, scene_id: str) -> set[Span]:
    """The strips that are there, each whole."""
    names = storage.list_names(_scene(plan, scene_id))
    found = (_NAME.fullmatch(name) for name in names)
    return {Span(int(m[1]), int(m[2])) for m in found if m}


def store_strip(plan: MappingPlan, scene_id: str, span: Span, result: StripResult) -> None:
    """Keep a finished strip, whole or not at all.

    Raises:
        OutputError: when it cannot be written.
    """
    # By a file: a strip of a wide scene is 80 MB, and packed in memory it is there twice more.
    with tempfile.TemporaryDirectory(prefix="hrgldd-") as folder:
        packed = Path(folder) / "strip"
        with pa.CompressedOutputStream(pa.OSFile(str(packed), "wb"), _CODEC) as stream:
            np.savez(stream, **vars(result))
        storage.put_file(packed, _strip(plan, scene_id, span))


def load_strip(plan: MappingPlan, scene_id: str, span: Span) -> StripResult:
    """A strip that was kept.

    Raises:
        InputError: when it cannot be read.
    """
    packed = storage.read_bytes(_strip(plan, scene_id, span))
    with pa.CompressedInputStream(pa.BufferReader(packed), _CODEC) as stream:
        arrays = np.load(io.BytesIO(stream.read()))
    return StripResult(
        top=int(arrays["top"]),
        seconds=float(arrays["seconds"]),
        **{name: arrays[name] for name in ("head", "levels", "coverage", "tail")},
    )


def note_failure(plan: MappingPlan, scene_id: str, reason: str) -> None:
    """Keep why a scene could not be mapped.

    Raises:
        OutputError: when it cannot be written.
    """
    storage.write_json(_failure(plan, scene_id), {"reason": reason})


def failure_of(plan: MappingPlan, scene_id: str) -> str | None:
    """Why a scene could not be mapped, when it was tried."""
    uri = _failure(plan, scene_id)
    return str(storage.read_json(uri)["reason"]) if storage.exists(uri) else None


def _failure(plan: MappingPlan, scene_id: str) -> str:
    return storage.join(_scene(plan, scene_id), "failure.json")


def attempts_uri(plan: MappingPlan, scene_id: str) -> str:
    """Where it is kept how often a scene was begun."""
    return storage.join(_scene(plan, scene_id), "attempts.json")


def drop_scene(plan: MappingPlan, scene_id: str) -> None:
    """Forget a scene's strips, once its item is written."""
    storage.remove_tree(_scene(plan, scene_id))


def drop_work(plan: MappingPlan) -> None:
    """Forget all strips of the run, once nothing is missing."""
    storage.remove_tree(storage.join(plan.out, _FOLDER))
