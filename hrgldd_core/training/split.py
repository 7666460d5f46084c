"""Which patches are learned from, and which choose epoch and threshold."""

from __future__ import annotations

import numpy as np

from hrgldd_core.dataset.patches import PatchSet, open_patches
from hrgldd_core.errors import InputError

__all__ = ["split_for_validation"]

_VALIDATION_SHARE = 0.2


def split_for_validation(data: str, seed: int) -> tuple[PatchSet, PatchSet, str]:
    """Patches to learn from, patches to validate on, and how they were told apart.

    Data that says which patches are ``train`` and ``val`` is believed; otherwise whole sites are
    held back where they are known, patches at random where they are not. Patches that the data
    calls ``test`` or ``unseen`` are never used.

    Raises:
        InputError: when there are too few patches.
    """
    patches = open_patches(data)
    if patches.splits is not None:
        learning, held = (patches.subset(patches.splits == name) for name in ("train", "val"))
        if len(learning) and len(held):
            return learning, held, "on the val arrays, which also chose the threshold"
        if not len(learning):
            raise InputError(
                "has no patches to train on", where=data, remedy="Give data with a train split"
            )
        patches = learning
    if len(patches) < 2:
        raise InputError("one patch cannot be split", where=data, remedy="Give at least two")
    rng = np.random.default_rng(seed)
    wanted = max(1, round(len(patches) * _VALIDATION_SHARE))
    sites = rng.permutation(np.unique(patches.groups))
    if len(sites) < 3:
        chosen = np.zeros(len(patches), bool)
        chosen[rng.permutation(len(patches))[:wanted]] = True
        return (
            patches.subset(~chosen),
            patches.subset(chosen),
            f"on random held-back patches, seed {seed}, which also chose the threshold",
        )
    sizes = np.array([(patches.groups == site).sum() for site in sites])
    # The fewest sites whose patches come nearest to the wanted share.
    count = int(np.abs(sizes.cumsum()[:-1] - wanted).argmin()) + 1
    chosen = np.isin(patches.groups, sites[:count])
    names = ", ".join(patches.site_name(int(site)) for site in sorted(sites[:count].tolist()))
    kind = "" if patches.sites else "number "
    how = f"on held-back sites ({kind}{names}) that also chose the threshold"
    return patches.subset(~chosen), patches.subset(chosen), how
