"""What a scene is: one grid, one source for each band, maybe a mask of usable pixels."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from odc.geo.geobox import GeoBox

from hrgldd_core.grid import BBox
from hrgldd_core.scenes.radiometry import AS_STORED, Radiometry

__all__ = ["BandSource", "Coverage", "Scene"]


class Coverage(IntEnum):
    """What was seen of a pixel; the values of ``coverage/*.tif``."""

    OUTSIDE = 0
    MAPPED = 1
    CLOUD = 2
    NODATA = 3


@dataclass(frozen=True)
class BandSource:
    """Where a band is read.

    Attributes:
        path: as GDAL opens it.
        index: band number, from 1.
        radiometry: what its values mean, as the item tells.
    """

    path: str
    index: int
    radiometry: Radiometry = AS_STORED


@dataclass(frozen=True)
class Scene:
    """A scene ready to be read.

    Attributes:
        id: the item's identifier.
        acquired: acquisition time (UTC), when known.
        href: the asset that holds the first band.
        geobox: grid of the whole scene: CRS in metres, north up, square pixels.
        window: the part to map, as (row, column) slices of the grid.
        bands: common names, in the order in which they are read.
        sources: of each band.
        nodata: value of pixels without data: the file's, else the item's, else None.
        mask: usable data mask (UDM2 or SCL) on any grid, when there is one.
        classified: the mask is Sentinel-2's scene classification (SCL), not a UDM2.
        aoi: west, south, east, north in degrees; None where the whole scene is wanted.
        synthetic: generated, not observed.
    """

    id: str
    acquired: datetime | None
    href: str
    geobox: GeoBox
    window: tuple[slice, slice]
    bands: tuple[str, ...]
    sources: tuple[BandSource, ...]
    nodata: float | None
    mask: str | None = None
    aoi: BBox | None = None
    synthetic: bool = False
    classified: bool = False

    @property
    def paths(self) -> tuple[str, ...]:
        """All files that are read, as GDAL opens them."""
        masks = (self.mask,) if self.mask else ()
        return tuple(dict.fromkeys((*(s.path for s in self.sources), *masks)))

    @property
    def target(self) -> GeoBox:
        """Grid of the part to map."""
        return self.geobox[self.window]
