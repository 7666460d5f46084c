"""Items of PlanetScope and Sentinel-2 work as their catalogues give them."""

from __future__ import annotations

import numpy as np
import pystac
import pytest
from rasterio.transform import from_origin

from hrgldd_core.errors import InputError
from hrgldd_core.normalise import Normalisation, band_statistics
from hrgldd_core.scenes import Coverage, SceneReader, open_scene
from hrgldd_core.scenes.radiometry import Radiometry
from tests.hrgldd_core.scenes import catalogue_items as catalogues
from tests.support import BGR, hrgldd, raster_of, texture, write_catalogue, write_raster

BGRN = (*BGR, "nir")
SHAPE = (60, 80)
CLOUDY = np.s_[40:44, 60:66]


def opened(document, bands=BGRN):
    return open_scene(pystac.Item.from_dict(document, migrate=True), bands=bands)


def everything(scene):
    with SceneReader(scene) as reader:
        return reader.read(*(slice(0, n) for n in scene.geobox.shape))


def sentinel(folder, *, nodata=0, shift=0):
    """COG per band at 10 and 20 m, a classification at 20 m; hrefs and the 10 m pixels."""
    rng = np.random.default_rng(3)
    pixels = rng.integers(1, 4000, (4, *SHAPE)).astype(np.uint16) + np.uint16(shift)
    pixels[:, :3, :5] = 0
    hrefs = {}
    for size, names in ((10, BGRN), (20, ("rededge1", "nir08"))):
        for i, name in enumerate(names):
            step = size // 10
            hrefs[name] = str(write_raster(
                folder / f"{name}.tif", pixels[i : i + 1, ::step, ::step],
                transform=from_origin(600000, 1300020, size, size),
                driver="COG", blocksize=128, nodata=nodata,
            ))  # fmt: skip
    classes = np.full((1, 30, 40), 4, np.uint8)
    classes[0, 20:22, 30:33] = 9
    hrefs["scl"] = str(write_raster(
        folder / "scl.tif", classes, transform=from_origin(600000, 1300020, 20, 20), driver="COG",
        blocksize=128,
    ))  # fmt: skip
    return hrefs, pixels


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("catalogue", ["earth_search", "planetary_computer"])
def test_sentinel_2(tmp_path, catalogue, version):
    hrefs, pixels = sentinel(tmp_path)
    document = getattr(catalogues, catalogue)(hrefs)
    scene = opened(catalogues.with_bands(document) if version == "1.1" else document)
    assert [s.path for s in scene.sources] == [hrefs[b] for b in BGRN]
    assert scene.classified
    assert scene.geobox.resolution.x == 10
    image, coverage = everything(scene)
    np.testing.assert_array_equal(image, np.moveaxis(pixels, 0, -1))
    # The classification's 20 m pixels cover two by two of 10 m.
    assert (coverage[CLOUDY] == Coverage.CLOUD).all()
    assert (coverage[:3, :5] == Coverage.NODATA).all()
    assert (coverage[:20, 10:] == Coverage.MAPPED).all()


def test_offset_of_sentinel_2(tmp_path):
    hrefs, _ = sentinel(tmp_path)

    def told(document):
        return {s.radiometry for s in opened(document).sources}

    # The item names an offset of -0.1 and says that it was applied already.
    assert told(catalogues.earth_search(hrefs)) == {Radiometry(1e-4, 0.0, 0.0)}
    by_item = catalogues.earth_search(hrefs, applied=False)
    assert told(by_item) == {Radiometry(1e-4, -0.1, 0.0)}
    assert told(catalogues.with_bands(by_item)) == {Radiometry(1e-4, -0.1, 0.0)}
    assert told(catalogues.planetary_computer(hrefs)) == {Radiometry(1e-4, -0.1)}
    before = catalogues.planetary_computer(hrefs, baseline="03.01")
    assert told(before) == {Radiometry(1e-4, 0.0)}


def test_an_offset_changes_nothing_that_the_model_sees(tmp_path):
    seen = []
    for shift in (0, 1000):
        hrefs, _ = sentinel(tmp_path / str(shift), shift=shift)
        scene = opened(catalogues.planetary_computer(hrefs))
        with SceneReader(scene) as reader:
            statistics = band_statistics(reader.sample())
        seen.append(Normalisation("robust").apply(everything(scene)[0], statistics)[5:])
    np.testing.assert_array_equal(*seen)


def test_nodata_of_the_item_where_the_file_has_none(tmp_path):
    hrefs, _ = sentinel(tmp_path, nodata=None)
    assert opened(catalogues.earth_search(hrefs)).nodata == 0
    assert opened(catalogues.planetary_computer(hrefs)).nodata is None
    _, coverage = everything(opened(catalogues.with_bands(catalogues.earth_search(hrefs))))
    assert (coverage[:3, :5] == Coverage.NODATA).all()


def test_nodata_of_the_file_wins(tmp_path):
    hrefs, _ = sentinel(tmp_path, nodata=7)
    assert opened(catalogues.earth_search(hrefs)).nodata == 7


def test_bands_of_two_resolutions_are_refused(tmp_path):
    hrefs, _ = sentinel(tmp_path)
    with pytest.raises(InputError) as error:
        opened(catalogues.earth_search(hrefs), ("red", "rededge"))
    message = str(error.value)
    assert "red 80 x 60 pixels of 10 m" in message
    assert "rededge 40 x 30 pixels of 20 m" in message
    assert "one resolution" in message


@pytest.mark.parametrize("interleave", ["pixel", "band"])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("bands", [4, 8])
def test_planetscope(tmp_path, bands, version, interleave):
    image = texture(SHAPE, bands)
    ending = "_8b" if bands == 8 else ""
    path = write_raster(
        tmp_path / f"20241110_053942_45_24f7_3B_AnalyticMS_SR{ending}_clip.tif", image,
        driver="COG", blocksize=128, nodata=0, interleave=interleave,
    )  # fmt: skip
    udm2 = np.zeros((8, *SHAPE), np.uint8)
    udm2[5][CLOUDY] = 1
    mask = write_raster(
        tmp_path / "20241110_053942_45_24f7_3B_udm2_clip.tif", udm2, driver="COG", blocksize=128
    )
    document = catalogues.planet_order(str(path), str(mask), bands=bands)
    scene = opened(catalogues.with_bands(document) if version == "1.1" else document)
    places = [1, 3, 5, 7] if bands == 8 else [0, 1, 2, 3]
    assert [s.index - 1 for s in scene.sources] == places
    pixels, coverage = everything(scene)
    np.testing.assert_array_equal(pixels, np.moveaxis(image[places], 0, -1))
    assert (coverage[CLOUDY] == Coverage.CLOUD).all()
    assert (coverage[:20] == Coverage.MAPPED).all()


def test_of_two_green_bands_the_usual_one(tmp_path):
    # Renamed by somebody: the product's name tells nothing any more, wavelengths do.
    path = write_raster(tmp_path / "scene.tif", texture(SHAPE, 8))
    document = catalogues.planet_order(str(path), str(path), bands=8)
    document["assets"] = {"analytic": document["assets"]["scene_tif"]} | {
        "analytic": {
            "href": str(path), "roles": ["data"],
            "eo:bands": [
                {"name": n, "common_name": c, "center_wavelength": w}
                for n, c, w in catalogues.SUPERDOVE
            ],
        }
    }  # fmt: skip
    assert [s.index for s in opened(document).sources] == [2, 4, 6, 8]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"raster:bands": [{"nodata": "nan"}]}, Radiometry(nodata=float("nan"))),
        ({"raster:bands": [{"scale": "x", "offset": None}]}, Radiometry()),
        ({"raster:bands": [{"scale": 0}]}, Radiometry()),
        ({"bands": [{"name": "b"}], "nodata": 9, "raster:scale": 2}, Radiometry(2.0, 0.0, 9.0)),
        ({"raster:bands": []}, Radiometry()),
        ({"raster:bands": ["a"]}, Radiometry()),
    ],
)
def test_radiometry_of_odd_items(fields, expected):
    from hrgldd_core.scenes.radiometry import radiometry

    item = pystac.Item.from_dict(catalogues.box_item())
    found = radiometry(item, pystac.Asset("a.tif", extra_fields=fields), 1)
    assert repr(found) == repr(expected)


@pytest.mark.parametrize("catalogue", ["earth_search", "planetary_computer"])
def test_sentinel_2_is_mapped(tmp_path, catalogue, bright_model):
    hrefs, pixels = sentinel(tmp_path)
    path = write_catalogue(tmp_path / "items.json", getattr(catalogues, catalogue)(hrefs))
    out = tmp_path / "out"
    done = hrgldd("map", "--stac", path, "--model", bright_model, "--out", out, "--json")
    assert done.code == 0, done.err
    assert any("Pixels of 10" in warning for warning in done.document["warnings"])
    coverage = raster_of(next((out / "coverage").glob("*.tif")))
    assert (coverage[CLOUDY] == Coverage.CLOUD).all()
    assert (coverage[:3, :5] == Coverage.NODATA).all()
    probability = raster_of(next((out / "probability").glob("*.tif")))
    seen = coverage == Coverage.MAPPED
    assert (probability[~seen] == 255).all()
    # This model finds what is bright in red.
    red = pixels[2][seen].astype(float)
    assert np.corrcoef(red, probability[seen])[0, 1] > 0.8
