"""Opening patches: built datasets, folders of ``.npy`` as published, ``.npz`` archives."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
from numpy.lib.npyio import NpzFile

from hrgldd_core import storage
from hrgldd_core.dataset.checked import CheckedImages, CheckedLabels
from hrgldd_core.dataset.lazy import Array, Joined
from hrgldd_core.dataset.patches import PatchSet
from hrgldd_core.errors import InputError

__all__ = ["open_any"]

_BANDS = {3: ("blue", "green", "red"), 4: ("blue", "green", "red", "nir")}
_SPLITS = ("train", "val", "test")
# What zipfile, zlib and NumPy raise at a file that is broken, or claims what it does not hold.
_UNREADABLE = (
    AttributeError,
    BadZipFile,
    EOFError,
    KeyError,
    MemoryError,
    OSError,
    OverflowError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    zlib.error,
)
_REMEDY = (
    "Give a built dataset, a folder with trainX.npy ... testY.npy, "
    "or an .npz with X (N, y, x, band) and Y (N, y, x)"
)


def open_any(uri: str, *, split: str | None = None) -> PatchSet:
    """Open patches of any kind; see `hrgldd_core.dataset.patches.open_patches`."""
    local = storage.is_local(uri)
    path = storage.local_path(uri) if local else None
    if path is not None and path.is_file():
        if split is not None:
            raise InputError(
                f"has no {split!r} split: an .npz holds one set of patches",
                where=uri,
                remedy="Leave --split away, or give a folder of .npy arrays",
            )
        return _open_npz(path, uri)
    if storage.exists(storage.join(uri, "dataset.json")):
        return _open_store(uri, split)
    if path is not None and path.is_dir():
        return _open_folder(path, uri, split)
    if local:
        raise InputError("no such file or folder", where=uri, remedy=_REMEDY)
    raise InputError(
        "no built dataset (dataset.json) there",
        where=uri,
        remedy="Build one with `hrgldd dataset build`; .npy and .npz are read from disk only",
    )


def _open_store(uri: str, split: str | None) -> PatchSet:
    from hrgldd_core.dataset.splits import GUARD
    from hrgldd_core.dataset.store import open_store

    patches: PatchSet = open_store(uri)
    known = patches.splits if patches.splits is not None else np.array([], str)
    if split is None:
        return patches.subset(known != GUARD) if (known == GUARD).any() else patches
    if split not in known:
        there = ", ".join(sorted(set(known.tolist()))) or "none"
        raise InputError(f"has no {split!r} patches", where=uri, remedy=f"Splits there: {there}")
    return patches.subset(known == split)


def _open_npz(path: Path, uri: str) -> PatchSet:
    try:
        # Opened here: NumPy leaves a broken archive open.
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, NpzFile):
                raise ValueError("a single array, not an archive")  # noqa: TRY004
            arrays = {k: archive[k] for k in ("X", "Y", "block") if k in archive.files}
    except _UNREADABLE as error:
        raise InputError(
            f"not a readable .npz ({_reason(error)})", where=str(path), remedy=_REMEDY
        ) from None
    for name in ("X", "Y"):
        if name not in arrays:
            raise InputError(f"has no array {name!r}", where=str(path), remedy=_REMEDY)
    images, labels = _checked(arrays["X"], arrays["Y"], str(path), str(path))
    groups = arrays.get("block", np.zeros(len(images), np.int64))
    if groups.shape != (len(images),):
        raise InputError(
            f"'block' has {groups.shape[0] if groups.ndim else 'no'} entries "
            f"for {len(images)} patches",
            where=str(path),
            remedy="Give the number of its site for each patch",
        )
    if groups.dtype.kind not in "iub":
        raise InputError("'block' holds no integers", where=str(path), remedy="Number the sites")
    return PatchSet(images, labels, groups.astype(np.int64), _BANDS[images.shape[-1]], uri)


def _open_folder(folder: Path, uri: str, split: str | None) -> PatchSet:
    names = [split] if split else [s for s in _SPLITS if (folder / f"{s}X.npy").exists()]
    if not names:
        raise InputError(
            "no trainX.npy, valX.npy or testX.npy here", where=str(folder), remedy=_REMEDY
        )
    files = [(folder / f"{name}X.npy", folder / f"{name}Y.npy") for name in names]
    parts = [_checked(_map(x), _map(y), str(x), str(y)) for x, y in files]
    first = parts[0][0].shape[1:]
    for (x, _), (images, _) in zip(files, parts, strict=True):
        if images.shape[1:] != first:
            raise InputError(
                f"patches of {images.shape[1:]} beside patches of {first} in {files[0][0].name}",
                where=str(x),
                remedy="Give all splits the same size and bands",
            )
    images, labels = (Joined(p) if len(p) > 1 else p[0] for p in zip(*parts, strict=True))
    return PatchSet(
        images,
        labels,
        np.zeros(len(images), np.int64),
        _BANDS[images.shape[-1]],
        uri,
        splits=np.repeat(names, [len(part) for part, _ in parts]),
    )


def _map(file: Path) -> npt.NDArray[Any]:
    try:
        found = np.load(file, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise InputError("no such file", where=str(file), remedy=_REMEDY) from None
    except _UNREADABLE as error:
        raise InputError(
            f"not a readable .npy ({_reason(error)})",
            where=str(file),
            remedy="Fetch or write it anew, as a plain array of numbers",
        ) from None
    if not isinstance(found, np.ndarray):
        found.close()
        raise InputError("an archive, not an .npy array", where=str(file), remedy=_REMEDY)
    return found


def _reason(error: BaseException) -> str:
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    # NumPy's advice, to load what it takes for a pickle all the same, is none to follow.
    return "it holds something else than arrays" if "pickle" in text.lower() else text


def _checked(
    images: npt.NDArray[Any], labels: npt.NDArray[Any], where_x: str, where_y: str
) -> tuple[Array, Array]:
    """Refuse what is not a set of patches by its shape; values are checked as they are read."""
    for name, array, where in (("X", images, where_x), ("Y", labels, where_y)):
        if array.dtype.kind not in "iufb":
            raise InputError(
                f"{name} holds {array.dtype}, not numbers",
                where=where,
                remedy="Store integers or floats",
            )
    if images.ndim != 4 or images.shape[-1] not in _BANDS or not len(images):
        raise InputError(
            f"X has shape {images.shape}, expected (N, y, x, 3 or 4 bands), N at least 1",
            where=where_x,
            remedy="Put the bands last, in the order blue, green, red[, nir]",
        )
    # The published masks are (N, y, x, 1).
    if labels.ndim == 4 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    if labels.shape != images.shape[:3]:
        raise InputError(
            f"Y has shape {labels.shape}, expected {images.shape[:3]} like X",
            where=where_y,
            remedy="Give one mask of the same size for each image",
        )
    if not all(images.shape[1:3]) or any(side % 16 for side in images.shape[1:3]):
        raise InputError(
            f"patches of {images.shape[1]} x {images.shape[2]} pixels",
            where=where_x,
            remedy="Sides must be divisible by 16 (four levels of 2x2 pooling)",
        )
    checked = CheckedImages(images, where_x)
    return checked, CheckedLabels(labels, checked, where_y)
