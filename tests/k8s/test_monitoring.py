"""The dashboard's queries are PromQL and use what the rules record."""

from __future__ import annotations

import json
import re
import subprocess

from tests.support import ROOT

FOLDER = ROOT / "k8s/components/monitoring"
PARSE = "import json, sys, promql_parser\nfor q in json.load(sys.stdin): promql_parser.parse(q)"


def _queries():
    board = json.loads((FOLDER / "hrgldd.json").read_text())
    return [t["expr"] for panel in board["panels"] for t in panel["targets"]]


def test_queries_of_the_dashboard_are_promql(tools):
    given = [
        q.replace("$__range", "6h").replace("$price_cpu", "1").replace("$price_gpu", "1")
        for q in _queries()
    ]
    done = subprocess.run(
        [tools / "python", "-c", PARSE],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_what_the_dashboard_shows_is_recorded():
    recorded = set(re.findall(r"record: (\S+)", (FOLDER / "rules.yaml").read_text()))
    shown = set(re.findall(r"hrgldd:[\w:]+", " ".join(_queries())))
    assert shown <= recorded


def test_every_panel_says_where_its_figures_come_from():
    board = json.loads((FOLDER / "hrgldd.json").read_text())
    assert [p["title"] for p in board["panels"] if len(p["description"]) < 10] == []
