"""The report of a comparison: what it says, and that it needs nothing else."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import numpy as np
import pytest
from matplotlib.axes import Axes

from hrgldd_core.evaluation.examples import COLOURS
from hrgldd_core.evaluation.page import render_comparison
from hrgldd_core.evaluation.plots.objects import learning_curves
from tests.hrgldd_core.evaluation.sample import compared, noisy, patch_set

WHEN = datetime(2026, 11, 24, 12, tzinfo=UTC)
EVIL = "<script>alert(1)</script>"
SITES = ("Aksu", EVIL, "Ceará", "Dolpa")


def history(epochs=9):
    steps = np.arange(1, epochs + 1)
    return {"loss": (1 / steps).tolist(), "val_f1": (1 - 1 / steps).tolist()}


@pytest.fixture(scope="module")
def found():
    data = patch_set(np.repeat([0, 1, 2, 3], [20, 5, 12, 4]), sites=SITES)
    predictions = {
        "unet-default": noisy(data, 0.2),
        "a-rather-long-name-of-a-model-2026": noisy(data, 0.3),
        "mask": noisy(data, 0.3) > 0.5,
    }
    about = {
        "unet-default": {
            "model": EVIL, "architecture": "unet", "history": history(),
            "calibration": {"temperature": 1.5, "bias": -0.2}, "validation": {"f1": 0.7},
        },
        "a-rather-long-name-of-a-model-2026": {"validation": {"f1": 0.6}},
        "mask": {"validation": {"f1": 0.5}},
    }  # fmt: skip
    return compared(data, predictions, **about)


@pytest.fixture(scope="module")
def page(found):
    return render_comparison(*found, created=WHEN)


def test_nothing_is_fetched_and_nothing_runs(page):
    assert "<script" not in page
    for source in re.findall(r"(?:src|href)=\"([^\"]*)\"", page):
        assert source.startswith(("data:", "#", "https://doi.org/")), source
    assert "default-src 'none'" in page
    assert "@import" not in page


def test_names_are_escaped(page):
    assert EVIL not in page
    assert page.count("&lt;script&gt;") >= 3


def test_figures_of_the_table_are_those_of_the_comparison(found, page):
    comparison, _ = found
    for row in comparison.rows[1:]:
        for figures in row:
            assert f"{figures['f1']:.3f}" in page
            low, high = figures["intervals"]["f1"]
            assert f"{low:.2f}\u2013{high:.2f}" in page
    assert "0.7904" in page
    assert "10.5194/essd-15-3283-2023" in page


def test_best_on_validation_is_named_first(page):
    assert re.search(r"<strong>unet-default</strong> did best on validation", page)


def test_without_validation_none_is_recommended():
    data = patch_set([0] * 20)
    page = render_comparison(*compared(data, {"a": noisy(data, 0.2), "b": noisy(data, 0.3)}),
                             created=WHEN)  # fmt: skip
    assert "did best" not in page
    assert "none is recommended" in page


def test_predictions_of_every_model_at_every_quantile(found, page):
    comparison, shown = found
    pictures = sum(2 + len(e.predictions) for chosen in shown.values() for e in chosen)
    assert page.count("data:image/png;base64,") == pictures == 5 * (2 + len(comparison.about))


def test_figures_are_drawn_once_each(page):
    titles = re.findall(r"<figcaption><h3>([^<]*)</h3>", page)
    assert [t.split(":")[0].split("?")[0] for t in titles] == [
        "Precision, recall, F1 and IoU",
        "F1 of each row of the table",
        "Precision and recall at every threshold",
        "Do probabilities mean what they say",
        "Landslides found, by size",
        "Learning curves",
    ]


def test_one_model_is_not_compared():
    data = patch_set([0] * 20)
    about = {"only": {"history": {"loss": [0.9], "val_f1": [0.4]}}}
    page = render_comparison(*compared(data, {"only": noisy(data, 0.2)}, **about), created=WHEN)
    titles = re.findall(r"<figcaption><h3>([^<]*)</h3>", page)
    assert "Precision, recall, F1 and IoU" not in titles
    assert "1 model, at most 1 epoch." in page
    assert "do not compare" not in page


def test_losses_of_several_models_share_no_axis(monkeypatch):
    labels = []
    monkeypatch.setattr(Axes, "set_title", lambda axes, text, **_: labels.append((axes, text)))
    histories = {name: (i, history()) for i, name in enumerate("ab")}
    plot = learning_curves(histories)
    assert [text for _, text in labels] == [
        "F1 on validation, at 0.5", "loss in training (each its own)"
    ]  # fmt: skip
    f1, loss = (axes for axes, _ in labels)
    assert len(f1.get_yticks())
    assert not len(loss.get_yticks())
    assert "do not compare" in plot.note


def test_experts_have_a_colour_of_their_own(page):
    assert len(set(COLOURS.values())) == len(COLOURS)
    key = page.split('class="key"')[1].split("</ul>")[0]
    for colour in COLOURS.values():
        assert colour in key


def test_same_figures_make_the_same_page(found, page):
    assert render_comparison(*found, created=WHEN) == page


@pytest.mark.parametrize("count", [1, 2])
def test_little_data(count):
    data = patch_set([0] * count)
    empty = {"nothing": np.zeros(data.labels.shape, np.float32) + 0.1}
    page = render_comparison(*compared(data, empty), created=WHEN)
    assert "Fewer than 16 patches" in page
    assert "Evaluation of nothing" in page


def test_the_paper_stands_beside_its_own_collections_only():
    """A training site of the name of an unseen event is another thing."""
    about = {"ours": {"architecture": "unet"}}
    for splits, beside in ((["test"] * 40, False), (["test"] * 20 + ["unseen"] * 20, True)):
        data = patch_set(np.repeat([0, 1], 20), sites=("Haiti", "Indonesia"), splits=splits)
        page = render_comparison(*compared(data, {"ours": noisy(data, 0.2)}, **about), created=WHEN)
        line = page.split("3 \u00b7 Indonesia")[-1].split("</tr>")[0]
        assert ("ours" in line) == beside
        assert "ours" not in page.split("3 \u00b7 Haiti")[-1].split("</tr>")[0]


def test_sites_that_are_unknown_have_no_number():
    data = patch_set([0] * 20, splits=["test"] * 20)
    page = render_comparison(*compared(data, {"x": noisy(data, 0.2)}), created=WHEN)
    assert "point \u00b7 patch" in page
    assert "site 0" not in page


def test_patches_without_a_landslide():
    data = patch_set([0] * 3)
    data.labels[:] = 0
    comparison, shown = compared(data, {"x": np.full(data.labels.shape, 0.2, np.float32)})
    assert shown == {"Mixed test set": []}
    page = render_comparison(comparison, shown, created=WHEN)
    assert "Landslides found, by size" not in page


@pytest.mark.browser
@pytest.mark.parametrize("width", [1400, 390])
def test_page_in_a_browser(browser, tmp_path, page, width):
    file = tmp_path / "report.html"
    file.write_text(page, "utf-8")
    tab = browser.new_page(viewport={"width": width, "height": 844})
    trouble: list[str] = []
    requests: list[str] = []
    tab.on("console", lambda message: trouble.append(message.text))
    tab.on("pageerror", lambda error: trouble.append(str(error)))
    tab.on("request", lambda r: r.url.startswith("data:") or requests.append(r.url))
    tab.goto(file.as_uri())
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    pictures = "[...document.images].map((i) => [i.complete, i.naturalWidth, i.checkVisibility()])"
    assert all(done and wide and seen for done, wide, seen in tab.evaluate(pictures))
    assert trouble == []
    assert requests == [file.as_uri()]
    tab.close()
