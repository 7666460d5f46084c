"""The report of a mapping run in a real browser."""

from __future__ import annotations

import json

import pytest

from hrgldd_core.report import (
    render_report,
)
from tests.hrgldd_core.report.sample import (
    EVIL,
    report,
    scene,
)


@pytest.mark.browser
@pytest.mark.parametrize("width", [1400, 390])
def test_page_works_in_a_browser(browser, tmp_path, width):
    file = tmp_path / "report.html"
    hostile = scene(8, name=EVIL, seed=1)
    file.write_text(render_report(report(scene(30), hostile)), "utf-8")
    tab = browser.new_page(viewport={"width": width, "height": 844})
    trouble: list[str] = []
    requests: list[str] = []
    tab.on("console", lambda message: trouble.append(message.text))
    tab.on("pageerror", lambda error: trouble.append(str(error)))
    tab.on("dialog", lambda dialog: (trouble.append(dialog.message), dialog.dismiss()))
    tab.on("request", lambda r: r.url.startswith("data:") or requests.append(r.url))
    tab.goto(file.as_uri())
    assert tab.evaluate("document.documentElement.scrollWidth") <= width

    row = tab.locator("tr[data-show]").nth(7)
    key = row.get_attribute("data-show")
    row.locator("td").first.click()
    tab.wait_for_function("document.querySelector('.stage.zoomed') !== null")
    inside = """key => {
      const path = document.querySelector(`[data-key="${key}"]`);
      const [a, b] = [path, path.closest(".stage")].map((e) => e.getBoundingClientRect());
      return a.width > 0.15 * Math.min(b.width, b.height) && a.left >= b.left
        && a.right <= b.right && a.top >= b.top && a.bottom <= b.bottom;
    }"""
    assert tab.evaluate(inside, key), "the outline of the row fills the map"
    assert json.loads(tab.locator("#outline-data").text_content())[int(key)]["area"] in (
        tab.locator("#panel").text_content()
    )

    tab.locator("[data-zoom=reset]:visible").click()
    assert tab.locator(".stage.zoomed").count() == 0
    tab.locator("[data-zoom=in]:visible").click()
    assert tab.locator(".stage.zoomed").count() == 1
    tab.locator("#show-outlines").uncheck()
    assert not tab.locator("g.outlines >> nth=0").is_visible()
    tab.locator("#show-probability").check()
    assert tab.locator("image.probability >> nth=0").is_visible()
    assert trouble == []
    assert requests == [file.as_uri()]
    tab.close()
