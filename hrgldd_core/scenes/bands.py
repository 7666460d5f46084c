"""Which asset and which of its bands hold blue, green, red, nir: from metadata, never by guess."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pystac

from hrgldd_core.errors import InputError

__all__ = [
    "COMMON_NAMES",
    "asset_band_names",
    "find_bands",
    "find_mask",
    "is_classification",
    "names_from_raster",
]

COMMON_NAMES = ("coastal", "blue", "green", "red", "rededge", "nir", "yellow", "pan")

# PlanetScope product specification: band order of 4-band and SuperDove 8-band analytic products.
_PLANET = {
    4: ("blue", "green", "red", "nir"),
    8: ("coastal", "blue", "green_i", "green", "yellow", "red", "rededge", "nir"),
}
_PLANET_NAME = re.compile(
    r"_3B_AnalyticMS(_SR)?(_8b)?(_harmonized)?(_clip)?\.tiff?$", re.IGNORECASE
)
_SKIPPED_ROLES = {"thumbnail", "overview", "visual", "metadata", "data-mask"}
_MASK_KEYS = ("udm2", "ortho_udm2", "data-mask")
# Planet's orders call their assets by the file's name and give UDM2 no role of its own.
_UDM2_NAME = re.compile(r"_udm2(_clip)?\.tiff?$", re.IGNORECASE)
# Sentinel-2's scene classification; the finer one where there are several.
_CLASS_KEYS = ("scl", "scl_20m")
# Pictures that some catalogues offer as data, with the names of bands, and forms that are not read.
_PICTURES = {"visual", "tci", "tci_10m", "overview", "preview", "rendered_preview", "thumbnail"}
_UNREAD = "image/jp2"
# Centres (micrometres) by which one of several bands with the same common name is chosen.
_CENTRES = {"blue": 0.49, "green": 0.56, "red": 0.66, "nir": 0.84}


def asset_band_names(asset: pystac.Asset) -> list[str]:
    """Common name (or name) of each band of an asset, from ``bands`` (STAC 1.1) or ``eo:bands``."""
    listed: list[dict[str, Any]] = asset.extra_fields.get("bands") or asset.extra_fields.get(
        "eo:bands", []
    )
    if not isinstance(listed, list) or not all(isinstance(b, dict) for b in listed):
        return []
    if product := _PLANET_NAME.search(asset.href.split("?")[0]):
        order = list(_PLANET[8 if product[2] else 4])
        # Planet's older items tell nothing about bands, but the product's name does; its newer
        # ones call two bands green.
        if not listed or (len(listed) == 8 and len(order) == 8):
            return order
    names = [
        str(b.get("eo:common_name") or b.get("common_name") or b.get("name") or "").lower()
        for b in listed
    ]
    for name, centre in _CENTRES.items():
        if len(same := [i for i, n in enumerate(names) if n == name]) > 1:
            best = min(same, key=lambda i: abs(_wavelength(listed[i]) - centre))
            for i in same:
                names[i] = name if i == best else f"{name} ({listed[i].get('name', i + 1)})"
    return names


def _wavelength(band: dict[str, Any]) -> float:
    told = band.get("eo:center_wavelength") or band.get("center_wavelength")
    return float(told) if isinstance(told, int | float) else 9.0


def find_bands(item: pystac.Item, wanted: Sequence[str]) -> list[tuple[pystac.Asset, int]]:
    """The asset and band number (from 1) of each wanted band.

    One asset that holds them all is preferred to several, surface reflectance to the rest.

    Raises:
        InputError: when a band is missing, with what there is.
    """
    mask = find_mask(item)
    candidates = {
        key: (asset, asset_band_names(asset))
        for key, asset in item.assets.items()
        if not _SKIPPED_ROLES & set(asset.roles or ())
        and key.lower() not in _PICTURES
        and asset.media_type != _UNREAD
        and asset is not mask
    }

    def preference(key: str) -> tuple[bool, float, str]:
        asset = candidates[key][0]
        words = f"{key}_{asset.extra_fields.get('pl:asset_type', '')}".lower().split("_")
        return "sr" not in words, _pixel_size(asset), key

    order = sorted(candidates, key=preference)
    for key in order:
        asset, names = candidates[key]
        if set(wanted) <= set(names):
            return [(asset, names.index(band) + 1) for band in wanted]
    found = []
    for band in wanted:
        match = next((k for k in order if band in candidates[k][1]), None)
        if match is None:
            offered = "; ".join(
                f"{key}: {', '.join(names) or 'unnamed'}" for key, (_, names) in candidates.items()
            )
            raise InputError(
                f"has no {band} band (needed: {', '.join(wanted)}; the item offers {offered})",
                where=item.id,
                remedy="Use scenes with these bands, give their names (--bands for --scene files), "
                "or choose a --model for the bands you have",
            )
        asset, names = candidates[match]
        found.append((asset, names.index(band) + 1))
    return found


def find_mask(item: pystac.Item) -> pystac.Asset | None:
    """The usable data mask (PlanetScope's UDM2, Sentinel-2's SCL) of an item, if it has one."""
    for key, asset in item.assets.items():
        if (
            key.lower() in _MASK_KEYS
            or asset.extra_fields.get("pl:asset_type") in _MASK_KEYS
            or ("data-mask" in (asset.roles or ()) and "udm2" in asset.href.lower())
            or _UDM2_NAME.search(asset.href.split("?")[0])
        ):
            return asset
    by_key = {key.lower(): a for key, a in item.assets.items() if a.media_type != _UNREAD}
    return next((by_key[key] for key in _CLASS_KEYS if key in by_key), None)


def is_classification(item: pystac.Item, mask: pystac.Asset) -> bool:
    """Whether a mask is Sentinel-2's scene classification (SCL), not a UDM2."""
    return any(a is mask and key.lower() in _CLASS_KEYS for key, a in item.assets.items())


def _pixel_size(asset: pystac.Asset) -> float:
    """Metres, 0 where the item does not tell: one band may be offered at several resolutions."""
    fields = asset.extra_fields
    bands = fields.get("bands") or fields.get("raster:bands") or [{}]
    first = bands[0] if isinstance(bands, list) and isinstance(bands[0], dict) else {}
    told = fields.get("gsd") or first.get("gsd") or first.get("spatial_resolution")
    return float(told) if isinstance(told, int | float) else 0.0


def names_from_raster(
    name: str, count: int, descriptions: Sequence[str | None], given: Sequence[str] = ()
) -> tuple[str, ...]:
    """Band names of a raster without STAC metadata.

    Args:
        name: file name; PlanetScope's own names fix the order of bands.
        count: number of bands.
        descriptions: as the raster has them.
        given: names given by the user, which win.

    Raises:
        InputError: when nothing tells, or ``given`` has another number.
    """
    if given:
        if len(given) != count:
            raise InputError(
                f"has {count} bands, {len(given)} are named",
                where=name,
                remedy="Name every band in order, such as --bands blue,green,red,nir",
            )
        return tuple(band.strip().lower() for band in given)
    described = tuple((d or "").strip().lower() for d in descriptions)
    if len({*described} & {*COMMON_NAMES}) >= min(count, 3):
        return described
    if _PLANET_NAME.search(name) and count in _PLANET:
        return _PLANET[count]
    raise InputError(
        f"has {count} bands without names",
        where=name,
        remedy="Name every band in order, such as --bands blue,green,red,nir",
    )
