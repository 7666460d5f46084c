"""Made-up runs to report on, and a page taken apart."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from io import BytesIO

import geopandas as gpd
import numpy as np
import shapely
from PIL import Image

from hrgldd_core.report import (
    ModelSummary,
    Report,
    SceneView,
)

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'{{7*7}}"
SIZE = 400
PIXEL_M = 9.0
VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta"}
INVENTORY = [
    "id", "area_m2", "perimeter_m", "length_m", "width_m", "prob_mean", "prob_max", "scene_id",
    "acquired", "edge", "geometry",
]  # fmt: skip
WHEN = datetime(2026, 3, 1, 2, 41, tzinfo=UTC)
MODEL = ModelSummary(
    id="unet", version="1.0", bands=("blue", "green", "red", "nir"), f1=0.71, f1_low=0.6,
    f1_high=0.8, precision=0.75, recall=0.68, limits=("Quarries look like landslides.",),
    data="HR-GLDD",
)  # fmt: skip


class Page(HTMLParser):
    """Elements and visible text of a page; fails on tags that do not nest."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.stack: list[str] = []
        self.blocks: dict[str, list[str]] = {"script": [], "style": []}
        self.feed(html)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, {k: v or "" for k, v in attrs}))
        if tag not in VOID:
            self.stack.append(tag)
        if tag in self.blocks:
            self.blocks[tag].append("")

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, {k: v or "" for k, v in attrs}))

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        if self.stack and self.stack[-1] in self.blocks:
            self.blocks[self.stack[-1]][-1] += data
        else:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attrs for name, attrs in self.elements if name == tag]

    def with_class(self, name: str) -> list[dict[str, str]]:
        return [a for _, a in self.elements if name in a.get("class", "").split()]

    @property
    def outlines(self) -> list[dict[str, object]]:
        return json.loads(self.blocks["script"][0])


def jpeg() -> bytes:
    out = BytesIO()
    Image.new("RGB", (SIZE, SIZE), (60, 90, 60)).save(out, "JPEG")
    return out.getvalue()


def png() -> bytes:
    out = BytesIO()
    Image.new("RGBA", (SIZE, SIZE), (230, 60, 90, 90)).save(out, "PNG")
    return out.getvalue()


def scene(number: int, *, name: str = "scene-1", seed: int = 0) -> SceneView:
    """``number`` rectangles of distinct sizes; number 0 the largest, none sharing an area."""
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, SIZE - 30, (number, 2))
    side = np.linspace(28, 3, number)
    boxes = shapely.box(*corner.T, *(corner + np.stack([side, side / 2], 1)).T)
    outlines = gpd.GeoDataFrame(
        {
            "id": [f"{name}-{i}" for i in range(number)],
            "area_m2": shapely.area(boxes) * PIXEL_M**2,
            "prob_mean": rng.uniform(0.5, 0.95, number),
            "prob_max": np.full(number, 0.97),
            "edge": np.arange(number) % 5 == 0,
        },
        geometry=list(boxes),
    )
    source = f"https://user:pw@example.org/{name}.tif?sig=SECRET"
    return SceneView(name, WHEN, jpeg(), png(), (SIZE, SIZE), PIXEL_M, outlines, source)


def inventory(*scenes: SceneView) -> gpd.GeoDataFrame:
    rows = []
    for view in scenes:
        for row in view.outlines.to_dict("records"):
            x0, y0, x1, y1 = (v * PIXEL_M for v in row["geometry"].bounds)
            place = shapely.box(*(v / 111_000 for v in (x0, -y1, x1, -y0)))
            rows.append(
                row
                | {
                    "geometry": shapely.transform(place, lambda xy: np.add(xy, (121.0, 18.0))),
                    "perimeter_m": 2 * (x1 - x0 + y1 - y0), "length_m": x1 - x0,
                    "width_m": y1 - y0, "scene_id": view.id, "acquired": view.acquired,
                }
            )  # fmt: skip
    table = {c: [row[c] for row in rows] for c in INVENTORY}
    return gpd.GeoDataFrame(table, geometry="geometry", crs="EPSG:4326")


def report(*scenes: SceneView, **changes) -> Report:
    table = inventory(*scenes)
    total = float(sum(table["area_m2"]))
    base = Report(
        title="Landslides, test event", event="M 7, test event", synthetic=False, run_id="run-1",
        created=WHEN, searched={"catalogue": "https://stac.example.org/v1?token=SECRET"},
        scenes=scenes, inventory=table,
        coverage_km2={"mapped": 81.0, "cloud": 10.0, "nodata": 4.0, "outside": 5.0},
        specks=(7, 2100.0), min_area_m2=900.0, threshold=0.5,
        sensitivity=((0.4, len(table) + 3, 1.2 * total), (0.5, len(table), total)),
        model=MODEL, timings_s={"read": 20.0, "predict": 30.0}, megapixels=250.0,
        files=(("Inventory", "inventory.gpkg", 1_500_000),), missing=(), truth=None,
    )  # fmt: skip
    return replace(base, **changes)
