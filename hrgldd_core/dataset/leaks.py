"""The leak check: what a model is tested on, it must not have been trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hrgldd_core.dataset.neighbours import overlap_shares, touching_pairs
from hrgldd_core.dataset.splits import SPLITS
from hrgldd_core.errors import InputError

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

__all__ = ["check_leaks"]

# Footprints in degrees have straight sides where pixels' sides are curved: neighbours overlap by
# some millionths of their area.
_SLIVER = 1e-3
_SHOWN = 3


def check_leaks(frame: GeoDataFrame, *, size: int, touching: bool) -> None:
    """Refuse an index whose splits share something.

    Args:
        frame: index of all patches, with ``patch_id``, ``split``, ``pixels_checksum``, footprints.
        size: side of a patch, pixels.
        touching: whether patches of two splits may not even touch.

    Raises:
        InputError: when the same pixels are in two splits, or footprints of two splits overlap
            (or touch), with some of the patches.
    """
    held = frame[frame["split"].isin(SPLITS)]
    several = held.groupby("pixels_checksum")["split"].nunique()
    copied = held[held["pixels_checksum"].isin(several.index[several > 1])]
    if len(copied):
        pair = copied.sort_values("pixels_checksum", kind="stable").head(2)
        raise _leak(f"{len(several[several > 1])} images are in two splits", [pair])
    pairs = touching_pairs(held.geometry.array, size=size)
    splits = np.asarray(held["split"], dtype=object)
    pairs = pairs[splits[pairs[:, 0]] != splits[pairs[:, 1]]]
    overlapping = pairs[overlap_shares(held.geometry.array, pairs) > _SLIVER]
    if len(overlapping):
        raise _leak(
            f"{len(overlapping)} pairs of patches of different splits overlap",
            [held.iloc[pair] for pair in overlapping[:_SHOWN]],
        )
    if touching and len(pairs):
        raise _leak(
            f"{len(pairs)} pairs of patches of different splits touch",
            [held.iloc[pair] for pair in pairs[:_SHOWN]],
        )


def _leak(problem: str, pairs: list[Any]) -> InputError:
    shown = "; ".join(
        " and ".join(f"{row.patch_id} ({row.split})" for row in pair.itertuples()) for pair in pairs
    )
    return InputError(
        f"leak between splits: {problem}: {shown}",
        remedy="Give overlapping events the same site and role, use --split blocks, "
        "and with --split random a --stride of at least --size",
    )
