"""Pixels and what was seen of them, read window by window."""

from __future__ import annotations

import numpy as np
import pystac
import pytest
from rasterio.transform import from_origin

from hrgldd_core.errors import InputError
from hrgldd_core.scenes import Coverage, SceneReader, open_scene
from tests.support import BGR, UTM, box_item, data_asset, texture, write_raster

CLEAR, SNOW, SHADOW, LIGHT_HAZE, HEAVY_HAZE, CLOUD, CONFIDENCE, UNUSABLE = range(8)
# Around clouds some pixels are left out too.
BUFFER = 10


def scene_of(folder, image, *, udm2=None, mask_grid=None, aoi=None, **options):
    path = write_raster(folder / "scene.tif", image, **options)
    assets = {"analytic": data_asset(path)}
    if udm2 is not None:
        mask = write_raster(folder / "udm2.tif", udm2, **(mask_grid or {}))
        assets["udm2"] = {"href": str(mask)}
    item = pystac.Item.from_dict(box_item(assets=assets))
    return open_scene(item, bands=BGR, aoi=aoi)


def read(scene, rows=None, columns=None):
    height, width = scene.geobox.shape
    with SceneReader(scene) as reader:
        return reader.read(slice(*(rows or (0, height))), slice(*(columns or (0, width))))


def udm2_of(shape, **layers):
    array = np.zeros((8, *shape), np.uint8)
    array[CLEAR] = 1
    for name, where in layers.items():
        array[globals()[name.upper()]][where] = 1
        array[CLEAR][where] = 0
    return array


def test_bands_come_in_the_order_that_was_asked_for(tmp_path):
    image = texture((40, 50), 4)
    path = write_raster(tmp_path / "a.tif", image)
    assets = {"analytic": data_asset(path, ("nir", "red", "green", "blue"))}
    scene = open_scene(pystac.Item.from_dict(box_item(assets=assets)), bands=BGR)
    pixels, coverage = read(scene, (5, 17), (30, 50))
    np.testing.assert_array_equal(pixels, np.moveaxis(image[[3, 2, 1], 5:17, 30:50], 0, -1))
    assert (coverage == Coverage.MAPPED).all()
    assert pixels.dtype == image.dtype


def test_single_band_assets_are_stacked(tmp_path):
    image = texture((40, 50))
    assets = {
        name: data_asset(write_raster(tmp_path / f"{name}.tif", image[i : i + 1]), (name,))
        for i, name in enumerate(BGR)
    }
    scene = open_scene(pystac.Item.from_dict(box_item(assets=assets)), bands=BGR)
    np.testing.assert_array_equal(read(scene)[0], np.moveaxis(image, 0, -1))


def test_nodata_is_nodata_in_all_bands(tmp_path):
    image = texture((40, 50))
    image[:, 3, 4] = 0
    image[0, 10, 10] = 0  # deep shade in one band is data
    _, coverage = read(scene_of(tmp_path, image, nodata=0))
    assert np.argwhere(coverage == Coverage.NODATA).tolist() == [[3, 4]]


def test_without_a_nodata_value_zero_is_data(tmp_path):
    image = texture((40, 50))
    image[:, 3, 4] = 0
    assert (read(scene_of(tmp_path, image))[1] == Coverage.MAPPED).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_nodata(tmp_path, value):
    image = texture((40, 50)).astype(np.float32)
    image[1, 3, 4] = value
    _, coverage = read(scene_of(tmp_path, image))
    assert np.argwhere(coverage == Coverage.NODATA).tolist() == [[3, 4]]


def test_nodata_that_is_not_a_number(tmp_path):
    image = texture((40, 50)).astype(np.float32)
    image[:, 3, 4] = np.nan
    _, coverage = read(scene_of(tmp_path, image, nodata=np.nan))
    assert np.argwhere(coverage == Coverage.NODATA).tolist() == [[3, 4]]


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ("snow", Coverage.MAPPED),
        ("shadow", Coverage.CLOUD),
        ("light_haze", Coverage.MAPPED),
        ("heavy_haze", Coverage.CLOUD),
        ("cloud", Coverage.CLOUD),
        ("confidence", Coverage.MAPPED),
        ("unusable", Coverage.NODATA),
    ],
)
def test_classes_of_the_mask(tmp_path, layer, expected):
    where = np.s_[30:33, 40:44]
    udm2 = udm2_of((80, 90), **{layer: where})
    _, coverage = read(scene_of(tmp_path, texture((80, 90)), udm2=udm2))
    assert (coverage[where] == expected).all()
    far = np.ones((80, 90), bool)
    far[30 - BUFFER : 33 + BUFFER, 40 - BUFFER : 44 + BUFFER] = False
    assert (coverage[far] == Coverage.MAPPED).all()
    around = coverage[30 - BUFFER + 1, 41]
    assert around == (Coverage.CLOUD if expected == Coverage.CLOUD else Coverage.MAPPED)


def test_only_the_first_bit_of_the_last_band_means_outside(tmp_path):
    udm2 = udm2_of((80, 90))
    udm2[UNUSABLE] = 0b1111110
    udm2[UNUSABLE][5, 6] = 0b0000011
    _, coverage = read(scene_of(tmp_path, texture((80, 90)), udm2=udm2))
    assert np.argwhere(coverage == Coverage.NODATA).tolist() == [[5, 6]]


def test_a_window_shows_the_same_as_the_whole(tmp_path):
    # What is around a cloud may lie in another window than the cloud.
    rng = np.random.default_rng(1)
    udm2 = udm2_of((120, 130), cloud=rng.random((120, 130)) < 2e-3)
    image = texture((120, 130))
    scene = scene_of(tmp_path, image, udm2=udm2, nodata=0)
    pixels, coverage = read(scene)
    assert len(np.unique(coverage)) == 2
    with SceneReader(scene) as reader:
        for row in range(0, 120, 24):
            for column in range(0, 130, 26):
                part = np.s_[row : row + 24, column : column + 26]
                here, seen = reader.read(*part)
                np.testing.assert_array_equal(here, pixels[part])
                np.testing.assert_array_equal(seen, coverage[part])


def test_mask_on_another_grid(tmp_path):
    # Twice as coarse, and beginning elsewhere.
    coarse = udm2_of((60, 65))
    coarse[UNUSABLE][:, :20] = 1
    grid = {"transform": from_origin(363000 - 60, 1305000 + 60, 6, 6)}
    _, coverage = read(scene_of(tmp_path, texture((80, 90)), udm2=coarse, mask_grid=grid))
    # 20 coarse columns reach from 60 m left of the scene to 60 m inside: 20 of its pixels.
    expected = np.full((80, 90), Coverage.MAPPED)
    expected[:, :20] = Coverage.NODATA
    np.testing.assert_array_equal(coverage, expected)


def test_scene_classification_of_sentinel_2(tmp_path):
    # Bands of 10 m in a file each, the classification at 20 m.
    image = texture((80, 90))
    ten = from_origin(363000, 1305000, 10, 10)
    assets = {
        b: data_asset(write_raster(tmp_path / f"{b}.tif", image[i : i + 1], transform=ten), (b,))
        for i, b in enumerate(BGR)
    }
    classes = np.full((1, 40, 45), 4, np.uint8)
    classes[0, 0, :12] = range(12)
    path = write_raster(
        tmp_path / "SCL.tif", classes, transform=from_origin(363000, 1305000, 20, 20)
    )
    item = pystac.Item.from_dict(box_item(assets={**assets, "scl": {"href": str(path)}}))
    scene = open_scene(item, bands=BGR)
    pixels, coverage = read(scene)
    np.testing.assert_array_equal(pixels, np.moveaxis(image, 0, -1))
    assert (coverage[:2, :4] == Coverage.NODATA).all()
    assert (coverage[:2, 6:8] == Coverage.CLOUD).all()
    assert (coverage[:2, 16:22] == Coverage.CLOUD).all()
    assert (coverage[20:] == Coverage.MAPPED).all()
    assert (coverage[:, 40:] == Coverage.MAPPED).all()


def test_real_old_item_is_refused_by_name(shared_data):
    from hrgldd_core.stac.catalog import SearchQuery, find

    root = shared_data / "planet_stac/disaster/collection.json"
    items = {i.id: i for i in find(str(root), SearchQuery()).items}
    with pytest.raises(InputError, match=r"20170831_172754_101c.*97\.38.* not square"):
        open_scene(items["20170831_172754_101c"], bands=BGR)


def test_mask_in_another_reference_system(tmp_path):
    from rasterio.warp import transform_bounds

    image = texture((80, 90))
    scene = scene_of(tmp_path, image)
    bounds = transform_bounds(UTM, "EPSG:4326", *scene.geobox.extent.boundingbox.bbox)
    step = (bounds[2] - bounds[0]) / 80
    udm2 = udm2_of((100, 100))
    udm2[UNUSABLE][:, :50] = 1
    corner = from_origin(bounds[0] - 10 * step, bounds[3], step, step)
    grid = {"crs": "EPSG:4326", "transform": corner}
    _, coverage = read(scene_of(tmp_path, image, udm2=udm2, mask_grid=grid))
    assert (coverage[:, :40] == Coverage.NODATA).all()
    assert (coverage[:, 50:] == Coverage.MAPPED).all()


@pytest.mark.parametrize("shape", [(70, 100), (1500, 1100)])
def test_sample_is_the_usable_pixels_of_a_lattice(tmp_path, shape):
    image = texture(shape)
    image[:, : shape[0] // 2] = 0
    scene = scene_of(tmp_path, image, nodata=0, tiled=True, compress="deflate")
    with SceneReader(scene) as reader:
        sample = reader.sample()
        np.testing.assert_array_equal(sample, reader.sample())
    assert sample.shape[1] == 3
    assert sample.all()
    if max(shape) < 1024:
        assert len(sample) == (shape[0] - shape[0] // 2) * shape[1]
    else:
        assert 100_000 < len(sample) < image[0].size / 2
        np.testing.assert_allclose(np.median(sample), 2000, rtol=0.02)


def test_sample_of_an_aoi_is_taken_there(tmp_path):
    image = texture((200, 200))
    image[:, :, 100:] += 10_000
    whole = scene_of(tmp_path, image)
    west, south, east, north = whole.geobox.extent.to_crs("EPSG:4326").boundingbox.bbox
    scene = scene_of(tmp_path, image, aoi=((west + east) / 2 + 1e-4, south, east, north))
    with SceneReader(scene) as reader:
        assert reader.sample().min() > 10_000


def test_nothing_usable(tmp_path):
    udm2 = udm2_of((80, 90), cloud=np.s_[:])
    with (
        SceneReader(scene_of(tmp_path, texture((80, 90)), udm2=udm2)) as reader,
        pytest.raises(InputError, match=r"no usable pixel.*another scene"),
    ):
        reader.sample()


def test_scene_lays_out_what_the_item_says(tmp_path):
    scene = scene_of(tmp_path, texture((40, 50)), nodata=0)
    assert scene.id == "scene"
    assert scene.acquired.isoformat() == "2024-11-10T05:39:42+00:00"
    assert tuple(scene.geobox.shape) == tuple(scene.target.shape) == (40, 50)
    assert scene.nodata == 0
    assert not scene.synthetic
    assert scene.mask is None
