"""Inventories of others: every defect is repaired or left out, and counted."""

from __future__ import annotations

import json
import shutil

import geopandas as gpd
import pytest
import shapely

from hrgldd_core.errors import InputError
from hrgldd_core.inventory.read import inventory_identity, read_inventory
from tests.support import UTM

SQUARE = shapely.box(363000, 1304000, 363100, 1304100)
BOW = shapely.Polygon([(363200, 1304000), (363300, 1304100), (363300, 1304000), (363200, 1304100)])


def write(path, *shapes, crs=UTM, **columns):
    gpd.GeoDataFrame(columns, geometry=list(shapes), crs=crs).to_file(path)
    return str(path)


def test_every_defect_is_counted(tmp_path):
    two = shapely.MultiPolygon([shapely.box(0, 0, 9, 9), shapely.box(20, 0, 29, 9)])
    turned = shapely.Polygon([SQUARE.exterior.coords[i] for i in (2, 3, 0, 1, 2)])
    high = shapely.force_3d(shapely.box(50, 50, 60, 60), 700.0)
    line_like = shapely.Polygon([(0, 50), (10, 50), (5, 50)])
    mixed = shapely.GeometryCollection([shapely.Point(1, 1), shapely.box(70, 0, 75, 5)])
    path = tmp_path / "all.gpkg"
    shapes = [SQUARE, turned, BOW, two, high, line_like, mixed, shapely.Point(3, 3), None,
              shapely.Polygon()]  # fmt: skip
    found = read_inventory(write(path, *shapes))
    assert found.counts.as_dict() == {
        "features": 10, "empty": 2, "other": 1, "parts": 1, "repaired": 1, "collapsed": 1,
        "duplicates": 1, "polygons": 7,
    }  # fmt: skip
    polygons = found.polygons.to_numpy()
    assert shapely.is_valid(polygons).all()
    assert not shapely.has_z(polygons).any()
    assert {p.geom_type for p in polygons} == {"Polygon"}
    # The bow's two halves, where the bow was.
    assert [round(p.area) for p in polygons] == [10000, 2500, 2500, 81, 81, 100, 25]


def test_layer_and_filter(tmp_path):
    path = tmp_path / "years.gpkg"
    frame = gpd.GeoDataFrame({"year": [2009, 2010]}, geometry=[SQUARE, BOW.buffer(0)], crs=UTM)
    frame.to_file(path, layer="old")
    frame.iloc[:1].to_file(path, layer="new")
    assert read_inventory(str(path), layer="old", where="year = 2009").counts.polygons == 1
    assert read_inventory(str(path), layer="new").counts.features == 1
    with pytest.raises(InputError, match=r"years\.gpkg: holds 2 layers.*`layer`.*old, new"):
        read_inventory(str(path))
    with pytest.raises(InputError, match=r"years\.gpkg: cannot be read .*there are: old, new"):
        read_inventory(str(path), layer="odl")
    with pytest.raises(InputError, match=r"years\.gpkg: cannot be read .*yaer.*are: year"):
        read_inventory(str(path), layer="old", where="yaer = 2009")
    with pytest.raises(InputError, match=r"no landslide polygon is left \(0 features"):
        read_inventory(str(path), layer="old", where="year = 1900")


@pytest.mark.parametrize("crs", [UTM, "EPSG:4326", "EPSG:3857", "EPSG:32644"])
def test_any_crs_comes_out_at_the_same_place(tmp_path, crs):
    moved = gpd.GeoSeries([SQUARE], crs=UTM).to_crs(crs)
    found = read_inventory(write(tmp_path / "a.gpkg", *moved, crs=crs)).in_crs(UTM)
    assert shapely.hausdorff_distance(found[0], SQUARE) < 0.01


def test_no_crs_is_refused_with_a_remedy(tmp_path):
    path = write(tmp_path / "a.shp", SQUARE)
    (tmp_path / "a.prj").unlink()
    with pytest.raises(InputError, match=r"no coordinate reference system.*a_srs"):
        read_inventory(path)


def test_geoparquet(tmp_path):
    path = tmp_path / "a.parquet"
    gpd.GeoDataFrame(geometry=[SQUARE, SQUARE], crs=UTM).to_parquet(path)
    assert read_inventory(str(path)).counts.duplicates == 1
    with pytest.raises(InputError, match="do not apply to GeoParquet"):
        read_inventory(str(path), where="a = 1")


@pytest.mark.parametrize("content", [b"", b"no vectors", b"PAR1", b'{"type": "Nothing"}'])
@pytest.mark.parametrize("name", ["a.gpkg", "a.geojson", "a.shp", "a.parquet"])
def test_what_is_no_inventory(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=rf"{name}: (cannot be read|holds no)"):
        read_inventory(str(tmp_path / name))


def test_absent_and_without_geometries(tmp_path):
    with pytest.raises(InputError, match=r"no such file.*path of the inventory"):
        read_inventory(str(tmp_path / "absent.shp"))
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="holds no geometries"):
        read_inventory(str(tmp_path / "table.csv"))


def test_identity_covers_all_files_of_a_shapefile(tmp_path):
    path = write(tmp_path / "a.shp", SQUARE, year=[2010])
    before = inventory_identity(path)
    assert {"a.shp", "a.dbf", "a.prj"} <= set(before)
    (tmp_path / "a.prj").write_text("other")
    assert inventory_identity(path) != before
    shutil.copy(tmp_path / "a.shp", tmp_path / "a2.geojson")
    assert set(inventory_identity(str(tmp_path / "a2.geojson"))) == {"size", "sha256"}


def test_kashmir(shared_data):
    found = read_inventory(str(shared_data / "inventories/kashmir/landslides.shp"))
    assert found.counts.features == 2619
    assert found.counts.duplicates == 2
    assert shapely.is_valid(found.polygons.to_numpy()).all()


def test_brazil(shared_data):
    path = shared_data / "inventories/brazil/relict_scars.geojson"
    found = read_inventory(str(path))
    assert found.counts.features == len(json.loads(path.read_text())["features"]) == 276
    assert str(found.polygons.crs.to_epsg()) == "32723"
    degrees = shapely.total_bounds(found.in_crs("EPSG:4326"))
    assert -75 < degrees[0] < degrees[2] < -35
    assert -35 < degrees[1] < degrees[3] < 5
