"""What the report of a mapping run says, and that it is safe."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from io import BytesIO
from urllib.parse import quote

import numpy as np
import pytest
import shapely
from PIL import Image

from hrgldd_core.errors import InputError
from hrgldd_core.report import (
    TruthComparison,
    figures,
    findings,
    images,
    render_report,
    text,
)
from hrgldd_core.report import map as scene_map
from tests.hrgldd_core.report.sample import (
    EVIL,
    MODEL,
    Page,
    inventory,
    png,
    report,
    scene,
)


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(render_report(report(scene(40))))


def test_headline_says_what_the_inventory_holds(page):
    table = inventory(scene(40))
    values = [float(d["value"]) for d in page.all("data")]
    areas = np.array(table["area_m2"])
    assert values == pytest.approx([40, areas.sum(), areas.max(), 0.81])
    assert "40 landslides mapped" in page.text
    assert f"{text.area_both(areas.sum())} in total".replace(text.NBSP, " ") in page.text
    assert f"The largest is {text.area(areas.max())}.".replace(text.NBSP, " ") in page.text
    assert "81 % of the area of interest (100 km²) was seen" in page.text
    assert "In the other 19 %" in page.text


def test_sections_come_in_order(page):
    sections = [a["id"] for a in page.all("section") if "id" in a]
    assert sections == ["answer", "map", "sizes", "coverage", "doubt", "method", "files"]
    assert len(page.all("h1")) == 1
    assert page.all("html")[0]["lang"] == "en"


def test_nothing_is_loaded_from_elsewhere(page):
    for tag, attrs in page.elements:
        for name in {"href", "src", "xlink:href", "srcset", "poster", "data", "action"} & set(
            attrs
        ):
            if tag != "a":
                assert attrs[name].startswith("data:"), (tag, attrs[name][:80])
    assert not re.search(r"url\(|@import", page.blocks["style"][0])
    policy = next(a["content"] for a in page.all("meta") if "http-equiv" in a)
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not any("style" in attrs for _, attrs in page.elements), "the policy forbids them"
    assert not any(name.startswith("on") for _, attrs in page.elements for name in attrs)


def test_policy_allows_exactly_the_scripts_and_styles_of_the_page(page):
    import base64
    import hashlib

    policy = next(a["content"] for a in page.all("meta") if "http-equiv" in a)
    for content in (page.blocks["style"][0], page.blocks["script"][1]):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert len(page.blocks["script"]) == 2


def test_hostile_text_is_only_text():
    hostile = scene(3, name=EVIL)
    changed = report(
        hostile, title=EVIL, event=EVIL, run_id=EVIL, missing=(EVIL,), synthetic=True,
        searched={EVIL: EVIL}, timings_s={EVIL: 1.0},
        files=((EVIL, EVIL, 1), ("script", "javascript:alert(1)", 1), ("up", "../../x", 1)),
        model=replace(MODEL, id=EVIL, version=EVIL, bands=(EVIL,), limits=(EVIL,), data=EVIL),
    )  # fmt: skip
    html = render_report(changed)
    parsed = Page(html)
    assert "<script>alert" not in html
    assert "<img" not in html
    assert len(parsed.all("script")) == 2
    assert parsed.outlines[0]["id"] == f"{EVIL}-0"
    assert parsed.text.count(EVIL) >= 8
    assert not any(name.startswith("on") for _, attrs in parsed.elements for name in attrs)
    links = {a["href"] for a in parsed.all("a")}
    safe = re.compile(r"#|https://www\.openstreetmap\.org/|geo:")
    assert {h for h in links if not safe.match(h)} == {quote(EVIL)}


def test_keys_of_signed_links_are_not_passed_on():
    html = render_report(report(scene(2)))
    assert "https://example.org/scene-1.tif" in html
    assert "https://stac.example.org/v1" in html
    assert "SECRET" not in html
    assert "user:pw" not in html


def test_no_landslide():
    view = scene(0)
    parsed = Page(render_report(report(view)))
    assert "No landslide above 900 m² found in the part that was seen." in parsed.text
    assert "81 % of the area of interest" in parsed.text
    assert parsed.outlines == []
    assert not parsed.with_class("plot")
    assert len(parsed.with_class("stage")) == 1


def test_nothing_seen_is_not_nothing_there():
    blind = report(coverage_km2={"mapped": 0.0, "cloud": 90.0, "nodata": 0.0, "outside": 10.0})
    parsed = Page(render_report(blind))
    assert "Nothing was seen, so nothing can be said about landslides here." in parsed.text
    assert "No landslide above" not in parsed.text
    assert "there is no map" in parsed.text


def test_unknown_area_of_interest():
    parsed = Page(render_report(report(scene(3), coverage_km2={})))
    assert "was seen is not known" in parsed.text
    assert not parsed.with_class("stack")


def test_only_the_largest_outlines_are_drawn():
    scenes = (scene(2500, name="a"), scene(2500, name="b", seed=1))
    html = render_report(report(*scenes))
    parsed = Page(html)
    drawn = [a for a in parsed.all("path") if "data-key" in a]
    assert len(drawn) == len(parsed.outlines) == scene_map.MAX_OUTLINES
    kept = {o["id"] for o in parsed.outlines}
    assert kept == {f"{s}-{i}" for s in "ab" for i in range(1500)}
    assert "only the 3,000 largest of 5,000 outlines" in parsed.text
    assert "5,000 landslides mapped" in parsed.text
    assert len(html) < 10e6


def test_all_outlines_are_drawn_without_a_word_about_a_limit(page):
    assert len(page.outlines) == 40
    assert not page.with_class("capped")


def test_intricate_outlines_keep_the_page_light():
    ring = np.linspace(0, 2 * np.pi, 4000, endpoint=False)
    radius = 150 + 20 * np.sin(900 * ring)
    star = shapely.Polygon(200 + radius[:, None] * np.stack([np.cos(ring), np.sin(ring)], 1))
    view = scene(100)
    heavy = replace(view, outlines=view.outlines.set_geometry([star] * 100))
    parsed = Page(render_report(report(view, scenes=(heavy,))))
    drawn = [a["d"] for a in parsed.all("path") if "data-key" in a]
    assert 0 < sum(map(len, drawn)) <= 1_500_000
    assert len(drawn) == len(parsed.outlines)


def test_many_pictures_are_made_smaller_together():
    noise = np.random.default_rng(0).integers(0, 255, (300, 300, 3), dtype=np.uint8)
    out = BytesIO()
    Image.fromarray(noise).save(out, "JPEG", quality=95)
    pairs = [(out.getvalue(), png())] * 5
    before = sum(len(a) + len(b) for a, b in pairs)
    after = images.within_budget(pairs, budget=before // 3)
    assert sum(len(a) + len(b) for a, b in after) <= before // 3
    assert Image.open(BytesIO(after[0][1])).mode == "RGBA"
    assert images.within_budget(pairs, budget=before) == pairs


def test_synthetic_banner_only_for_synthetic_events(page):
    truth = TruthComparison(0.8, 0.7, 0.75, found=31, missed=9, false=4)
    parsed = Page(render_report(report(scene(3), synthetic=True, truth=truth)))
    assert "SYNTHETIC EVENT: these landslides are not real" in parsed.text
    assert parsed.with_class("synthetic-banner")
    assert parsed.with_class("stamp"), "a screenshot of the map must say it too"
    assert "31 of 40" in parsed.text
    assert "SYNTHETIC" not in page.text
    assert not page.with_class("synthetic-banner")


def test_missing_banner_lists_scenes_and_reasons(page):
    parsed = Page(render_report(report(scene(3), missing=("s7: no nir band", "s8: HTTP 403"))))
    assert "INCOMPLETE: 2 scenes could not be mapped" in parsed.text
    assert "s7: no nir band" in parsed.text
    assert "s8: HTTP 403" in parsed.text
    assert "INCOMPLETE" not in page.text


def test_table_holds_the_twenty_largest_and_points_at_the_map(page):
    rows = [a for a in page.all("tr") if "data-show" in a]
    ids = [page.outlines[int(row["data-show"])]["id"] for row in rows]
    assert ids == [f"scene-1-{i}" for i in range(20)]
    place = page.outlines[0]
    links = [a["href"] for a in page.all("a")]
    assert f"geo:{place['lat']:.5f},{place['lon']:.5f}" in links
    assert place["lon"] == pytest.approx(121, abs=0.1)
    assert place["lat"] == pytest.approx(18, abs=0.1)


def test_landslide_that_two_scenes_saw_is_found_in_both():
    first, second = scene(5, name="a"), scene(5, name="b")
    second = replace(second, outlines=first.outlines)
    table = inventory(first)
    table["scene_id"] = "a b"
    parsed = Page(render_report(report(first, scenes=(first, second), inventory=table)))
    assert sorted((o["row"], o["scene"]) for o in parsed.outlines) == [
        (i, j) for i in range(5) for j in range(2)
    ]
    assert all("lon" in o for o in parsed.outlines)
    assert sum("data-show" in a for a in parsed.all("tr")) == 5
    assert "5 landslides mapped" in parsed.text


def test_landslides_of_scenes_that_are_not_shown_are_announced(page):
    shown, other = scene(5, name="a"), scene(7, name="b", seed=1)
    parsed = Page(render_report(report(shown, other, scenes=(shown,))))
    assert "7 landslides lie in images that this page does not show." in parsed.text
    assert "12 landslides mapped" in parsed.text
    assert "does not show" not in page.text


def test_doubts_are_counted():
    view = scene(10)
    table = inventory(view)
    table["edge"] = [True] * 3 + [False] * 7
    table["prob_mean"] = [0.55] * 4 + [0.9] * 6
    table["length_m"] = [200.0] * 2 + [50.0] * 8
    table["width_m"] = [14.0, 16.0] + [12.0] * 8
    doubts = findings.doubts(table, 0.5)
    assert [int(m.sum()) for m in (doubts.edge, doubts.near, doubts.narrow)] == [3, 4, 1]
    parsed = Page(render_report(report(view, inventory=table)))
    assert [b["data-review"] for b in parsed.all("button") if "data-review" in b] == [
        "edge", "near", "narrow",
    ]  # fmt: skip
    assert sum(bool(o["narrow"]) for o in parsed.outlines) == 1


def test_coverage_bar_is_the_area_of_interest(page):
    widths = [float(a["width"]) for a in page.all("rect") if a.get("height") == "60"]
    assert widths == pytest.approx([810, 100, 40, 50])
    assert "“No landslide” and “not seen” are different things." in page.text


def test_sensitivity_marks_the_threshold_in_use():
    low, used = findings.sensitivity(report(scene(5)))
    assert (low.used, used.used) == (False, True)
    assert low.change == pytest.approx(0.2)
    assert used.change is None


def test_model_without_validation_is_not_given_a_score():
    nothing = replace(MODEL, f1=math.nan, f1_low=math.nan, f1_high=math.nan)
    parsed = Page(render_report(report(scene(2), model=nothing)))
    assert "its accuracy is not known" in parsed.text
    assert "nan" not in parsed.text.lower()


def test_missing_values_do_not_break_the_page():
    view = scene(4)
    table = inventory(view)
    for column in ("length_m", "width_m", "prob_mean"):
        table.loc[0, column] = math.nan
    table["acquired"] = None
    parsed = Page(render_report(report(replace(view, acquired=None), inventory=table)))
    assert parsed.outlines[0]["length"] is None
    assert "NaN" not in parsed.blocks["script"][0]


def test_inventory_must_be_lon_lat_and_complete():
    whole = report(scene(2))
    with pytest.raises(InputError, match="EPSG:4326"):
        render_report(replace(whole, inventory=whole.inventory.to_crs("EPSG:3857")))
    with pytest.raises(InputError, match="width_m"):
        render_report(replace(whole, inventory=whole.inventory.drop(columns="width_m")))


def test_path_keeps_holes_and_dots():
    ring = shapely.box(0, 0, 10, 10).difference(shapely.box(2, 2, 4, 4))
    path = scene_map.svg_path(ring)
    assert path.count("M") == path.count("z") == 2
    assert scene_map.svg_path(shapely.box(5, 5, 5.01, 5.01)) == "M5 5h.1v.1h-.1z"
    two = shapely.MultiPolygon([shapely.box(0, 0, 1, 1), shapely.box(3, 3, 4, 4)])
    assert scene_map.svg_path(two).count("M") == 2


@pytest.mark.parametrize(
    "areas", [[900.0], [900.0] * 7, [1.0, 1e7], list(np.geomspace(9, 9e6, 99))]
)
def test_plots_hold_every_landslide_inside_their_frame(areas):
    values = np.array(areas)
    bars = figures.area_histogram(values).bars
    assert sum(int(b.label.rpartition(": ")[2]) for b in bars) == len(areas)
    assert min(b.y for b in bars) >= 0
    line = figures.area_frequency(values)
    points = np.array([p.split(",") for p in line.line.split()], dtype=float)
    assert points[:, 0].min() >= line.left
    assert points[:, 0].max() <= line.right
    assert points[:, 1].min() >= 0
    assert points[:, 1].max() <= line.bottom


@pytest.mark.parametrize(
    ("m2", "expected"),
    [(0, "0 m²"), (9500, "9,500 m²"), (10_000, "1.00 ha"), (345_600, "34.6 ha"),
     (3.42e6, "3.42 km²"), (1.2345e9, "1,234 km²"), (math.nan, "not known")],
)  # fmt: skip
def test_area_has_a_fitting_unit(m2, expected):
    assert text.area(m2).replace(text.NBSP, " ") == expected


def test_a_share_is_never_rounded_to_all_or_nothing():
    assert text.percent(0.9999) == f"more than 99.9{text.NBSP}%"
    assert text.percent(0.0001) == f"less than 0.1{text.NBSP}%"
    assert text.percent(0.9996) != text.percent(1.0)
    assert text.percent(0.814) == f"81{text.NBSP}%"


@pytest.mark.parametrize(
    "href", ["javascript:alert(1)", "//x.org/a", "/etc", "a/../../b", "", "a\nb"]
)
def test_links_that_leave_the_folder_are_refused(href):
    assert text.relative_href(href) is None


def test_links_below_the_folder_are_kept():
    assert text.relative_href("probability/a b.tif") == "probability/a%20b.tif"
