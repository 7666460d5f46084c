"""Figures of a comparison, against counting by hand."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import numpy as np
import pytest

from hrgldd_core.dataset.lazy import LazyArray
from hrgldd_core.dataset.patches import open_patches
from hrgldd_core.errors import InputError
from hrgldd_core.evaluation.comparison import About, choose_best, table_csv
from hrgldd_core.evaluation.confusion import Confusion
from hrgldd_core.evaluation.contenders import stored
from hrgldd_core.evaluation.examples import choose_patches
from hrgldd_core.evaluation.layout import lay_out
from hrgldd_core.evaluation.published import published
from hrgldd_core.evaluation.scores import COLUMNS, score
from tests.hrgldd_core.evaluation.sample import compared, noisy, patch_set

GROUPS = np.repeat([0, 1, 2, 3], [20, 5, 12, 3])


@pytest.fixture(scope="module")
def data():
    return patch_set(GROUPS)


@pytest.fixture(scope="module")
def found(data):
    predictions = {
        "good": noisy(data, 0.1),
        "bad": noisy(data, 0.4),
        "mask": noisy(data, 0.3) > 0.5,
    }
    return compared(data, predictions)[0]


def test_pixels_of_every_row(data, found):
    labels = data.labels
    chosen = {"All patches": GROUPS >= 0, "Mixed test set": GROUPS >= 0}
    chosen |= {f"Site {s}": s == GROUPS for s in range(4)}
    for row in found.rows:
        here = chosen[row[0]["name"]]
        for figures, noise in zip(row, (0.1, 0.4, 0.3), strict=True):
            mapped = noisy(data, noise)[here] >= 0.5 - 1e-6
            counts = [
                Confusion.of(y == 1, p, counted=y <= 1)
                for y, p in zip(labels[here], mapped, strict=True)
            ]
            total = sum(counts, Confusion())
            assert figures["confusion"] == vars(total)
            for name in ("precision", "recall", "f1", "iou"):
                assert figures[name] == pytest.approx(getattr(total, name))
                low, high = figures["intervals"][name]
                assert low <= high
            batches = [sum(counts[i : i + 16], Confusion()).f1 for i in range(0, len(counts), 16)]
            assert figures["f1_per_batch_mean"] == pytest.approx(np.mean(batches))
            assert figures["n_patches"] == here.sum()


def test_intervals_by_sites_need_three(found):
    for row in found.rows:
        assert (row[0]["site_intervals"] is not None) == (row[0]["n_sites"] == 4)


def test_masks_have_no_curves(found):
    _, mixed, *_ = found.rows
    good, bad, mask = mixed
    assert mask["curve"] is mask["calibration"] is mask["roc_auc"] is None
    assert 0.5 < bad["roc_auc"] < good["roc_auc"] <= 1
    assert bad["average_precision"] < good["average_precision"]


def test_differences_are_paired(found):
    good, bad, _ = found.rows[1]
    assert good["f1_difference"] is None
    low, high = bad["f1_difference"]["interval"]
    assert bad["f1_difference"]["f1"] == pytest.approx(bad["f1"] - good["f1"])
    assert low < bad["f1_difference"]["f1"] < high < 0


def test_equal_predictions_differ_by_nothing(data):
    same = {"a": noisy(data, 0.3), "b": noisy(data, 0.3)}
    _, b = compared(data, same)[0].rows[0]
    assert b["f1_difference"]["f1"] == 0
    assert tuple(b["f1_difference"]["interval"]) == (0, 0)


def test_perfect_predictions(data):
    perfect = compared(data, {"perfect": data.labels == 1})[0].rows[0][0]
    objects = perfect["objects"]
    assert perfect["f1"] == perfect["iou"] == perfect["boundary"]["f1"] == objects["f1"] == 1
    assert objects["missed"] == objects["split"] == objects["false"] == objects["in_merged"] == 0
    assert objects["found"] == objects["matched"] == objects["mapped_areas"] > 0
    assert sum(c["landslides"] for c in objects["by_area_m2"]) == objects["landslides"]


def test_table_as_text(found):
    lines = list(csv.DictReader(io.StringIO(table_csv(found))))
    assert len(lines) == 3 * len(found.rows)
    for line, figures in zip(lines, (f for row in found.rows for f in row), strict=True):
        assert float(line["f1"]) == figures["f1"]
        assert float(line["f1_low_patches"]) == figures["intervals"]["f1"][0]
        assert line["f1_low_sites"] == "" or figures["site_intervals"]
        assert int(line["pixels_tp"]) == figures["confusion"]["tp"]
        assert int(line["object_found"]) == figures["objects"]["found"]
    assert lines[0]["collection"] == "headline"


def test_best_is_chosen_on_validation():
    def about(name, f1=None, method="held back"):
        validation = {} if f1 is None else {"f1": f1, "method": method}
        return About(name, 0.5, validation=validation)

    two = [about("a", 0.6), about("b", 0.7)]
    assert choose_best(two, None).best == 1
    assert "recorded" in choose_best(two, None).how
    assert choose_best(two, [0.9, 0.8]).best == 0
    assert "of this data" in choose_best(two, [0.9, 0.8]).how
    unknown = choose_best([about("a"), about("b", 0.7)], None)
    assert (unknown.best, unknown.known) == (0, False)
    otherwise = choose_best([about("a", 0.6), about("b", 0.7, "other")], None)
    assert "different ways" in otherwise.how


def test_patches_to_show_are_quantiles():
    table = np.zeros((42, len(COLUMNS)), np.int64)
    tp, fn = COLUMNS.index("tp"), COLUMNS.index("fn")
    order = np.random.default_rng(0).permutation(41)
    table[:41, tp], table[:41, fn] = order, 40 - order
    # The last patch has no landslide.
    assert [int(order[i]) for _, i in choose_patches([table])] == [2, 10, 20, 30, 38]
    assert choose_patches([table[41:]]) == []
    assert len(choose_patches([table[:1]])) == 1


def test_mapped_pixels_come_back(tmp_path, data):
    contender = stored({"x": noisy(data, 0.3)})
    cells = np.zeros(len(data), np.int64)
    (scores,) = score(contender, data, cells=cells, keep=tmp_path)
    for i in (0, 7, len(data) - 1):
        expected = noisy(data, 0.3)[i] >= 0.5 - 1e-6
        np.testing.assert_array_equal(scores.mapped(i, expected.shape), expected)


class Counted(LazyArray):
    """An array that remembers the most rows that were read at once, and how many in all."""

    def __init__(self, base):
        self.shape, self.dtype, self.base = base.shape, base.dtype, base
        self.most = self.all = 0

    def read(self, rows):
        self.most, self.all = max(self.most, len(rows)), self.all + len(rows)
        return self.base[rows]


def test_patches_are_read_once_for_all_contenders_and_never_together():
    data = patch_set([0] * 150)
    lazy = replace(data, images=Counted(data.images), labels=Counted(data.labels))
    contenders = stored({str(i): noisy(data, 0.2, seed=i) for i in range(3)})
    score(contenders, lazy, cells=np.zeros(150, np.int64))
    for array in (lazy.images, lazy.labels):
        assert array.most <= 64
        assert array.all == 150


@pytest.mark.parametrize("extra", [-1, 1])
def test_predictions_of_other_patches_are_refused(data, extra):
    values = np.zeros((len(data) + extra, *data.labels.shape[1:]), np.uint8)
    with pytest.raises(InputError, match=r"'mask' has .* patches"):
        compared(data, {"mask": values})


def test_published_numbers():
    paper = published()
    f1 = {row.name: dict(zip(paper.models, row.f1, strict=True)) for row in paper.rows}
    assert f1["Mixed test set"]["unet"] == 0.7904
    assert f1["DRC"]["adsms_unet"] == 0.5819
    assert all(len(row.f1) == len(paper.models) == 5 for row in paper.rows)


def test_published_predictions_on_real_patches(shared_data):
    patches = open_patches(str(shared_data / "hrgldd/patches_dev.npz"))
    with np.load(shared_data / "hrgldd/published_predictions_dev.npz") as archive:
        predicted = {n.removeprefix("pred_"): archive[n] for n in archive.files if "pred_" in n}
    assert len(predicted) == 5
    found, shown = compared(patches, predicted)
    names = [row[0]["name"] for row in found.rows]
    assert names[1:] == ["Mixed test set", *(f"Site {s}" for s in (0, 1, 2, 4, 6, 7, 8))]
    labels = patches.labels[:]
    for about, figures in zip(found.about, found.rows[1], strict=True):
        expected = Confusion.of(labels == 1, predicted[about.name], counted=labels <= 1)
        assert figures["f1"] == pytest.approx(expected.f1)
        low, high = figures["site_intervals"]["f1"]
        narrow = figures["intervals"]["f1"]
        assert low < narrow[0] < figures["f1"] < narrow[1] < high
        assert figures["objects"]["landslides"] == found.rows[1][0]["objects"]["landslides"] > 500
    assert [len(chosen) for chosen in shown.values()] == [5]


def test_layout_of_one_contender_needs_no_validation(data):
    single = compared(data, {"only": noisy(data, 0.2)})[0]
    assert single.choice.best == 0
    assert single.rows[0][0]["f1_difference"] is None
    assert lay_out([data], []).rows == single.layout.rows
