"""Check that a demo left a whole, valid result that finds most of what is there to find."""

import json
import sys
from pathlib import Path

import geopandas as gpd
import pystac
from rio_cogeo.cogeo import cog_validate

out = Path(sys.argv[1])
collection = pystac.Collection.from_file(str(out / "collection.json"))
items = list(collection.get_items())
assert items, "no items"
for item in items:
    for kind in ("probability", "coverage"):
        valid, errors, warnings = cog_validate(item.assets[kind].get_absolute_href(), strict=True)
        assert valid, (kind, errors, warnings)
summary = json.loads((out / "manifest.json").read_text())["summary"]
counts = {
    "inventory.parquet": len(gpd.read_parquet(out / "inventory.parquet")),
    **{
        name: len(gpd.read_file(out / name))
        for name in ("inventory.gpkg", "inventory.fgb", "inventory.shp.zip")
    },
}
assert set(counts.values()) == {summary["polygons"]}, (counts, summary["polygons"])
assert summary["synthetic"], "the demo did not say that it is synthetic"
assert "synthetic" in (out / "report.html").read_text().lower()
truth = summary["truth"]
assert truth["recall"] > 0.4, truth
assert summary["coverage_km2"]["cloud"] > 0, "clouds were not seen as clouds"
print(f"demo: {summary['polygons']} polygons, truth {truth}")
