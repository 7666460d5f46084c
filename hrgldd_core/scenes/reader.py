"""Reading windows of a scene: pixels of the wanted bands and what can be seen of each pixel."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.windows import Window
from scipy import ndimage

from hrgldd_core import storage
from hrgldd_core.errors import InputError
from hrgldd_core.scenes.blocks import stored_bytes, stored_bytes_on_grid
from hrgldd_core.scenes.model import Coverage, Scene
from hrgldd_core.scenes.open import on_grid
from hrgldd_core.scenes.patience import DRIVER, Patient

__all__ = ["SceneReader", "sample_scene", "sample_windows"]

_SAMPLES = 12
_SAMPLE_SIDE = 64
# Holds blocks that neighbouring samples share; GDAL's default is a share of the machine's memory.
_SAMPLING_CACHE_BYTES = 64 << 20

# PlanetScope UDM2 bands (product specification): 1 clear, 2 snow, 3 shadow, 4 light haze,
# 5 heavy haze, 6 cloud, 7 confidence, 8 unusable data (bit 0: outside the image).
_UDM2_OBSTRUCTED = (3, 5, 6)
_UDM2_UNUSABLE = 8

# Sentinel-2 L2A scene classification: 3 cloud shadow, 8 and 9 cloud, 10 thin cirrus; 0 no data,
# 1 saturated or defective.
_SCL_OBSTRUCTED = (3, 8, 9, 10)
_SCL_UNUSABLE = (0, 1)

# Clouds fade out over some pixels that the mask still calls clear, and bright rims look like soil.
_CLOUD_BUFFER = 10

_Parts = TypeVar("_Parts")
_Seen = tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]


@dataclass(frozen=True)
class _Rasters:
    """Opened files of a scene: by path, and its mask."""

    datasets: dict[str, Any]
    mask: Any


class SceneReader:
    """Open handles of a scene, for one thread at a time; a context manager.

    Reads of remote files that fail are repeated.
    """

    def __init__(self, scene: Scene) -> None:
        """Open what the scene names.

        Raises:
            InputError: when that cannot be.
        """
        self._scene = scene
        try:
            self._rasters = Patient(self._open, lambda: self._scene.paths)
        except RasterioError as error:
            raise InputError(
                f"cannot be opened ({storage.redact(str(error))})", where=storage.public(scene.href)
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._rasters.close()

    def _open(self, stack: ExitStack) -> _Rasters:
        scene = self._scene
        datasets = {
            path: stack.enter_context(
                closing(rasterio.open(storage.signed_path(path), driver=DRIVER))
            )
            for path in dict.fromkeys(s.path for s in scene.sources)
        }
        return _Rasters(datasets, self._open_mask(scene, stack))

    def _open_mask(self, scene: Scene, stack: ExitStack) -> Any:
        if scene.mask is None:
            return None
        path = storage.signed_path(scene.mask)
        mask = stack.enter_context(closing(rasterio.open(path, driver=DRIVER)))
        if not scene.classified and mask.count < _UDM2_UNUSABLE:
            raise InputError(
                f"has {mask.count} bands, a UDM2 has {_UDM2_UNUSABLE}",
                where=storage.redact(scene.mask),
                remedy="Remove the mask's asset from the item or give a UDM2",
            )
        grid = scene.geobox
        if mask.crs is None:
            raise InputError("has no coordinate reference system", where=storage.redact(scene.mask))
        same = mask.crs == rasterio.crs.CRS.from_user_input(str(grid.crs))
        if same and mask.transform == grid.affine and mask.shape == tuple(grid.shape):
            return mask
        return stack.enter_context(closing(on_grid(mask, grid, alpha=True)))

    def read(
        self, rows: slice, columns: slice
    ) -> tuple[npt.NDArray[np.generic], npt.NDArray[np.uint8]]:
        """Pixels of a window that lies within the scene.

        Returns:
            (y, x, band) values as stored, and (y, x) `Coverage` (never OUTSIDE).

        Raises:
            InputError: when the data cannot be decoded or fetched.
        """
        window = Window.from_slices(rows, columns)

        def parts(opened: _Rasters) -> tuple[npt.NDArray[np.generic], _Seen | None]:
            image = self._read_bands(opened, window)
            return image, None if opened.mask is None else self._read_mask(opened, rows, columns)

        image, udm2 = self._read(parts, rows, columns)
        return image, self._coverage(image, udm2)

    def _read_bands(self, opened: _Rasters, window: Window) -> npt.NDArray[np.generic]:
        """(y, x, band) values, decoded straight to their place."""
        sources = self._scene.sources
        types = [opened.datasets[s.path].dtypes[s.index - 1] for s in sources]
        shape = (window.height, window.width, len(sources))
        image = np.empty(shape, np.result_type(*types))
        planes = image.transpose(2, 0, 1)
        for path, dataset in opened.datasets.items():
            wanted = [i for i, s in enumerate(sources) if s.path == path]
            indexes = [sources[i].index for i in wanted]
            part = slice(wanted[0], wanted[-1] + 1)
            if len(wanted) == part.stop - part.start and {types[i] for i in wanted} == {
                image.dtype.name
            }:
                dataset.read(indexes, window=window, out=planes[part])
            else:
                planes[wanted] = dataset.read(indexes, window=window)
        return image

    def _read_mask(self, opened: _Rasters, rows: slice, columns: slice) -> _Seen:
        """(y, x) of a window: obstructed with the buffer around, and outside the image."""
        height, width = self._scene.geobox.shape
        inside = []
        for part, length in ((rows, height), (columns, width)):
            first = max(part.start - _CLOUD_BUFFER, 0)
            last = min(part.stop + _CLOUD_BUFFER, length)
            inside.append((slice(first, last), slice(part.start - first, part.stop - first)))
        (wide_rows, own_rows), (wide_columns, own_columns) = inside
        udm2 = opened.mask.read(window=Window.from_slices(wide_rows, wide_columns))
        if self._scene.classified:
            obstructed = np.isin(udm2[0], _SCL_OBSTRUCTED)
            unusable = np.isin(udm2[0], _SCL_UNUSABLE)
        else:
            obstructed = udm2[[band - 1 for band in _UDM2_OBSTRUCTED]].any(axis=0)
            unusable = (udm2[_UDM2_UNUSABLE - 1] & 1) == 1
        near = ndimage.binary_dilation(obstructed, iterations=_CLOUD_BUFFER)
        if len(udm2) > (1 if self._scene.classified else _UDM2_UNUSABLE):
            # The last band of a warped mask: 0 where the mask does not reach.
            unusable |= udm2[-1] == 0
        return near[own_rows, own_columns], unusable[own_rows, own_columns]

    def _coverage(
        self,
        image: npt.NDArray[np.generic],
        udm2: _Seen | None,
    ) -> npt.NDArray[np.uint8]:
        state = np.full(image.shape[:2], Coverage.MAPPED, np.uint8)
        if udm2 is not None:
            obstructed, unusable = udm2
            state[obstructed] = Coverage.CLOUD
            state[unusable] = Coverage.NODATA
        # Band by band: NumPy reduces a short last axis a pixel at a time.
        bands = [image[..., band] for band in range(image.shape[-1])]
        nodata = self._scene.nodata
        if np.issubdtype(image.dtype, np.floating):
            for band in bands:
                state[~np.isfinite(band)] = Coverage.NODATA
        elif nodata is not None:
            # As an integer: compared with a float, NumPy would convert the whole band.
            nodata = int(nodata) if float(nodata).is_integer() else None
        if nodata is not None:
            # A single band may well hold the nodata value in deep shade: all bands must.
            blank = bands[0] == nodata
            for band in bands[1:]:
                if not blank.any():
                    break
                blank &= band == nodata
            state[blank] = Coverage.NODATA
        return state

    def preview(
        self, bands: Sequence[int], rows: slice, columns: slice, *, shape: tuple[int, int]
    ) -> npt.NDArray[np.generic]:
        """A window of some bands, averaged to another shape; its blocks are decoded once.

        Args:
            bands: their numbers in ``scene.bands``, from 0.
            rows: of the scene.
            columns: of the scene.
            shape: rows and columns of the result.

        Returns:
            (y, x, band) values.

        Raises:
            InputError: when the data cannot be decoded or fetched.
        """
        window = Window.from_slices(rows, columns)
        sources = [self._scene.sources[band] for band in bands]

        def averaged(opened: _Rasters) -> npt.NDArray[np.generic]:
            planes: dict[int, npt.NDArray[np.generic]] = {}
            for path, dataset in opened.datasets.items():
                wanted = [i for i, s in enumerate(sources) if s.path == path]
                found = dataset.read(
                    [sources[i].index for i in wanted],
                    window=window,
                    out_shape=(len(wanted), *shape),
                    resampling=Resampling.average,
                )
                planes |= dict(zip(wanted, found, strict=True))
            return np.stack([planes[i] for i in range(len(sources))], axis=-1)

        return self._read(averaged, rows, columns)

    def stored_bytes(self, rows: slice, columns: slice) -> int:
        """Bytes that the files hold of a window: of all blocks that it touches, each once.

        Raises:
            InputError: when the files cannot be fetched.
        """

        def count(opened: _Rasters) -> int:
            total = 0
            for path, dataset in opened.datasets.items():
                indexes = sorted({s.index for s in self._scene.sources if s.path == path})
                total += stored_bytes(dataset, indexes, rows, columns)
            if opened.mask is not None:
                mask = getattr(opened.mask, "src_dataset", opened.mask)
                total += stored_bytes_on_grid(mask, self._scene.geobox[rows, columns])
            return total

        return self._read(count, rows, columns)

    def _read(self, parts: Callable[[_Rasters], _Parts], rows: slice, columns: slice) -> _Parts:
        try:
            return self._rasters(parts)
        except RasterioError as error:
            raise InputError(
                f"window {rows.start}:{rows.stop}, {columns.start}:{columns.stop} cannot be read "
                f"({storage.redact(str(error))})",
                where=storage.public(self._scene.href),
                remedy="The file may be damaged: download it again",
            ) from None

    def sample(self) -> npt.NDArray[np.generic]:
        """As `sample_scene`, by this reader alone."""
        return sample_scene([self])

    def usable(self, windows: Sequence[tuple[slice, slice]]) -> npt.NDArray[np.generic]:
        """(n, band) pixels of some windows that are to be mapped.

        Raises:
            InputError: when the data cannot be decoded or fetched.
        """
        found = [self.read(rows, columns) for rows, columns in windows]
        return np.concatenate([image[state == Coverage.MAPPED] for image, state in found])

    @property
    def scene(self) -> Scene:
        """What is read."""
        return self._scene


def sample_scene(readers: Sequence[SceneReader]) -> npt.NDArray[np.generic]:
    """(n, band) usable pixels from a fixed lattice of small blocks over the part to map.

    At full resolution and independent of overviews, so the same file gives the same sample.

    Args:
        readers: of the same scene; each reads a share at the same time.

    Raises:
        InputError: when no pixel is usable.
    """
    scene = readers[0].scene
    windows = list(sample_windows(scene))
    share = -(-len(windows) // len(readers))
    shares = [windows[i : i + share] for i in range(0, len(windows), share)]
    with (
        rasterio.Env(GDAL_CACHEMAX=_SAMPLING_CACHE_BYTES),
        ThreadPoolExecutor(len(readers)) as pool,
    ):
        samples = np.concatenate(list(pool.map(SceneReader.usable, readers, shares)))
    if len(samples) == 0:
        raise InputError(
            "no usable pixel: all nodata or cloud",
            where=storage.public(scene.href),
            remedy="Choose another scene or another --bbox",
        )
    return samples


def sample_windows(scene: Scene) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of each block of the lattice that `sample_scene` reads."""
    columns = _lattice(scene.window[1])
    for rows in _lattice(scene.window[0]):
        for part in columns:
            yield rows, part


def _lattice(extent: slice) -> list[slice]:
    length = extent.stop - extent.start
    if length <= _SAMPLES * _SAMPLE_SIDE:
        edges = np.arange(extent.start, extent.stop, _SAMPLE_SIDE)
        return [slice(int(e), min(int(e) + _SAMPLE_SIDE, extent.stop)) for e in edges]
    last = extent.stop - _SAMPLE_SIDE
    starts = np.linspace(extent.start, last, _SAMPLES).astype(int)
    # Within one block of the file, not across two that both had to be fetched and decoded.
    starts = np.clip(starts // _SAMPLE_SIDE * _SAMPLE_SIDE, extent.start, last)
    return [slice(int(s), int(s) + _SAMPLE_SIDE) for s in starts]
