"""Patches and their landslide masks, as published (``.npy`` arrays) or as one ``.npz``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
from numpy.lib.npyio import NpzFile

from hrgldd_core.errors import InputError

__all__ = ["IGNORE", "PatchSet", "invalid_pixels", "open_patches"]

IGNORE = 255
"""Label of pixels that count neither in a loss nor in a metric."""

_BANDS = {3: ("blue", "green", "red"), 4: ("blue", "green", "red", "nir")}
# Margins of figures that were compressed: nearly white.
_WHITE = 250
_SPLITS = ("train", "val", "test")
_REMEDY = (
    "Give a folder with trainX.npy ... testY.npy, or an .npz with X (N, y, x, band) and Y (N, y, x)"
)


@dataclass(frozen=True)
class PatchSet:
    """Image patches with labels.

    Attributes:
        images: (N, y, x, band), any numeric type, maybe memory-mapped.
        labels: (N, y, x) uint8, 1 landslide, 0 none, `IGNORE` unknown.
        groups: (N,) int, the site of each patch; 0 everywhere when unknown.
        bands: common name of each band, in order.
        source: where it was read from.
    """

    images: npt.NDArray[np.generic]
    labels: npt.NDArray[np.uint8]
    groups: npt.NDArray[np.int64]
    bands: tuple[str, ...]
    source: str = ""

    def __len__(self) -> int:
        return len(self.images)

    def __iter__(self) -> Iterator[tuple[npt.NDArray[np.generic], npt.NDArray[np.uint8]]]:
        return iter(zip(self.images, self.labels, strict=True))

    def subset(self, index: npt.NDArray[np.generic]) -> PatchSet:
        """The patches of a boolean or integer index."""
        return replace(
            self, images=self.images[index], labels=self.labels[index], groups=self.groups[index]
        )


def invalid_pixels(images: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_]:
    """Pixels that hold no observation: solid black (nodata) or, in 8 bits, solid white (margins).

    Single black or white pixels are kept: only areas at least three pixels wide count, where a
    margin along the edge is taken to go on outside the patch.

    Args:
        images: (N, y, x, band).

    Returns:
        (N, y, x), true where there is nothing to see.
    """
    from scipy import ndimage

    solid = np.zeros(images.shape[:3], bool)
    blank = [np.all(images == 0, axis=-1)]
    if images.dtype == np.uint8:
        blank.append(np.all(images.view(np.uint8) >= _WHITE, axis=-1))
    for same in blank:
        padded = np.pad(same, ((0, 0), (3, 3), (3, 3)), mode="edge")
        opened = ndimage.binary_opening(padded, np.ones((1, 3, 3), bool))
        solid |= opened[:, 3:-3, 3:-3]
    return solid


def open_patches(uri: str, *, split: str | None = None) -> PatchSet:
    """Read patches.

    Args:
        uri: a folder of ``trainX.npy`` ... ``testY.npy`` or an ``.npz`` with ``X`` and ``Y``
            (and ``block``, the site of each patch, when it is known).
        split: ``train``, ``val`` or ``test`` of a folder; None joins all that are there.

    Raises:
        InputError: when it is not there, is something else, or has wrong shapes or labels.
    """
    path = Path(uri.removeprefix("file://"))
    images: npt.NDArray[np.generic]
    labels: npt.NDArray[np.generic]
    groups: npt.NDArray[np.int64]
    if path.is_dir():
        images, labels = _read_folder(path, split)
        groups = np.zeros(len(images), np.int64)
    elif path.is_file():
        images, labels, groups = _read_npz(path)
    else:
        raise InputError("no such file or folder", where=uri, remedy=_REMEDY)
    bands = _check(images, labels, uri)
    known = labels.astype(np.uint8)
    known[invalid_pixels(images)] = IGNORE
    return PatchSet(images, known, groups, bands, source=uri)


def _read_npz(
    path: Path,
) -> tuple[npt.NDArray[np.generic], npt.NDArray[np.generic], npt.NDArray[np.int64]]:
    try:
        # Opened here: NumPy leaves a broken archive open.
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, NpzFile):
                raise ValueError("a single array, not an archive")  # noqa: TRY004, TRY301
            arrays = {k: archive[k] for k in ("X", "Y", "block") if k in archive.files}
    except (BadZipFile, ValueError, OSError, AttributeError, EOFError) as error:
        raise InputError(
            f"not a readable .npz ({error})", where=str(path), remedy=_REMEDY
        ) from None
    for name in ("X", "Y"):
        if name not in arrays:
            raise InputError(f"has no array {name!r}", where=str(path), remedy=_REMEDY)
    groups = arrays.get("block", np.zeros(len(arrays["X"]), np.int64))
    if len(groups) != len(arrays["X"]):
        raise InputError(
            f"'block' has {len(groups)} entries for {len(arrays['X'])} patches", where=str(path)
        )
    if groups.dtype.kind not in "iub":
        raise InputError("'block' holds no integers", where=str(path), remedy="Number the sites")
    return arrays["X"], arrays["Y"], groups.astype(np.int64)


def _read_folder(
    folder: Path, split: str | None
) -> tuple[npt.NDArray[np.generic], npt.NDArray[np.generic]]:
    splits = [split] if split else [s for s in _SPLITS if (folder / f"{s}X.npy").exists()]
    if not splits:
        raise InputError(
            "no trainX.npy, valX.npy or testX.npy here", where=str(folder), remedy=_REMEDY
        )
    parts: list[tuple[npt.NDArray[np.generic], npt.NDArray[np.generic]]] = []
    for name in splits:
        pair = []
        for kind in "XY":
            file = folder / f"{name}{kind}.npy"
            try:
                pair.append(np.load(file, mmap_mode="r", allow_pickle=False))
            except FileNotFoundError:
                raise InputError("no such file", where=str(file), remedy=_REMEDY) from None
            except (ValueError, OSError, EOFError) as error:
                raise InputError(f"not a readable .npy ({error})", where=str(file)) from None
        x, y = pair
        # The published masks are (N, y, x, 1).
        parts.append((x, y[..., 0] if y.ndim == 4 and y.shape[-1] == 1 else y))
    if len(parts) == 1:
        return parts[0]
    return np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])


def _check(
    images: npt.NDArray[np.generic], labels: npt.NDArray[np.generic], where: str
) -> tuple[str, ...]:
    """Refuse what is not a set of patches; the bands otherwise."""
    for name, array in (("X", images), ("Y", labels)):
        if array.dtype.kind not in "iufb":
            raise InputError(f"{name} holds {array.dtype}, not numbers", where=where)
    if images.ndim != 4 or images.shape[-1] not in _BANDS or not len(images):
        raise InputError(
            f"X has shape {images.shape}, expected (N, y, x, 3 or 4 bands), N at least 1",
            where=where,
            remedy="Put the bands last, in the order blue, green, red[, nir]",
        )
    if labels.shape != images.shape[:3]:
        raise InputError(
            f"Y has shape {labels.shape}, expected {images.shape[:3]} like X", where=where
        )
    if any(side % 16 for side in images.shape[1:3]):
        raise InputError(
            f"patches of {images.shape[1]} x {images.shape[2]} pixels",
            where=where,
            remedy="Sides must be divisible by 16 (four levels of 2x2 pooling)",
        )
    values = np.unique(labels)
    if not np.isin(values, (0, 1)).all():
        raise InputError(
            f"Y holds labels {values[:6].tolist()}", where=where, remedy="Use 0 and 1 only"
        )
    if np.issubdtype(images.dtype, np.floating) and not np.isfinite(images).all():
        raise InputError("X holds NaN or infinity", where=where, remedy="Fill nodata with 0")
    return _BANDS[images.shape[-1]]
