"""Blended probabilities: exact at every pixel, without seams, never where nothing was seen."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pystac import Asset
from scipy import ndimage

from hrgldd_core.grid import aoi_outline, footprint
from hrgldd_core.mapping.predict import predict_strips
from hrgldd_core.mapping.probability import NODATA
from hrgldd_core.mapping.runtime import open_runtime
from hrgldd_core.mapping.windows import WindowGrid
from hrgldd_core.models.store import open_model
from hrgldd_core.normalise import BandStatistics, Normalisation, band_statistics
from hrgldd_core.scenes import Coverage, SceneReader, open_scene
from hrgldd_core.stac.ingest import item_from_raster
from hrgldd_core.synthetic import make_scene, write_scene
from tests.support import write_raster

NO_STATISTICS = BandStatistics((0.0,), (1.0,))


def levels(shape, seed=0):
    """(y, x) whole steps of 1/250, as float32 probability."""
    return np.random.default_rng(seed).integers(0, 251, shape).astype(np.float32) / 250


def scene_of(folder: Path, image, *, nodata=-1.0, aoi=None, mask=None):
    path = write_raster(folder / "scene.tif", image[None].astype(np.float32), nodata=nodata)
    item = item_from_raster(str(path), bands=("red",))
    if mask is not None:
        item.add_asset("udm2", Asset(str(write_raster(folder / "udm2.tif", mask))))
    return open_scene(item, bands=("red",), aoi=aoi)


def predict(scene, runtime, *, largest=96, margin=16, blend=32, **options):
    """Probability and coverage of all strips together, checked to follow one another."""
    target = scene.target
    grid = WindowGrid.plan(target.shape, largest=largest, margin=margin, blend=blend)
    strips = list(
        predict_strips(
            scene,
            runtime,
            grid=grid,
            **{"normalisation": Normalisation("none"), "statistics": NO_STATISTICS, **options},
        )
    )
    assert [s.top for s in strips] == np.cumsum([0, *(len(s.coverage) for s in strips)])[
        :-1
    ].tolist()
    probability = np.concatenate([s.probability for s in strips])
    coverage = np.concatenate([s.coverage for s in strips])
    assert probability.shape == coverage.shape == tuple(target.shape)
    assert probability.dtype == coverage.dtype == np.uint8
    return probability, coverage


def identity(x):
    """The pixel's own value; checks what every model relies on."""
    assert x.dtype == np.float32
    assert x.shape[1] % 16 == x.shape[2] % 16 == 0
    assert np.isfinite(x).all()
    return x[..., 0]


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 260), st.integers(1, 260), st.sampled_from([(16, 32), (32, 0), (0, 32)]))
@example(1, 1, (16, 32))
@example(1, 200, (16, 32))
@example(65, 64, (16, 32))
def test_every_pixel_is_mapped_exactly(height, width, ends):
    image = levels((height, width), seed=height * width)
    with TemporaryDirectory() as folder:
        scene = scene_of(Path(folder), image)
        largest = 4 * sum(ends)
        probability, coverage = predict(
            scene, identity, largest=largest, margin=ends[0], blend=ends[1]
        )
    np.testing.assert_array_equal(probability, np.rint(image * 250))
    assert (coverage == Coverage.MAPPED).all()


@pytest.fixture
def aoi(tmp_path):
    """The middle of a scene of 300 x 280 px, in degrees."""
    outline = footprint(scene_of(tmp_path, levels((300, 280))).geobox).boundingbox
    west, south, east, north = outline.bbox
    width, height = east - west, north - south
    return west + 0.3 * width, south + 0.3 * height, east - 0.2 * width, north - 0.2 * height


def test_aoi_is_cut_out_and_the_rest_is_outside(tmp_path, aoi):
    image = levels((300, 280))
    scene = scene_of(tmp_path, image, aoi=aoi)
    probability, coverage = predict(scene, identity)
    rows, columns = scene.window
    assert 0 < rows.start < rows.stop < 300
    assert 0 < columns.start < columns.stop < 280
    inside = coverage == Coverage.MAPPED
    np.testing.assert_array_equal(
        probability, np.where(inside, np.rint(image[rows, columns] * 250), NODATA)
    )
    assert set(np.unique(coverage)) == {Coverage.OUTSIDE, Coverage.MAPPED}
    # A pixel is inside when the AOI, whose sides follow meridians and parallels, touches it.
    outline = aoi_outline(aoi, scene.geobox.crs)
    for row, column in product(range(0, inside.shape[0], 5), range(0, inside.shape[1], 5)):
        pixel = scene.target[row : row + 1, column : column + 1].extent
        assert inside[row, column] == pixel.intersects(outline)


def test_aoi_sees_what_surrounds_it(tmp_path, aoi):
    # A model looks beyond the AOI: what is there is read, not mirrored.
    def smooth(x):
        return ndimage.uniform_filter(x[..., 0], (1, 15, 15), mode="nearest")

    image = levels((300, 280))
    everywhere, _ = predict(scene_of(tmp_path, image), smooth)
    scene = scene_of(tmp_path, image, aoi=aoi)
    probability, coverage = predict(scene, smooth)
    inside = coverage == Coverage.MAPPED
    difference = np.abs(
        probability[inside].astype(int) - everywhere[scene.window][inside].astype(int)
    )
    # Sums of floats in another order may round to the next of 250 steps.
    assert difference.max() <= 1


def test_beyond_the_scene_it_goes_on_mirrored(tmp_path):
    # Neither zeros nor a repeated edge row: both look like something to a model.
    image = levels((130, 170))

    def smooth(x):
        return ndimage.uniform_filter(x[..., 0], (1, 31, 31), mode="nearest")

    probability, _ = predict(scene_of(tmp_path, image), smooth)
    expected = ndimage.uniform_filter(image, 31, mode="mirror") * 250
    np.testing.assert_allclose(probability, expected, atol=0.6)


def test_what_was_not_seen_is_never_mapped(tmp_path):
    rng = np.random.default_rng(3)
    image, udm2 = levels((150, 170)), np.zeros((8, 150, 170), np.uint8)
    nodata = rng.random(image.shape) < 0.1
    cloud = np.zeros(image.shape, bool)
    cloud[60:90, 70:110] = True
    image[nodata] = -1
    image[3, 5] = np.nan
    nodata[3, 5] = True
    udm2[5][cloud] = 1
    # Ten pixels around a cloud may be veiled too.
    cloud = ndimage.distance_transform_cdt(~cloud, "taxicab") <= 10
    probability, coverage = predict(
        scene_of(tmp_path, image, mask=udm2), lambda x: np.ones(x.shape[:3], np.float32)
    )
    expected = np.select([nodata, cloud], [Coverage.NODATA, Coverage.CLOUD], Coverage.MAPPED)
    np.testing.assert_array_equal(coverage, expected)
    np.testing.assert_array_equal(probability, np.where(expected == Coverage.MAPPED, 250, NODATA))


def test_nodata_looks_typical_to_the_model(tmp_path):
    # Black fill beside an image must not act on the pixels next to it.
    image = levels((100, 100))
    image[:, 50:] = -1
    seen = []
    predict(scene_of(tmp_path, image), lambda x: seen.append(x.min()) or identity(x))
    assert min(seen) == 0


def test_windows_without_anything_seen_are_not_predicted(tmp_path):
    image = np.full((40, 400), -1, np.float32)
    image[:, :20] = 0.5
    calls = []
    predict(scene_of(tmp_path, image), lambda x: calls.append(x.shape) or identity(x))
    grid = WindowGrid.plan((40, 400), largest=96, margin=16, blend=32)
    assert 0 < len(calls) < grid.columns.count


@pytest.mark.parametrize("radius", [3, 20, 45])
def test_no_seams_with_a_model_that_looks_less_far_than_the_margin(tmp_path, radius):
    scene = scene_of(tmp_path, levels((700, 1100)))

    def smooth(x):
        return ndimage.uniform_filter(x[..., 0], (1, *(2 * radius + 1,) * 2), mode="nearest")

    small, _ = predict(scene, smooth, largest=256, margin=48, blend=32)
    large, _ = predict(scene, smooth, largest=1024, margin=48, blend=32)
    difference = np.abs(small.astype(int) - large.astype(int))
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.01


def test_seams_of_the_bundled_model_stay_small(tmp_path):
    """It looks a little further than the margin, so windows of other sizes differ a little.

    Seen with a margin of 64: 99.99 % of the pixels within one level of 250, three at the worst one.
    """
    model = open_model()
    reflectance, _ = write_scene(make_scene(11, shape=(448, 512)), tmp_path, name="s")
    scene = open_scene(item_from_raster(str(reflectance)), bands=model.spec.bands)
    with SceneReader(scene) as reader:
        statistics = band_statistics(reader.sample())
    runtime, options = open_runtime(model), {"normalisation": model.spec.normalisation}
    small, large, again = (
        predict(scene, runtime, largest=n, margin=64, statistics=statistics, **options)[0]
        for n in (256, 1024, 256)
    )
    assert again.tobytes() == small.tobytes()
    seen = large != NODATA
    np.testing.assert_array_equal(seen, small != NODATA)
    assert np.ptp(large[seen]) > 150
    difference = np.abs(small[seen].astype(int) - large[seen])
    assert difference.max() <= 8
    assert np.percentile(difference, 99.9) <= 1
    step = model.spec.threshold * 250
    assert ((small[seen] >= step) != (large[seen] >= step)).mean() < 5e-4


def test_progress_tells_every_window(tmp_path):
    told = []
    scene = scene_of(tmp_path, levels((150, 170)))
    predict(scene, identity, progress=lambda *a: told.append(a))
    grid = WindowGrid.plan((150, 170), largest=96, margin=16, blend=32)
    total = grid.rows.count * grid.columns.count
    assert told == [("scene", i, total) for i in range(1, total + 1)]
