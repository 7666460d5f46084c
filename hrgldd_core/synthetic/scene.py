"""A scene after a storm that never was, with the inventory nobody had to draw."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio import features, warp
from shapely.geometry.base import BaseGeometry

from hrgldd_core.errors import InputError
from hrgldd_core.synthetic.clouds import make_sky, usable_data_mask
from hrgldd_core.synthetic.cover import make_cover
from hrgldd_core.synthetic.noise import stream
from hrgldd_core.synthetic.radiometry import ground, observe, paint_slides
from hrgldd_core.synthetic.slides import draw_slides
from hrgldd_core.synthetic.sun import morning, sun_at
from hrgldd_core.synthetic.terrain import PIXEL, make_terrain

__all__ = ["SyntheticScene", "make_scene"]

_SMALLEST_SIDE = 128
_SMALLEST_SLIDE = 300.0


@dataclass(frozen=True)
class SyntheticScene:
    """One PlanetScope-like scene and what is true of it.

    Attributes:
        geobox: grid of 3 m pixels, north up.
        reflectance: (4, y, x) uint16, blue, green, red, nir; x10,000; 0 is nodata.
        udm2: (8, y, x) uint8, PlanetScope UDM2.1 (see `clouds.usable_data_mask`).
        truth: (y, x) bool, landslide pixels inside the swath, also beneath cloud.
        datetime: acquisition, UTC.
        inventory: true outlines in the scene's CRS: ``id``, ``area_m2``, ``geometry``.
    """

    geobox: GeoBox
    reflectance: npt.NDArray[np.uint16]
    udm2: npt.NDArray[np.uint8]
    truth: npt.NDArray[np.bool_]
    datetime: dt.datetime
    inventory: gpd.GeoDataFrame


def make_scene(
    seed: int,
    *,
    shape: tuple[int, int] = (1536, 1792),
    crs: str = "EPSG:32651",
    origin: tuple[float, float] = (300000.0, 1850000.0),
    cloud_share: float = 0.04,
    slides: bool = True,
) -> SyntheticScene:
    """Make the scene of ``seed``: mountains, a river, people, and landslides after a storm.

    Args:
        seed: not negative; the same seed and arguments give the same arrays.
        shape: (y, x) pixels, each at least 128.
        crs: a projected CRS in metres.
        origin: easting and northing of the upper left corner.
        cloud_share: share of the swath beneath cloud, 0 to 0.9.
        slides: False gives the same place some weeks before the event, under other clouds.

    Raises:
        InputError: when an argument is out of range.
    """
    _check(seed, shape, cloud_share)
    geobox = GeoBox(shape, Affine(PIXEL, 0, origin[0], 0, -PIXEL, origin[1]), crs)
    swath = _swath(seed, shape)
    valid = features.rasterize([swath], out_shape=shape, dtype="uint8").astype(bool)
    terrain = make_terrain(seed, shape)
    image = ground(terrain, make_cover(terrain, seed), seed)
    drawn = [slide.shape for slide in draw_slides(terrain, seed)] if slides else []
    outlines = _merge(drawn, swath)
    # Only what the inventory holds is painted; each slide keeps its own soil where two merged.
    bare = shapely.intersection(drawn, shapely.union_all(outlines))
    paint_slides(image, [piece for piece in bare if piece.area > 0], terrain, seed=seed)
    inventory = _inventory(outlines, geobox)
    truth = np.zeros(shape, bool)
    if len(inventory):
        truth = features.rasterize(
            inventory.geometry, out_shape=shape, transform=geobox.transform, dtype="uint8"
        ).astype(bool)

    east, north = origin[0] + PIXEL * shape[1] / 2, origin[1] - PIXEL * shape[0] / 2
    (longitude,), (latitude,) = warp.transform(crs, "EPSG:4326", [east], [north])
    rng = stream(seed, "after" if slides else "before")
    day, hour = _day(seed, slides=slides), 10.0 + rng.uniform(-0.4, 0.4)
    sun = sun_at(day, latitude, hour=hour)
    sky = make_sky(rng, valid, share=cloud_share, sun=sun)
    light = sun.illumination(terrain.gradient)
    return SyntheticScene(
        geobox=geobox,
        reflectance=observe(rng, image, illumination=light, sky=sky, valid=valid),
        udm2=usable_data_mask(sky, valid),
        truth=truth,
        datetime=morning(day, longitude, hour=hour),
        inventory=inventory,
    )


def _check(seed: int, shape: tuple[int, int], cloud_share: float) -> None:
    if seed < 0:
        raise InputError(f"seed {seed} is negative", remedy="Give 0 or more")
    if min(shape) < _SMALLEST_SIDE:
        raise InputError(
            f"shape {shape} is too small for a landscape",
            remedy=f"Give at least {_SMALLEST_SIDE} pixels along each side",
        )
    if not 0 <= cloud_share <= 0.9:
        raise InputError(f"cloud_share {cloud_share} is out of range", remedy="Give 0 to 0.9")


def _day(seed: int, *, slides: bool) -> dt.date:
    """The day of the acquisition: the storm strikes in the rainy season."""
    rng = stream(seed, "days")
    after = dt.date(2018 + int(rng.integers(0, 6)), 8, 20) + dt.timedelta(int(rng.integers(0, 60)))
    return after if slides else after - dt.timedelta(int(rng.integers(21, 50)))


def _swath(seed: int, shape: tuple[int, int]) -> shapely.Polygon:
    """What the satellite saw, pixels: the scene less two corners along the inclined orbit."""
    rng = stream(seed, "swath")
    height, width = shape
    margin = 2.0
    left, right = rng.uniform(0.06, 0.13) * width, rng.uniform(0.02, 0.06) * width
    lean = np.tan(np.radians(rng.uniform(9, 13)))
    down, up = min(left / lean, 0.9 * height), min(right / lean, 0.9 * height)
    return shapely.Polygon([
        (left, margin), (width - margin, margin), (width - margin, height - margin - up),
        (width - margin - right, height - margin), (margin, height - margin), (margin, down),
    ])  # fmt: skip


def _merge(drawn: list[BaseGeometry], swath: shapely.Polygon) -> list[BaseGeometry]:
    """Outlines inside the swath, those that touch made one, crumbs dropped; north first."""
    seen = shapely.union_all(drawn).intersection(swath)
    parts = [
        part
        for part in shapely.get_parts(seen)
        if part.geom_type == "Polygon" and part.area * PIXEL**2 >= _SMALLEST_SLIDE
    ]
    return sorted(parts, key=lambda part: (part.bounds[1], part.bounds[0]))


def _inventory(outlines: list[BaseGeometry], geobox: GeoBox) -> gpd.GeoDataFrame:
    """Outlines in pixels as a table in the scene's CRS."""
    left, top = geobox.transform.c, geobox.transform.f
    placed = [shapely.transform(o, lambda xy: xy * (PIXEL, -PIXEL) + (left, top)) for o in outlines]
    columns = {
        "id": [f"slide-{number:04d}" for number in range(1, len(placed) + 1)],
        "area_m2": np.array([outline.area for outline in placed], np.float64),
    }
    return gpd.GeoDataFrame(columns, geometry=placed, crs=str(geobox.crs))
