"""What pixel values mean: scale, offset and nodata of a band, as its item tells them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pystac

__all__ = ["AS_STORED", "Radiometry", "radiometry"]

# Sentinel-2 L2A from processing baseline 04.00 on: reflectance = (DN - 1000) / 10 000.
_S2_SCALE, _S2_OFFSET, _S2_FROM = 1e-4, -0.1, 4.0


@dataclass(frozen=True)
class Radiometry:
    """Reflectance is ``stored * scale + offset``.

    Attributes:
        scale: 1 where the item tells nothing.
        offset: in units of reflectance, 0 where the item tells nothing.
        nodata: stored value of pixels without data, None where the item tells nothing.
    """

    scale: float = 1.0
    offset: float = 0.0
    nodata: float | None = None


AS_STORED = Radiometry()
"""Of a band of which nothing is told."""


def radiometry(item: pystac.Item, asset: pystac.Asset, index: int) -> Radiometry:
    """Radiometry of a band of an asset.

    Read from ``bands`` (STAC 1.1, with and without the prefix ``raster:``), ``raster:bands``, or
    what the asset says of all its bands. Two facts of Sentinel-2 L2A win over that: where
    ``earthsearch:boa_offset_applied`` is true the offset that is named is in the pixels already;
    where no scale is named (Planetary Computer) the processing baseline tells both.

    Args:
        item: of the asset.
        asset: of the band.
        index: number of the band, from 1.
    """
    told = list(_told(asset, index))
    scale, offset, nodata = (_first(told, name) for name in ("scale", "offset", "nodata"))
    if scale is None and offset is None and (baseline := _baseline(item)) is not None:
        scale, offset = _S2_SCALE, _S2_OFFSET if baseline >= _S2_FROM else 0.0
    if item.properties.get("earthsearch:boa_offset_applied") is True:
        offset = 0.0
    usable = scale is not None and math.isfinite(scale) and scale != 0
    shifted = offset is not None and math.isfinite(offset)
    return Radiometry(
        scale=float(scale) if usable and scale else 1.0,
        offset=float(offset) if shifted and offset else 0.0,
        nodata=nodata,
    )


def _told(asset: pystac.Asset, index: int) -> Iterator[dict[str, Any]]:
    """What is said of the band, the most particular first."""
    for key in ("bands", "raster:bands"):
        listed = asset.extra_fields.get(key)
        if isinstance(listed, list) and len(listed) >= index:
            band = listed[index - 1]
            if isinstance(band, dict):
                yield band
    yield asset.extra_fields


def _first(told: list[dict[str, Any]], name: str) -> float | None:
    for fields in told:
        for key in (f"raster:{name}", name):
            value = fields.get(key)
            if isinstance(value, int | float) and not isinstance(value, bool):
                return float(value)
            # JSON has no numbers for these (raster extension).
            if value in ("nan", "inf", "-inf"):
                return float(str(value))
    return None


def _baseline(item: pystac.Item) -> float | None:
    """Sentinel-2's processing baseline."""
    told = item.properties.get("s2:processing_baseline")
    try:
        return float(told) if isinstance(told, str) else None
    except ValueError:
        return None
