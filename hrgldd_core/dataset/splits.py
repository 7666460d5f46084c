"""Which patches are trained on, chosen by and tested on; once decided, it stays.

- ``blocks``: each site is divided into spatial blocks, which go whole to one split. Patches that
  touch form a group; a group that fits into a block is never divided. Where a larger group must be,
  the patches at the cut that would touch another split's are set aside (split ``guard``).
- ``random``: 60/20/20 of each site's patches, then mixed, as in the paper (section 3). Neighbours
  fall into different splits: scores are too good.
- ``sites``: whole sites go to one split.

Patches of events with the role ``unseen`` are a split of their own, whatever the method.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hrgldd_core.dataset.distribute import NO_PAIRS, SHARES, Names, chance, distribute
from hrgldd_core.dataset.neighbours import Pairs, touching_pairs
from hrgldd_core.dataset.parameters import DatasetParameters
from hrgldd_core.errors import InputError

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

__all__ = [
    "GUARD",
    "SHARES",
    "SPLITS",
    "assign_blocks",
    "assign_splits",
    "check_sites",
    "site_folds",
    "uneven",
]

SPLITS = (*SHARES, "unseen")
GUARD = "guard"
"""Split of patches that would touch patches of another split: for none of the three."""

_SMALL_SITE = 20
_MOST_GUARD = 0.25
_FEWEST = 5

_TRIES = 64


def site_folds(groups: npt.NDArray[np.int64]) -> list[tuple[int, ...]]:
    """Sites to leave out together: large ones alone, the small ones in one fold.

    Args:
        groups: (N,) number of the site of each patch.
    """
    sites, counts = np.unique(groups, return_counts=True)
    large: list[tuple[int, ...]] = [(int(s),) for s in sites[counts >= _SMALL_SITE]]
    small = tuple(int(s) for s in sites[counts < _SMALL_SITE])
    return [*large, small] if small else large


def assign_blocks(
    frame: GeoDataFrame, new: npt.NDArray[np.bool_], *, sites: Mapping[str, Any], size: int
) -> Names:
    """Spatial block of each patch; those of the patches that are not new stay.

    Args:
        frame: index of all patches (EPSG:4326), with ``site`` and ``block``.
        new: (N,) which have no block yet.
        sites: by name: ``crs`` and ``block_m``, side of a block in metres.
        size: side of a patch, pixels.
    """
    import shapely
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    blocks = np.asarray(frame["block"], dtype=object).copy()
    names = np.asarray(frame["site"], dtype=object)
    for site in dict.fromkeys(names[new]):
        here = np.flatnonzero(new & (names == site))
        side, crs = sites[site]["block_m"], sites[site]["crs"]
        shapes = np.asarray(frame.geometry.iloc[here].to_crs(crs).array)
        pairs = touching_pairs(shapes, size=size)
        edges = coo_array((np.ones(len(pairs)), pairs.T), shape=(len(here),) * 2)
        _, group = connected_components(edges, directed=False)
        bounds = shapely.bounds(shapes)
        low = np.full((group.max() + 1, 2), np.inf)
        high = -low
        np.minimum.at(low, group, bounds[:, :2])
        np.maximum.at(high, group, bounds[:, 2:])
        # Rounding of the projection must not divide a group that is as large as a block.
        fits = ((high - low) <= side * (1 + 1e-3)).all(axis=1)
        centre = np.where(
            fits[group, None],
            ((low + high) / 2)[group],
            (bounds[:, :2] + bounds[:, 2:]) / 2,
        )
        for number, (x, y) in zip(here, np.floor(centre / side).astype(int), strict=True):
            blocks[number] = f"{site}/{x}/{y}"
    return blocks


def assign_splits(
    frame: GeoDataFrame, new: npt.NDArray[np.bool_], *, parameters: DatasetParameters
) -> Names:
    """Split of each patch; those of the patches that are not new stay.

    Args:
        frame: index of all patches, with ``patch_id``, ``site``, ``role``, ``block``, ``split``.
        new: (N,) which have no split yet.
        parameters: method and seed.

    Raises:
        InputError: when a site has too few patches or blocks to split.
    """
    splits = np.asarray(frame["split"], dtype=object).copy()
    sites = np.asarray(frame["site"], dtype=object)
    training = np.asarray(frame["role"] == "train")
    splits[new & ~training] = "unseen"
    splits[new & training] = None
    if parameters.split == "sites":
        distribute(splits, sites, new & training, training, draws=[(str(parameters.seed), True)])
        _check_sites(splits, sites, training)
        return splits
    blocks = parameters.split == "blocks"
    units = np.asarray(frame["block" if blocks else "patch_id"], dtype=object)
    pairs = touching_pairs(frame.geometry.array, size=parameters.size) if blocks else NO_PAIRS
    # Of several draws of blocks the one after which the fewest patches must be set aside.
    tries = [(f"{parameters.seed}:{number}", number == 0) for number in range(_TRIES)]
    draws = tries if blocks else [(str(parameters.seed), True)]
    for site in dict.fromkeys(sites[new & training]):
        here = training & (sites == site)
        if here.sum() < _FEWEST:
            problem = f"has {here.sum()} patches, at least {_FEWEST} are needed"
            raise _too_few(site, problem, sites=len(set(sites[training])))
        distribute(splits, units, new & here, here, draws=draws, pairs=pairs)
    if blocks:
        _set_aside(splits, frame, new & training, parameters.seed, pairs)
    for site in dict.fromkeys(sites[new & training]):
        found = set(splits[training & (sites == site)])
        if lacking := [name for name in SHARES if name not in found]:
            problem = f"has too few patches or blocks: none is left for {lacking[0]}"
            raise _too_few(site, problem, sites=len(set(sites[training])))
    return splits


def uneven(counts: Mapping[str, int], *, method: str) -> list[str]:
    """What is wrong with the sizes of the splits of a dataset, and what to do, in words.

    Args:
        counts: patches of each split.
        method: ``blocks``, ``random`` or ``sites``.
    """
    guard, total = counts.get(GUARD, 0), sum(counts.get(name, 0) for name in SHARES)
    found = [
        f"{name} has {counts.get(name, 0) / total:.0%} of the patches, {share:.0%} are wanted"
        for name, share in SHARES.items()
        if total and counts.get(name, 0) < share / 2 * total
    ]
    if found:
        remedy = "smaller blocks (--block)" if method == "blocks" else "more sites"
        found[-1] += f": {remedy} or another --seed divide more evenly, in another --out"
    if guard > _MOST_GUARD * (guard + total):
        found.append(
            f"{guard / (guard + total):.0%} of the patches are lost to guard: "
            "larger blocks (--block) lose fewer, in another --out"
        )
    return found


def _too_few(site: str, problem: str, *, sites: int) -> InputError:
    remedy = "Give more scenes of it, smaller blocks (--block) or the role unseen"
    if sites >= len(SHARES):
        remedy += ", or split by whole sites (--split sites)"
    return InputError(problem, where=f"site {site}", remedy=remedy)


def check_sites(count: int) -> None:
    """Refuse to split fewer than three sites whole.

    Raises:
        InputError: with what can be done.
    """
    if 0 < count < len(SHARES):
        raise _few_sites(count)


def _check_sites(splits: Names, sites: Names, training: npt.NDArray[np.bool_]) -> None:
    found = set(splits[training])
    if not found or all(name in found for name in SHARES):
        return
    raise _few_sites(len(set(sites[training])))


def _few_sites(count: int) -> InputError:
    sites = "one site" if count == 1 else f"{count} sites"
    return InputError(
        f"{sites} cannot be split into train, val and test",
        remedy="Give events of at least three sites, or split within sites (--split blocks)",
    )


def _set_aside(
    splits: Names,
    frame: GeoDataFrame,
    new: npt.NDArray[np.bool_],
    seed: int,
    pairs: Pairs,
) -> None:
    """Take new patches out of their split until none touches a patch of another split.

    The patch with most such neighbours goes first; among equals those of train, the largest split.
    """
    known = np.isin(splits, list(SHARES))
    pairs = pairs[known[pairs].all(axis=1)]
    pairs = pairs[splits[pairs[:, 0]] != splits[pairs[:, 1]]]
    beside: dict[int, set[int]] = {}
    for a, b in pairs.tolist():
        beside.setdefault(a, set()).add(b)
        beside.setdefault(b, set()).add(a)
    ids = np.asarray(frame["patch_id"], dtype=object)

    def rank(number: int) -> tuple[bool, int, bool, bytes]:
        last = chance(str(seed), ids[number])
        return bool(new[number]), len(beside[number]), splits[number] == "train", last

    import heapq

    heap = [(*_descending(rank(n)), n) for n in beside if new[n]]
    heapq.heapify(heap)
    while heap:
        *key, number = heapq.heappop(heap)
        others = beside[number]
        if not others:
            continue
        if tuple(key) != _descending(rank(number)):
            heapq.heappush(heap, (*_descending(rank(number)), number))
            continue
        for other in others:
            beside[other].discard(number)
        beside[number] = set()
        splits[number] = GUARD


def _descending(key: tuple[bool, int, bool, bytes]) -> tuple[int, int, bytes]:
    _, degree, train, last = key
    return -degree, -int(train), last
