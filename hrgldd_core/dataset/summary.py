"""A build in some lines for people."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hrgldd_core.dataset.splits import GUARD, SPLITS

__all__ = ["summary_text"]

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
    lines = [
        f"{result['patches']} patches of {len(result['sites'])} sites, version {result['version']}"
    ]
    if not added:
        lines.append("  nothing new: all scenes of these events are in it")
    else:
        lines.append(f"  added      {result['new_patches']} patches of {len(added)} scenes")
        lines += _inventories(added)
        counts = Counter[str]()
        for scene in added:
            counts.update(scene["counts"])
        lines.append(f"  kept       {counts['kept']} with, {counts['negatives']} without landslide")
        for name, words in _LEFT_OUT.items():
            if counts[name]:
                lines.append(f"  left out   {counts[name]} {words}")
    lines.append(f"  splits     {_splits(result['splits'])}")
    lines += [f"    {site['name']:<20} {_splits(site['splits'])}" for site in result["sites"]]
    sizes = result["pixel_size"]
    if max(sizes) > 1.1 * min(sizes):
        lines.append(f"  mind       pixels of {min(sizes):g} to {max(sizes):g} m side by side")
    return "\n".join([*lines, f"  result     {result['out']}"])


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


def _splits(counts: dict[str, int]) -> str:
    order = [*SPLITS, GUARD]
    return ", ".join(f"{name} {counts[name]}" for name in order if counts.get(name))
