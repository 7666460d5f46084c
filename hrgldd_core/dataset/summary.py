"""A build in some lines for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sized
from typing import Any

from hrgldd_core.dataset.splits import GUARD, SPLITS, uneven

__all__ = ["build_warnings", "summary_text"]

_LEFT_OUT = {
    "empty": "without a landslide",
    "unusable": "with too few usable pixels",
    "unseen": "whose landslides are all under cloud or without data",
    "partial": "partial, at the edge of a scene",
}
_INVENTORY = {
    "repaired": "repaired",
    "parts": "more by taking multi-polygons apart",
    "duplicates": "duplicates left out",
    "empty": "empty left out",
    "other": "not polygons left out",
    "collapsed": "beyond repair left out",
}


def summary_text(result: dict[str, Any]) -> str:
    """What was added, read, repaired and left out, and how it is split."""
    scenes = result["scenes"]
    added = scenes[len(scenes) - result["new_scenes"] :]
    sites = _count(result["sites"], "site")
    lines = [f"{result['patches']} patches of {sites}, version {result['version']}"]
    if not added:
        lines.append("  nothing new: all scenes of these events are in it")
    else:
        lines.append(f"  added      {result['new_patches']} patches of {_count(added, 'scene')}")
        lines += _inventories(added)
        counts = Counter[str]()
        for scene in added:
            counts.update(scene["counts"])
        lines.append(f"  kept       {counts['kept']} with, {counts['negatives']} without landslide")
        for name, words in _LEFT_OUT.items():
            if counts[name]:
                lines.append(f"  left out   {counts[name]} {words}")
    lines.append(f"  splits     {_splits(result['splits'], shares=True)}")
    lines += [f"    {site['name']:<20} {_splits(site['splits'])}" for site in result["sites"]]
    lines += [f"  WARNING    {warning}" for warning in result["warnings"]]
    return "\n".join([*lines, f"  result     {result['out']}"])


def build_warnings(document: dict[str, Any]) -> list[str]:
    """What its maker must know of a dataset."""
    sizes = document["pixel_size"]
    found = uneven(document["splits"], method=document["parameters"]["split"])
    if max(sizes) > 1.1 * min(sizes):
        found.append(
            f"pixels of {min(sizes):g} to {max(sizes):g} m side by side, which a model takes for "
            "the same: build a dataset for each size, or resample the scenes"
        )
    return found


def _inventories(scenes: list[dict[str, Any]]) -> list[str]:
    """Each inventory once, with what was met in it."""
    found = {}
    for scene in scenes:
        inventory = scene["inventory"]
        key = (inventory["path"], inventory["layer"], inventory["where"])
        found[key] = inventory
    lines = []
    for inventory in found.values():
        met = [f"{inventory[k]} {words}" for k, words in _INVENTORY.items() if inventory[k]]
        name = inventory["path"].rsplit("/", 1)[-1]
        lines.append(
            f"  inventory  {name}: {inventory['polygons']} polygons of "
            f"{inventory['features']} features" + "".join(f", {m}" for m in met)
        )
    return lines


def _count(found: Sized, noun: str) -> str:
    return f"{len(found)} {noun}{'' if len(found) == 1 else 's'}"


def _splits(counts: dict[str, int], *, shares: bool = False) -> str:
    order = [*SPLITS, GUARD]
    total = sum(counts.values())
    return ", ".join(
        f"{name} {counts[name]}" + (f" ({counts[name] / total:.0%})" if shares else "")
        for name in order
        if counts.get(name)
    )
