"""A training between two epochs, in one file that is written whole or not at all.

Keras' ``BackupAndRestore`` is not used: it brings back neither the state of the random generators
of dropout, nor the best epoch so far and the patience left, so that what goes on is another
training; and its two files can be of different epochs when a kill comes between them.
"""

from __future__ import annotations

import io
import json
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from hrgldd_core import storage
from hrgldd_core.errors import InputError

if TYPE_CHECKING:
    import keras

__all__ = ["CheckpointFile", "Course", "State", "capture", "difference", "restore"]

_NAME = "checkpoint.npz"
_REMEDY = "Choose another --out, or remove the checkpoint to start anew"

Arrays = list[npt.NDArray[Any]]


@dataclass
class Course:
    """How a training has gone so far.

    Attributes:
        rows: one an epoch, what the log says of it.
        best_epoch: number of the best epoch, from 1; 0 before the first.
        best: what was monitored, there.
        waited: epochs since then.
        ended: nothing is left to train: all epochs done, or patience lost.
        pruned: ended because it was not worth going on.
    """

    rows: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0
    best: float = float("inf")
    waited: int = 0
    ended: bool = False
    pruned: bool = False


@dataclass(frozen=True)
class State:
    """All that a training needs to go on.

    Attributes:
        course: how it has gone.
        model: every variable: weights, statistics of batch normalisation, random generators.
        optimizer: every variable: steps, moments, averaged weights.
        best: weights of the best epoch, when that is what will be kept.
    """

    course: Course
    model: Arrays
    optimizer: Arrays
    best: Arrays


def capture(model: keras.Model, course: Course, best: Arrays) -> State:
    """The state of a compiled model."""
    return State(course, _values(model.variables), _values(model.optimizer.variables), best)


def restore(model: keras.Model, state: State) -> None:
    """Put a compiled model into a state.

    Raises:
        InputError: when it is the state of another model.
    """
    model.optimizer.build(model.trainable_variables)
    for variables, arrays in (
        (model.variables, state.model),
        (model.optimizer.variables, state.optimizer),
    ):
        if [tuple(v.shape) for v in variables] != [a.shape for a in arrays]:
            raise InputError("the checkpoint is of another model", remedy=_REMEDY)
        for variable, array in zip(variables, arrays, strict=True):
            variable.assign(array)


def _values(variables: list[Any]) -> Arrays:
    from hrgldd_core.models.backend import ops

    return [np.array(ops.convert_to_numpy(v)) for v in variables]


class CheckpointFile:
    """``checkpoint.npz`` below the output of a training."""

    def __init__(self, out: str, identity: dict[str, Any]) -> None:
        """Name it.

        Args:
            out: of the training.
            identity: what the training depends on; a checkpoint with another one is refused.
        """
        self._out = out
        self._uri = storage.join(out, _NAME)
        self._identity = identity

    def read(self) -> State | None:
        """The state to go on from, if there is one.

        Raises:
            InputError: when it is of another training.
        """
        if not storage.exists(self._uri):
            return None
        groups: dict[str, Arrays] = {"model": [], "optimizer": [], "best": []}
        try:
            with np.load(io.BytesIO(storage.read_bytes(self._uri)), allow_pickle=False) as file:
                document = json.loads(str(file["document"]))
                for name in sorted(file.files):
                    group, _, number = name.partition("/")
                    if number:
                        groups[group].append(file[name])
            course = Course(**document["course"])
        except (ValueError, KeyError, TypeError, OSError, BadZipFile) as error:
            raise InputError(
                f"is not a checkpoint ({error})", where=self._uri, remedy=_REMEDY
            ) from None
        if found := difference(document["identity"], self._identity):
            raise InputError(
                f"holds the checkpoint of another training ({found})",
                where=self._uri,
                remedy=_REMEDY,
            )
        return State(course, **groups)

    def write(self, state: State) -> None:
        """Replace the checkpoint."""
        arrays: dict[str, Any] = {}
        for group in ("model", "optimizer", "best"):
            arrays |= {f"{group}/{i:05}": a for i, a in enumerate(getattr(state, group))}
        document = {"identity": self._identity, "course": asdict(state.course)}
        with tempfile.TemporaryDirectory(prefix="hrgldd-") as folder:
            path = Path(folder) / _NAME
            np.savez(path, allow_pickle=False, document=np.array(json.dumps(document)), **arrays)
            storage.put_file(path, self._uri)

    def remove(self) -> None:
        """Delete the checkpoint and what a killed process left of one."""
        for name in storage.list_names(self._out):
            if name == _NAME or name.startswith(f".{_NAME}."):
                storage.remove(storage.join(self._out, name))


def difference(there: dict[str, Any], here: dict[str, Any]) -> str:
    """The first few entries in which two identities differ, in words."""
    flat_there, flat_here = _flat(there), _flat(here)
    names = sorted(k for k in {**flat_there, **flat_here} if flat_there.get(k) != flat_here.get(k))
    return ", ".join(
        f"{name} {_short(flat_there.get(name))} there, {_short(flat_here.get(name))} here"
        for name in names[:3]
    )


def _flat(document: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in document.items():
        if isinstance(value, dict):
            out |= _flat(value, f"{prefix}{key}.")
        else:
            out[f"{prefix}{key}".removeprefix("recipe.")] = value
    return out


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 16 else f"{text[:12]}…"
