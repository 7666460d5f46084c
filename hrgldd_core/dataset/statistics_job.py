"""Statistics of a data set, written: what ``hrgldd dataset stats`` does."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hrgldd_core import storage
from hrgldd_core.dataset.patches import PatchSet, open_patches
from hrgldd_core.dataset.statistics import DatasetStatistics, SiteStatistics, dataset_statistics
from hrgldd_core.dataset.statistics_inventory import (
    inventory_areas,
    named_sources,
    recorded_sources,
    square_metres,
)
from hrgldd_core.errors import InputError, OutputExistsError
from hrgldd_core.progress import Progress, no_progress

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

__all__ = ["describe_dataset", "figure_page", "statistics_table"]

# PlanetScope's, and HR-GLDD's.
_PIXEL_M = 3.0

_COUNTED = {
    "inventory": "Landslides are those of the inventory that touch a patch, with their whole area.",
    "masks": "Landslides are connected pixels of the masks (8 neighbours) within a patch: one that "
    "lies in two patches counts in each.",
}


def describe_dataset(
    *,
    data: str,
    out: str,
    events: Sequence[str] = (),
    pixel_size: float | None = None,
    progress: Progress = no_progress,
) -> dict[str, Any]:
    """Write ``statistics.csv``, ``.md``, ``.png`` and, last, ``.json`` below ``out``.

    Args:
        data: URI of the data set.
        out: folder or URI prefix.
        events: event files of a built data set, to count in their inventories rather than in
            those it was built from.
        pixel_size: side of a pixel in metres, for arrays without georeference; 3 unless told.
        progress: told patches.

    Raises:
        InputError: when the data set or an event cannot be used; nothing is written.
        OutputExistsError: when other statistics are there already.
    """
    if pixel_size is not None and not 0 < pixel_size < 1000:
        raise InputError(
            f"pixel size {pixel_size:g} m", remedy="Give the side of a pixel in metres"
        )
    asked = {"data": storage.public(data), "events": list(events), "pixel_size": pixel_size}
    target = storage.join(out, "statistics.json")
    if storage.exists(target):
        there = storage.read_json(target)
        if not isinstance(there, dict) or there.get("asked") != asked:
            raise OutputExistsError(
                "holds the statistics of something else",
                where=target,
                remedy="Choose another --out",
            )
    document = _document(data)
    patches = open_patches(data) if document is None else _all_patches(data)
    areas = _pixel_areas(data, document, patches, pixel_size)
    inventory, why = _inventory(data, document, patches, events)
    storage.check_writable(out)
    found = dataset_statistics(patches, areas, inventory=inventory, progress=progress)
    from hrgldd_core.dataset.statistics_figure import statistics_figure

    note = f"{_COUNTED[found.counted]}{why}"
    result = {
        "by": found.by,
        "counted": found.counted,
        "note": note,
        "sites": [row.row() for row in found.rows],
        "total": found.total.row(),
        "asked": asked,
        "out": out,
    }
    storage.write_bytes(storage.join(out, "statistics.csv"), _csv(found).encode())
    text = f"{statistics_table(found)}\n\n{note}\n"
    storage.write_bytes(storage.join(out, "statistics.md"), text.encode())
    storage.write_bytes(storage.join(out, "statistics.png"), statistics_figure(found))
    storage.write_json(target, result)
    return {**result, "table": text}


def figure_page(out: str) -> str:
    """The figure of written statistics as one HTML page that needs no other file."""
    picture = base64.b64encode(storage.read_bytes(storage.join(out, "statistics.png"))).decode()
    return (
        "<!DOCTYPE html><html lang=en><title>Sizes of the landslides</title>"
        f"<img style='max-width:100%' src='data:image/png;base64,{picture}' "
        "alt='Sizes of the landslides of each site'></html>\n"
    )


def _document(data: str) -> dict[str, Any] | None:
    """Of a built data set; None for arrays."""
    if storage.is_local(data) and storage.local_path(data).is_file():
        return None
    from hrgldd_core.dataset.store import current_document

    return current_document(data)


def _all_patches(data: str) -> PatchSet:
    """Those set aside between splits too, in the order of the index."""
    from hrgldd_core.dataset.store import open_store

    return open_store(data)


def _footprints(data: str, document: dict[str, Any]) -> GeoDataFrame:
    from hrgldd_core.dataset.index import read_index
    from hrgldd_core.dataset.store import index_uri

    return read_index(index_uri(data, document["version"])).iloc[: document["patches"]]


def _pixel_areas(
    data: str, document: dict[str, Any] | None, patches: PatchSet, pixel_size: float | None
) -> npt.NDArray[np.float64]:
    """(N,) area of a pixel of each patch, m2: on the ground where the patches are georeferenced."""
    if document is None:
        return np.full(len(patches), (pixel_size or _PIXEL_M) ** 2)
    if pixel_size is not None:
        raise InputError(
            "knows the size of its pixels", where=data, remedy="Leave --pixel-size away"
        )
    height, width = patches.images.shape[1:3]
    return square_metres(_footprints(data, document)) / (height * width)


def _inventory(
    data: str, document: dict[str, Any] | None, patches: PatchSet, events: Sequence[str]
) -> tuple[dict[int, npt.NDArray[np.float64]] | None, str]:
    """Areas of the landslides of each site; None and why when masks must do."""
    if document is None:
        if events:
            raise InputError(
                "arrays do not say where their patches lie, so no outline can be told to be theirs",
                where=data,
                remedy="Leave --event away, or give a built dataset",
            )
        return None, ""
    footprints = _footprints(data, document)
    if events:
        sources = named_sources(events, patches.sites)
        return inventory_areas(sources, footprints, patches.sites), ""
    try:
        sources = recorded_sources(document)
        return inventory_areas(sources, footprints, patches.sites), ""
    except InputError as error:
        return None, f" The inventory could not be used: {error}"


def _csv(found: DatasetStatistics) -> str:
    text = io.StringIO()
    rows = [row.row() for row in (*found.rows, found.total)]
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def statistics_table(found: DatasetStatistics) -> str:
    """The table in Markdown."""
    heads = (found.by, "tiles", "area, km²", "landslides", "smallest, m²", "largest, m²")
    lines = [f"| {' | '.join((*heads, 'total, m²', 'positive'))} |", f"|---|{'---:|' * 7}"]
    lines += [_line(row) for row in found.rows]
    total = _line(found.total).split("|")[1:-1]
    return "\n".join([*lines, "|" + "|".join(f" **{cell.strip()}** " for cell in total) + "|"])


def _line(row: SiteStatistics) -> str:
    def number(value: float | None, form: str = ",.0f") -> str:
        return "-" if value is None else format(value, form)

    # A name may hold what Markdown takes for the next cell.
    cells = [row.site.replace("|", "\\|"), number(row.tiles), number(row.area_km2, ",.2f")]
    cells += [number(row.landslides), number(row.min_area_m2), number(row.max_area_m2)]
    cells += [number(row.total_area_m2), number(row.positive_share, ".2%")]
    return f"| {' | '.join(cells)} |"
