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
from hrgldd_core.normalise import BandStatistics

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
        from hrgldd_core.dataset.radiometry import normalised
        from hrgldd_core.training.predict import predict_patches

        if self._loaded is None:
            self._loaded = self.model.load()
            # Each model is traced once; TensorFlow takes several models for one traced too often.
            logging.getLogger("tensorflow").setLevel(logging.ERROR)
        spec = self.model.spec
        bands = [batch.bands.index(band) for band in spec.bands]
        statistics = batch.statistics and [
            BandStatistics(tuple(s.center[b] for b in bands), tuple(s.scale[b] for b in bands))
            for s in batch.statistics
        ]
        images = batch.images[..., bands]
        inputs = normalised(images, batch.labels, spec.normalisation, statistics=statistics)
        return predict_patches(self._loaded, inputs, batch_size=_RUN)


@dataclass(frozen=True)
class StoredPredictions:
    """Masks or probabilities (N, y, x) of the very patches that are scored, in their order."""

    name: str
    values: npt.NDArray[np.generic]
    threshold: float = 0.5

    def predict(self, batch: Batch) -> npt.NDArray[np.floating]:
        """The stored values of a batch.

        Raises:
            InputError: when they are of other patches.
        """
        wanted = (batch.total, *batch.labels.shape[1:])
        if self.values.shape != wanted:
            raise InputError(
                f"{self.name!r} has {self.values.shape} predictions for {wanted} patches",
                remedy="Give one mask or map of probabilities for each patch, in their order",
            )
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
