"""A trained model as a folder: ``model.json`` (what it is) and ``model.weights.h5`` (Keras).

``model.json`` carries all that mapping needs besides weights: architecture, bands, normalisation
and threshold, and the figures of its validation.
"""

from __future__ import annotations

import hashlib
import tempfile
import warnings
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hrgldd_core import storage
from hrgldd_core.errors import InputError
from hrgldd_core.findings import refusal
from hrgldd_core.models.calibration import Calibration
from hrgldd_core.models.registry import build_model
from hrgldd_core.normalise import Normalisation

if TYPE_CHECKING:
    import keras

__all__ = ["BUNDLED", "ModelSpec", "StoredModel", "half_precision", "open_model", "save_model"]

BUNDLED = "bundled"
"""The ``--model`` that is used when none is given."""

_SPEC, _WEIGHTS = "model.json", "model.weights.h5"


class ModelSpec(BaseModel):
    """What ``model.json`` says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(description="name of this trained model")
    version: str = Field(description="version of this trained model")
    architecture: str = Field(description="name in the registry of models")
    bands: tuple[str, ...] = Field(description="common names, in the order of the input")
    filters: int = Field(gt=0, description="filters of the first level")
    batch_norm: bool = False
    dropout: float = 0.0
    normalisation: Normalisation = Normalisation()
    calibration: Calibration = Field(Calibration(), description="of the weights' own scores")
    threshold: float = Field(
        gt=0, lt=1, description="calibrated probability from which a pixel is landslide"
    )
    created: str = Field("", description="when it was trained (UTC)")
    training: dict[str, Any] = Field({}, description="recipe, data and its checksum, seed")
    validation: dict[str, Any] = Field({}, description="figures on patches not trained on")
    limits: tuple[str, ...] = Field((), description="what a user must know, in plain words")

    def build(self, *, policy: str | None = None) -> keras.Model:
        """The untrained model, under a dtype policy of Keras (the one that is set otherwise)."""
        from hrgldd_core.models.backend import keras

        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(policy or before)
        try:
            return build_model(
                self.architecture,
                bands=len(self.bands),
                filters=self.filters,
                batch_norm=self.batch_norm,
                dropout=self.dropout,
            )
        finally:
            keras.config.set_dtype_policy(before)


class StoredModel:
    """A model folder that was opened; weights are read when first needed."""

    def __init__(self, uri: str, spec: ModelSpec, weights: bytes) -> None:
        """Hold what was read."""
        self.uri = uri
        self.spec = spec
        self._weights = weights

    @property
    def digest(self) -> str:
        """SHA-256 over specification and weights."""
        text = self.spec.model_dump_json().encode()
        return hashlib.sha256(text + self._weights).hexdigest()

    def load(self) -> keras.Model:
        """The Keras model with its weights and its calibration, in float32.

        Raises:
            InputError: when the weights are not those of the architecture.
        """
        spec = self.spec
        model = spec.build()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / _WEIGHTS
            path.write_bytes(self._weights)
            try:
                with warnings.catch_warnings():
                    # Keras only warns of layers that keep their random weights. Its warnings alone:
                    # other threads' would become errors as well.
                    warnings.filterwarnings("error", category=UserWarning, module="keras")
                    model.load_weights(path)
            except (ValueError, OSError, KeyError, UserWarning):
                # Keras' own words are of layers and shapes that no user has named.
                raise InputError(
                    f"the weights do not fit {spec.architecture} "
                    f"({spec.filters} filters, {len(spec.bands)} bands)",
                    where=self.uri,
                    remedy="Use model.json and model.weights.h5 of one training",
                ) from None
        spec.calibration.fold_into(model)
        return model


def open_model(uri: str = BUNDLED) -> StoredModel:
    """Open a model folder, or the model that comes with the package.

    Raises:
        InputError: when it is not a model folder.
    """
    if uri == BUNDLED:
        folder = resources.files("hrgldd_core.models") / BUNDLED
        text, weights = (folder / _SPEC).read_bytes(), (folder / _WEIGHTS).read_bytes()
    else:
        remedy = "Give a folder that `hrgldd train` wrote, with model.json and model.weights.h5"
        if not storage.exists(storage.join(uri, _SPEC)):
            raise InputError("is not a model folder (no model.json)", where=uri, remedy=remedy)
        text = storage.read_bytes(storage.join(uri, _SPEC))
        weights = storage.read_bytes(storage.join(uri, _WEIGHTS))
    try:
        spec = ModelSpec.model_validate_json(text)
    except ValidationError as error:
        remedy = "Restore model.json, as `hrgldd train` wrote it"
        raise refusal(error, where=storage.join(uri, _SPEC), remedy=remedy) from None
    return StoredModel(uri, spec, weights)


def save_model(model: keras.Model, spec: ModelSpec, uri: str) -> None:
    """Write a model folder; ``model.json`` comes last, so that a folder with it is whole.

    ``item.json`` beside it describes the model to STAC catalogues.
    """
    from hrgldd_core.stac.model_item import model_item

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / _WEIGHTS
        model.save_weights(path)
        weights = path.read_bytes()
    storage.write_bytes(storage.join(uri, _WEIGHTS), weights)
    item = model_item(
        spec,
        weights=_WEIGHTS,
        checksum=hashlib.sha256(weights).hexdigest(),
        size=len(weights),
        parameters=model.count_params(),
    )
    storage.write_json(storage.join(uri, "item.json"), item)
    storage.write_bytes(storage.join(uri, _SPEC), f"{spec.model_dump_json(indent=2)}\n".encode())


def half_precision(model: keras.Model, spec: ModelSpec) -> keras.Model:
    """The same model with weights rounded to float16, half the size on disk."""
    small = spec.build(policy="float16")
    small.set_weights(model.get_weights())
    return small
