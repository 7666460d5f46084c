"""What a run says it took."""

from __future__ import annotations

import json

import pytest

from tests.support import hrgldd


def test_time_speed_memory_bytes_and_cost(mapped, event, bright_model, tmp_path):
    out = tmp_path / "out"
    done = hrgldd(
        "map", *event.options(), "--model", bright_model, "--out", out, "--json",
        "--price-per-hour", "3.6",
    )  # fmt: skip
    assert done.code == 0, done.err
    it = done.document
    total = sum(it["seconds"].values())
    assert set(it["seconds"]) == {"open", "map", "combine"}
    assert all(s > 0 for s in it["seconds"].values())
    assert it["cost"] == pytest.approx(total * 3.6 / 3600, abs=6e-5)
    assert it["mpx_per_s"] == pytest.approx(it["megapixels"] / it["seconds"]["map"], rel=0.05)
    assert it["km2_per_h"] == pytest.approx(it["mpx_per_s"] * 9 * 3600, rel=0.01)
    assert 100 < it["peak_memory_mb"] < 100_000
    read = json.loads((out / "manifest.json").read_text())["inputs"]
    assert it["bytes_input"] == sum(known["size"] for known in read.values()) > 0
    assert 0 < it["bytes_read"] <= it["bytes_input"]
    # A price changes neither what is mapped nor which run it is; without one no cost is named.
    assert it["run_id"] == mapped.done.document["run_id"]
    assert "cost" not in mapped.done.document
    page = (out / "report.html").read_text()
    for word in ("Peak memory", "input files", "Cost", "per node hour", "km² an hour"):
        assert word in page
