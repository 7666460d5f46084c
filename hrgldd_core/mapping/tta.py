"""Several looks at a window: from other sides (test-time augmentation), by other models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, cast, get_args

import numpy as np
import numpy.typing as npt

from hrgldd_core.errors import InputError
from hrgldd_core.mapping.runtime import Runtime

__all__ = ["Tta", "chosen_tta", "combined"]

Tta = Literal["none", "flips", "dihedral"]
"""``flips``: mirrored along each axis and both; ``dihedral``: turned by 90 degrees too."""

# Quarter turns, and whether mirrored before.
_SIDES = {
    "none": ((0, False),),
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


def combined(runtimes: Sequence[Runtime], tta: Tta) -> Runtime:
    """A runtime that looks with each of these, from all sides of ``tta``.

    Windows are turned whole, each by itself: what holds for windows, strips and batches holds. A
    quarter turn of a window that is not square is another shape for the runtime.

    Returns:
        The runtime itself for a single look. Otherwise one that gives (n, layer, y, x): mean
        probability and standard deviation over the looks, which is how far they disagree.
    """
    if tta == "none" and len(runtimes) == 1:
        return runtimes[0]
    looks = [(runtime, *side) for runtime in runtimes for side in _SIDES[tta]]

    def mean_and_deviation(x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        total, squares = np.zeros((2, *x.shape[:3]), np.float32)
        for runtime, turns, mirrored in looks:
            seen = np.rot90(x[:, :, ::-1] if mirrored else x, turns, axes=(1, 2))
            back = np.rot90(runtime(np.ascontiguousarray(seen)), -turns, axes=(1, 2))
            p = back[:, :, ::-1] if mirrored else back
            total += p
            squares += p * p
        mean = total / np.float32(len(looks))
        variance = np.maximum(squares / np.float32(len(looks)) - mean * mean, 0)
        return np.stack([mean, np.sqrt(variance)], axis=1)

    return mean_and_deviation
