"""What can be scored: trained models, and predictions that somebody stored."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hrgldd_core import storage
from hrgldd_core.errors import InputError
from hrgldd_core.evaluation.scores import Batch
from hrgldd_core.models.store import StoredModel, open_model
from hrgldd_core.normalise import BandStatistics, band_statistics

if TYPE_CHECKING:
    import keras

__all__ = ["ModelContender", "StoredPredictions", "check_bands", "open_contenders", "stored"]

_RUN = 16
_NAME = re.compile(r"[A-Za-z0-9][\w.+-]*", re.ASCII)


@dataclass
class ModelContender:
    """A trained model under the name it has in tables."""

    name: str
    model: StoredModel
    threshold: float
    _loaded: keras.Model | None = field(default=None, init=False, repr=False)

    def predict(self, batch: Batch) -> npt.NDArray[np.floating]:
        """Probabilities, normalised by the site of each patch where sites are known."""
        from hrgldd_core.training.predict import predict_patches

        if self._loaded is None:
            self._loaded = self.model.load()
            # Each model is traced once; TensorFlow takes several models for one traced too often.
            logging.getLogger("tensorflow").setLevel(logging.ERROR)
        return predict_patches(self._loaded, self._inputs(batch), batch_size=_RUN)

    def _inputs(self, batch: Batch) -> npt.NDArray[np.float32]:
        spec = self.model.spec
        bands = [batch.bands.index(band) for band in spec.bands]
        images = batch.images[..., bands]
        out = np.empty(images.shape, np.float32)
        for i, (image, label) in enumerate(zip(images, batch.labels, strict=True)):
            if batch.statistics is None:
                seen = image[label <= 1]
                statistics = band_statistics(seen if len(seen) else image.reshape(-1, len(bands)))
            else:
                statistics = _of_bands(batch.statistics[i], bands)
            out[i] = spec.normalisation.apply(image, statistics)
            if spec.normalisation.method != "none":
                out[i][label > 1] = 0.0
        return out


def _of_bands(statistics: BandStatistics, bands: Sequence[int]) -> BandStatistics:
    return BandStatistics(
        tuple(statistics.center[b] for b in bands), tuple(statistics.scale[b] for b in bands)
    )


@dataclass(frozen=True)
class StoredPredictions:
    """Masks or probabilities (N, y, x) of the very patches that are scored, in their order."""

    name: str
    values: npt.NDArray[np.generic]
    threshold: float = 0.5

    def predict(self, batch: Batch) -> npt.NDArray[np.floating]:
        """The stored values of a batch."""
        return self.values[batch.start : batch.start + len(batch.labels)].astype(np.float32)


def stored(
    predictions: Mapping[str, npt.NDArray[np.generic]], *, threshold: float = 0.5
) -> list[StoredPredictions]:
    """Contenders of arrays by name."""
    return [StoredPredictions(name, values, threshold) for name, values in predictions.items()]


def check_bands(has: Sequence[str], needs: Sequence[str], where: str) -> None:
    """Refuse patches without a band that a model needs.

    Raises:
        InputError: naming both.
    """
    if any(band not in has for band in needs):
        raise InputError(
            f"has {', '.join(has)}; the model needs {', '.join(needs)}",
            where=where,
            remedy="Choose a --model for the bands you have",
        )


def open_contenders(
    models: Sequence[str], *, threshold: float | None = None
) -> list[ModelContender]:
    """Open ``URI`` or ``NAME=URI`` each; without a name, that of the model's folder.

    Args:
        models: at least one.
        threshold: for all of them; None leaves each its own.

    Raises:
        InputError: when one cannot be opened, or two have the same name.
    """
    if threshold is not None and not 0 < threshold < 1:
        raise InputError(
            f"threshold {threshold:g} is not between 0 and 1", remedy="Give a probability"
        )
    named = [_named(text) for text in models]
    names = [name for name, _ in named]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(
            f"two models are called {twice[0]!r}",
            remedy="Tell them apart with --model NAME=URI",
        )
    opened = [(name, open_model(uri)) for name, uri in named]
    return [ModelContender(n, m, threshold or m.spec.threshold) for n, m in opened]


def _named(text: str) -> tuple[str, str]:
    name, equals, uri = text.partition("=")
    if equals and not re.search(r"[/\\:]", name):
        if not _NAME.fullmatch(name) or not uri:
            raise InputError(
                f"--model {text!r} is not NAME=URI",
                remedy="Use letters, digits, '.', '_', '+' and '-' in a name",
            )
        return name, uri
    last = storage.public(text).rstrip("/").rsplit("/", 1)[-1]
    return re.sub(r"[^\w.+-]+", "-", last, flags=re.ASCII).lstrip("-._+") or "model", text
