"""``report.html`` of a mapping run: one file, no network, for whoever must act on the map.

Scene ids, links and messages come from catalogues and are never trusted: the template escapes
everything, links are checked, and a content security policy lets only the page's own script run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hrgldd_core.report import figures, findings, text
from hrgldd_core.report import rows as table_rows
from hrgldd_core.report.html import asset, digest, environment
from hrgldd_core.report.map import MAX_OUTLINES, scene_maps

if TYPE_CHECKING:
    from datetime import datetime

    from geopandas import GeoDataFrame

__all__ = ["ModelSummary", "Report", "SceneView", "TruthComparison", "render_report"]

_PACKAGE = "hrgldd_core.report"


@dataclass(frozen=True)
class SceneView:
    """One mapped scene.

    Attributes:
        acquired: when the image was taken, UTC; None where the catalogue does not say.
        quicklook: JPEG, true colour, north up, decimated scene window.
        probability: PNG with alpha of the same size, landslide probability; may be empty.
        size: (width, height) of the quicklook, pixels.
        pixel_m: side of a quicklook pixel, metres.
        outlines: polygons in quicklook pixels (x right, y down) with columns id, area_m2,
            prob_mean, prob_max, edge.
        source: href of the input.
    """

    id: str
    acquired: datetime | None
    quicklook: bytes
    probability: bytes
    size: tuple[int, int]
    pixel_m: float
    outlines: GeoDataFrame
    source: str


@dataclass(frozen=True)
class ModelSummary:
    """The model and how well it did on sites it had never seen (leave-site-out, by pixels).

    Attributes:
        f1_low, f1_high: 95 % interval of ``f1``; NaN where it was not validated.
        limits: known weaknesses, one sentence each.
        data: what it was trained on.
        method: how it was validated.
    """

    id: str
    version: str
    bands: tuple[str, ...]
    f1: float
    f1_low: float
    f1_high: float
    precision: float
    recall: float
    limits: tuple[str, ...]
    data: str
    method: str = "not recorded"


@dataclass(frozen=True)
class TruthComparison:
    """Result against the known truth of a synthetic event: ratios by pixels, counts of objects."""

    precision: float
    recall: float
    f1: float
    found: int
    missed: int
    false: int


@dataclass(frozen=True)
class Report:
    """Everything the page shows.

    Attributes:
        synthetic: the landslides in the images were put there by software.
        created: end of the run, UTC.
        searched: what was searched: catalogue, collections, bbox, datetime.
        inventory: EPSG:4326 with columns id, area_m2, perimeter_m, length_m, width_m, prob_mean,
            prob_max, scene_id (several, parted by spaces, where scenes overlap), acquired, edge
            (the outline touches the image edge, cloud or nodata, so it may be cut).
        coverage_km2: area of interest by mapped, cloud, nodata, outside (no image).
        specks: number and total m2 of areas below ``min_area_m2``, which were left out.
        threshold: probability 0-1 from which a pixel is landslide.
        sensitivity: (threshold, polygons, total m2) around the chosen threshold.
        timings_s: seconds by step; megapixels: pixels mapped / 1e6.
        files: (label, relative href, bytes).
        missing: scenes that could not be mapped, and why.
        truth: only for synthetic events.
        warnings: what must be known of the images, a sentence or two each.
        effort: further figures of what the run took: what, and how much.
    """

    title: str
    event: str
    synthetic: bool
    run_id: str
    created: datetime
    searched: dict[str, str]
    scenes: tuple[SceneView, ...]
    inventory: GeoDataFrame
    coverage_km2: dict[str, float]
    specks: tuple[int, float]
    min_area_m2: float
    threshold: float
    sensitivity: tuple[tuple[float, int, float], ...]
    model: ModelSummary
    timings_s: dict[str, float]
    megapixels: float
    files: tuple[tuple[str, str, int], ...]
    missing: tuple[str, ...]
    truth: TruthComparison | None
    warnings: tuple[str, ...] = ()
    effort: tuple[tuple[str, str], ...] = ()


def render_report(report: Report) -> str:
    """The page as one self-contained HTML document, below 10 MB whatever the run found.

    Raises:
        InputError: a table lacks a column, or the inventory is not in EPSG:4326.
    """
    table_rows.check(report)
    doubts = findings.doubts(report.inventory, report.threshold)
    rows = table_rows.rows(report, doubts)
    maps = scene_maps(report.scenes, table_rows.by_scene(rows))
    drawn = sorted((o for m in maps for o in m.outlines), key=lambda o: o.key)
    outlines = [o.attributes for o in drawn]
    areas = findings.column(report.inventory, "area_m2")
    plotted = areas[areas > 0]
    assets = {name: asset(_PACKAGE, f"report.{name}.j2") for name in ("css", "js")}
    return (
        environment(_PACKAGE)
        .get_template("report.html.j2")
        .render(
            report=report,
            text=text,
            headline=findings.headline(report.inventory),
            coverage=findings.coverage(report.coverage_km2),
            doubts={name: table_rows.tally(areas, mask) for name, mask in vars(doubts).items()},
            near=findings.near_margin(report.threshold),
            sensitivity=findings.sensitivity(report),
            maps=maps,
            outlines=outlines,
            max_outlines=MAX_OUTLINES,
            largest=table_rows.largest(areas, rows, outlines),
            elsewhere=table_rows.elsewhere(rows, [s.id for s in report.scenes]),
            histogram=figures.area_histogram(plotted) if len(plotted) else None,
            frequency=figures.area_frequency(plotted) if len(plotted) > 1 else None,
            figure_size=(figures.WIDTH, figures.HEIGHT),
            elapsed_s=sum(report.timings_s.values()),
            assets=assets,
            digests={name: digest(str(content)) for name, content in assets.items()},
        )
    )
