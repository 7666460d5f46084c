"""A GeoPackage has its spatial index, whatever was loaded before it is written."""

from __future__ import annotations

import sqlite3
import subprocess
import sys

from tests.support import ROOT

WRITE = """
import sys
from hrgldd_core.models.backend import keras
import geopandas, pandas, shapely
from hrgldd_core.inventory.build import build_inventory
from hrgldd_core.inventory.write import write_inventory
zone = geopandas.GeoDataFrame(
    {"prob_mean": [0.9], "prob_max": [1.0], "pixels": [100], "edge": [False], "scene_id": ["s"],
     "acquired": [None], "acquired_last": [None]},
    geometry=[shapely.box(363000, 1305000, 363100, 1305100)], crs="EPSG:32643",
)
found = build_inventory([zone], min_area_m2=0, threshold=0.5, model_id="m")
write_inventory(found.frame, sys.argv[1])
"""


def test_after_the_model_was_loaded(tmp_path):
    subprocess.run([sys.executable, "-c", WRITE, str(tmp_path)], cwd=ROOT, check=True)
    with sqlite3.connect(tmp_path / "inventory.gpkg") as database:
        tables = {name for (name,) in database.execute("select name from sqlite_master")}
    assert "rtree_landslides_geom" in tables
