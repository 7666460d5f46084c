"""Test-time augmentation: a window seen from several sides, and the mean of what is seen."""

from __future__ import annotations

from typing import Literal, cast, get_args

import numpy as np
import numpy.typing as npt

from hrgldd_core.errors import InputError
from hrgldd_core.mapping.runtime import Runtime

__all__ = ["Tta", "augmented", "chosen_tta"]

Tta = Literal["none", "flips", "dihedral"]
"""``flips``: mirrored along each axis and both; ``dihedral``: turned by 90 degrees too."""

# Quarter turns, and whether mirrored before.
_SIDES = {
    "flips": ((0, False), (0, True), (2, False), (2, True)),
    "dihedral": tuple((turns, mirrored) for turns in range(4) for mirrored in (False, True)),
}


def chosen_tta(name: str) -> Tta:
    """A name as a choice.

    Raises:
        InputError: when there is none of that name.
    """
    if name not in get_args(Tta):
        raise InputError(
            f"no test-time augmentation {name!r}", remedy="Choose none, flips or dihedral"
        )
    return cast("Tta", name)


def augmented(runtime: Runtime, tta: Tta) -> Runtime:
    """A runtime that gives the mean probability over the sides of ``tta``.

    Windows are augmented whole, each by itself: what holds for windows, strips and batches holds.
    A quarter turn of a window that is not square is another shape for the runtime.
    """
    if tta == "none":
        return runtime
    sides = _SIDES[tta]

    def mean(x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        total = np.zeros(x.shape[:3], np.float32)
        for turns, mirrored in sides:
            seen = np.rot90(x[:, :, ::-1] if mirrored else x, turns, axes=(1, 2))
            back = np.rot90(runtime(np.ascontiguousarray(seen)), -turns, axes=(1, 2))
            total += back[:, :, ::-1] if mirrored else back
        return total / np.float32(len(sides))

    return mean
