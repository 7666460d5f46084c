"""Whole units (blocks, patches or sites) to splits, so that each gets its share."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from hrgldd_core.dataset.neighbours import Pairs

__all__ = ["NO_PAIRS", "SHARES", "Names", "chance", "distribute"]

SHARES = {"train": 0.6, "val": 0.2, "test": 0.2}

NO_PAIRS: Pairs = np.zeros((0, 2), np.int64)
Names = npt.NDArray[np.object_]
Flags = npt.NDArray[np.bool_]


def chance(seed: str, name: str) -> bytes:
    """An order that depends on nothing but the name and the seed."""
    return hashlib.sha256(f"{seed}:{name}".encode()).digest()


def distribute(
    splits: Names,
    units: Names,
    new: Flags,
    all_here: Flags,
    *,
    draws: Sequence[tuple[str, bool]],
    pairs: Pairs = NO_PAIRS,
) -> None:
    """Give each unit with new patches to the split that lacks most; units that have one keep it.

    Args:
        splits: (N,) of each patch; those of new patches are filled in.
        units: (N,) what goes together.
        new: (N,) which are to be given a split.
        all_here: (N,) which are to be shared out, old and new.
        draws: seed of each try, and whether the largest units come first; the others in an order
            of chance. The try after which the fewest pairs are in different splits is taken.
        pairs: (m, 2) numbers of patches that touch.
    """
    held, counts = _held(splits, units, all_here & ~new)
    members: dict[str, list[int]] = {}
    for number in np.flatnonzero(new).tolist():
        unit = units[number]
        if unit in held:
            splits[number] = held[unit]
            counts[splits[number]] += 1
        else:
            members.setdefault(unit, []).append(number)
    if not members:
        return
    sizes = {unit: len(rows) for unit, rows in members.items()}
    rows = np.concatenate(list(members.values()))
    owner = np.repeat(np.arange(len(sizes)), list(sizes.values()))
    total = int(all_here.sum())
    codes = np.full(len(splits), -1)
    for code, name in enumerate(SHARES):
        codes[splits == name] = code
    codes[rows] = 0
    mine = np.isin(pairs, rows).any(axis=1) & (codes[pairs] >= 0).all(axis=1)
    first, second = pairs[mine].T
    tries: list[tuple[int, int, npt.NDArray[np.int64]]] = []
    for seed, by_size in draws:
        order = sorted(sizes, key=lambda u: (-sizes[u] * by_size, chance(seed, u)))
        chosen = _fill(order, sizes, list(counts.values()), total)
        codes[rows] = np.array([chosen[unit] for unit in sizes])[owner]
        apart = int(np.count_nonzero(codes[first] != codes[second]))
        tries.append((apart, len(tries), codes[rows]))
    best = min(tries, key=lambda t: t[:2])[2]
    splits[rows] = np.array(list(SHARES), dtype=object)[best]


def _held(splits: Names, units: Names, old: Flags) -> tuple[dict[str, str], dict[str, int]]:
    """Split of each unit that has one, and the number of patches in each split."""
    held: dict[str, str] = {}
    counts = dict.fromkeys(SHARES, 0)
    for number in np.flatnonzero(old).tolist():
        if splits[number] in SHARES:
            held[units[number]] = splits[number]
            counts[splits[number]] += 1
    return held, counts


def _fill(
    order: Sequence[str], sizes: Mapping[str, int], counts: list[int], total: int
) -> dict[str, int]:
    """Number of the split of each unit; the last units go to splits that would stay empty."""
    lacks = [share * total - n for share, n in zip(SHARES.values(), counts, strict=True)]
    everywhere = range(len(counts))
    chosen = {}
    for left, unit in zip(range(len(order), 0, -1), order, strict=True):
        choices: Sequence[int] = everywhere
        if counts.count(0) >= left:
            choices = [number for number in everywhere if not counts[number]]
        split = max(choices, key=lacks.__getitem__)
        chosen[unit] = split
        counts[split] += sizes[unit]
        lacks[split] -= sizes[unit]
    return chosen
