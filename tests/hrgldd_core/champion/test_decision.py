"""When a new model takes the champion's place, and what is said of it."""

from __future__ import annotations

import pytest

from hrgldd_core.champion.decision import CANDIDATE, CHAMPION, decide, decision_text
from hrgldd_core.champion.registry import Champion

HELD = Champion(number=3, model="m/old", sha256="0" * 64, id="unet", version="1", since="2026")


def metrics(f1, remark=""):
    rows = [
        {"collection": 1, "name": "Mixed test set", "remark": remark, "f1": f1, "n_patches": 40},
        {"collection": 3, "name": "Ha|ti", "remark": "", "f1": f1 / 2, "n_patches": 9},
    ]
    return {"collections": rows, "unavailable_collections": {"2": "no sites"}}


def versus(new, old):
    return {CANDIDATE: metrics(new), CHAMPION: metrics(old)}


@pytest.mark.parametrize(
    ("new", "old", "min_gain", "registered", "reason"),
    [
        (0.71, 0.70, 0.0, True, "F1 0.7100 against the champion's 0.7000 on 40 test patches"),
        (0.70, 0.70, 0.0, False, "0.7000 on 40 test patches; more is asked for"),
        (0.69, 0.70, 0.0, False, "more is asked for"),
        (0.71, 0.70, 0.05, False, "at least 0.05 more is asked for"),
        (0.76, 0.70, 0.05, True, "0.7600 against"),
    ],
)
def test_test_patches_decide(new, old, min_gain, registered, reason):
    found = decide(versus(new, old), HELD, min_gain=min_gain)
    assert found.registered is registered
    assert reason in found.reason
    assert (found.f1, found.champion_f1) == (new, old)


def test_first_champion():
    found = decide({CANDIDATE: metrics(0.2)}, None, min_gain=0.5)
    assert (found.registered, found.reason) == (True, "the registry has no champion yet")


def test_champion_itself():
    found = decide({CANDIDATE: metrics(0.2)}, HELD, min_gain=0)
    assert (found.registered, found.reason) == (False, "it is the champion already")


def test_patches_that_are_no_test_set_decide_nothing():
    found = decide({CANDIDATE: metrics(0.9, "The data names no test set")}, None, min_gain=0)
    assert not found.registered
    assert "no test patches" in found.reason


def test_text_shows_all_collections_of_both():
    figures = versus(0.71, 0.7)
    found = decide(figures, HELD, min_gain=0)
    text = decision_text(found, figures, model="m/new", champion=HELD, evaluation="e")
    assert text.startswith("# Registered: F1 0.7100")
    assert "| 1: Mixed test set | 40 | 0.7100 | 0.7000 |" in text
    assert "| 3: Ha\\|ti | 9 | 0.3550 | 0.3500 |" in text
    assert "- champion: `m/old` (number 3, 2026)" in text
    assert "- Collection 2: no sites" in text
