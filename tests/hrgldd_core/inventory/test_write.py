import zipfile

import geopandas
import shapely

from hrgldd_core.inventory.build import build_inventory
from hrgldd_core.inventory.write import write_inventory


def test_a_shapefile_does_not_say_when_it_was_written(tmp_path):
    zone = geopandas.GeoDataFrame(
        {"prob_mean": [0.9], "prob_max": [1.0], "pixels": [100], "edge": [False],
         "scene_id": ["s"], "acquired": [None], "acquired_last": [None]},
        geometry=[shapely.box(363000, 1305000, 363100, 1305100)], crs="EPSG:32643",
    )  # fmt: skip
    found = build_inventory([zone], min_area_m2=0, threshold=0.5, model_id="m")
    write_inventory(found.frame, str(tmp_path))
    with zipfile.ZipFile(tmp_path / "inventory.shp.zip") as archive:
        (table,) = (archive.read(name) for name in archive.namelist() if name.endswith(".dbf"))
        dates = {entry.date_time for entry in archive.infolist()}
    # Year since 1900, month and day of the last change.
    assert tuple(table[1:4]) == (80, 1, 1)
    assert dates == {(1980, 1, 1, 0, 0, 0)}
