"""Landslides of a built data set, from the inventories that it was built from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hrgldd_core.dataset.event_file import InventorySource, read_events
from hrgldd_core.errors import InputError
from hrgldd_core.inventory.read import inventory_identity, read_inventory

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

__all__ = ["inventory_areas", "named_sources", "recorded_sources", "square_metres"]

Sources = dict[str, list[InventorySource]]


def named_sources(events: Sequence[str], sites: Sequence[str]) -> Sources:
    """The inventories of each site, as event files name them.

    Raises:
        InputError: when an event file cannot be used, or a site has no event.
    """
    found: Sources = {site: [] for site in sites}
    for event in read_events(events):
        if event.inventory not in (known := found.setdefault(event.place, [])):
            known.append(event.inventory)
    without = [site for site in sites if not found[site]]
    if without:
        raise InputError(
            f"no event tells of site {', '.join(without)}",
            where=", ".join(events),
            remedy="Give all event files that the dataset was built from",
        )
    return found


def recorded_sources(document: Mapping[str, Any]) -> Sources:
    """The inventories of each site, as the data set's document names them.

    Raises:
        InputError: when one is no longer there, or no longer what it was.
    """
    found: Sources = {}
    checked = set()
    for scene in document["scenes"]:
        named = {k: scene["inventory"][k] for k in ("path", "layer", "where")}
        source = InventorySource.model_validate(named)
        if source.path not in checked:
            checked.add(source.path)
            was = scene["inputs"][source.path]
            if inventory_identity(source.path) != was:
                raise InputError(
                    "changed since the dataset was built",
                    where=source.path,
                    remedy="Name the event files with --event to count in what is there now",
                )
        if source not in (known := found.setdefault(scene["site"], [])):
            known.append(source)
    return found


def inventory_areas(
    sources: Sources, footprints: GeoDataFrame, sites: Sequence[str]
) -> dict[int, npt.NDArray[np.float64]]:
    """Area (m2) of each outline that touches a patch of its site, by the site's number.

    Args:
        sources: inventories of each site.
        footprints: of the patches, with their ``site``.
        sites: names, in the order of their numbers.

    Raises:
        InputError: when an inventory cannot be read.
    """
    import geopandas as gpd
    import pandas as pd
    import shapely

    found = {}
    for number, site in enumerate(sites):
        outlines = [
            read_inventory(s.path, layer=s.layer, where=s.where).polygons.to_crs("EPSG:4326")
            for s in sources[site]
        ]
        shapes = gpd.GeoSeries(pd.concat(outlines, ignore_index=True), crs="EPSG:4326")
        here = footprints.geometry[footprints["site"] == site].to_numpy()
        tree = shapely.STRtree(shapes.to_numpy())
        touched = np.unique(tree.query(here, predicate="intersects")[1])
        found[number] = square_metres(gpd.GeoDataFrame(geometry=shapes.iloc[touched]))
    return found


def square_metres(shapes: GeoDataFrame) -> npt.NDArray[np.float64]:
    """Geodesic area of each geometry (WGS 84)."""
    from pyproj import Geod

    geod = Geod(ellps="WGS84")
    degrees = shapes.geometry.to_crs("EPSG:4326")
    return np.array([abs(geod.geometry_area_perimeter(shape)[0]) for shape in degrees])
