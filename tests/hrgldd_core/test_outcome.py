"""How a run ended, read from what it left."""

from __future__ import annotations

import json

from hrgldd_core.outcome import Outcome, outcome_markdown, outcome_text, read_outcome


def test_nothing_left_is_a_failure(tmp_path):
    for name in ("map_event", "train_benchmark", "build_dataset"):
        found = read_outcome(name, str(tmp_path / "none"))
        assert (found.status, found.error) == ("failed", "it left no result")


def test_result_without_its_collection_is_none(mapped, tmp_path):
    assert read_outcome("map_event", str(mapped.out)).status == "done"
    (tmp_path / "manifest.json").write_bytes((mapped.out / "manifest.json").read_bytes())
    assert read_outcome("map_event", str(tmp_path)).status == "failed"


def test_failed_step_counts_whatever_an_earlier_run_left(mapped):
    found = read_outcome("map_event", str(mapped.out), failed=True, error="out of memory")
    assert (found.status, found.error) == ("failed", "out of memory")
    assert "report.html" not in outcome_markdown(found)


def test_markdown_links_to_the_bucket():
    found = Outcome(
        pipeline="map_event", status="incomplete", out="gs://b/e", figures={"area_m2": 1234.5},
        missing={f"s{i}": "cut | off" for i in range(60)}, files=("gs://b/e/report.html",),
    )  # fmt: skip
    text = outcome_markdown(found, notes=("a note",))
    assert text.startswith("# map_event: incomplete\n")
    assert "| area_m2 | 1,234 |" in text
    assert "[gs://b/e](https://console.cloud.google.com/storage/browser/b/e)" in text
    assert "(https://storage.cloud.google.com/b/e/report.html)" in text
    assert "Missing (60):" in text
    assert "- s49: cut | off\n- and 10 more" in text
    assert text.endswith("a note\n")
    assert "MISSING    s0: cut | off" in outcome_text(found)
    assert json.loads(found.model_dump_json())["missing"]["s59"]
