"""docs/scale.md shows what its script prints, and the script adds up."""

from __future__ import annotations

import importlib.util

import pytest

from tests.support import ROOT


@pytest.fixture(scope="module")
def scale():
    import sys

    spec = importlib.util.spec_from_file_location("scale", ROOT / "benchmarks/scale.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["scale"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["scale"]


def test_the_guide_shows_the_script_s_tables(scale):
    text = (ROOT / "docs/scale.md").read_text()
    prices = {"price_cpu": 0.4, "price_gpu": 1.0, "gpu_rate": 60.0}
    assert scale.table(scenes=[2, 20, 2000], parallel=8, **prices) in text
    assert scale.table(scenes=[2000], parallel=64, **prices) in text


def test_money_is_node_hours_times_price(scale):
    way = scale.Way("it", rate=2.0, tasks_per_node=3, price=2.5)
    it = scale.estimate(way, scenes=2000, parallel=8)
    assert it.cost == pytest.approx(2.5 * it.node_hours)
    assert it.nodes == 3
    assert it.tasks == 500
    # More cannot be paid than all nodes for all of the time.
    assert it.node_hours <= it.nodes * it.hours


def test_more_tasks_at_once_help_until_one_is_the_limit(scale):
    way = scale.Way("it", rate=2.0, tasks_per_node=3, price=1)
    hours = [scale.estimate(way, scenes=2000, parallel=n).hours for n in (1, 8, 64, 500)]
    assert hours == sorted(hours, reverse=True)
    assert scale.estimate(way, scenes=2000, parallel=1).bottleneck == "mapping"
    assert scale.estimate(way, scenes=2000, parallel=500).bottleneck == "combining (one task)"
    assert hours[-1] > 2000 * scale.MEASURED["seconds to combine a scene"] / 3600
