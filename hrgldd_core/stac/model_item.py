"""A trained model as a STAC item with the Machine Learning Model extension (MLM)."""

from __future__ import annotations

import importlib.metadata
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pystac
import shapely
from pystac.extensions.classification import Classification
from pystac.extensions.eo import Band, EOExtension
from pystac.extensions.file import FileExtension
from pystac.extensions.mlm import (
    AcceleratorType,
    AssetGeneralMLMExtension,
    Hyperparameters,
    InputStructure,
    MLMExtension,
    ModelInput,
    ModelOutput,
    ProcessingExpression,
    ResultStructure,
    TaskType,
)
from pystac.extensions.raster import DataType

from hrgldd_core.scenes.bands import COMMON_NAMES

if TYPE_CHECKING:
    from hrgldd_core.models.store import ModelSpec

__all__ = ["model_item"]

_TASKS = [TaskType.SEMANTIC_SEGMENTATION]
# Where it applies is not where it was trained: the model is offered for the whole globe.
_GLOBE = (-180.0, -90.0, 180.0, 90.0)


def model_item(
    spec: ModelSpec, *, weights: str, checksum: str, size: int, parameters: int
) -> dict[str, Any]:
    """The item of a model folder, as JSON.

    Args:
        spec: what the model is.
        weights: name of the weights' file in the folder.
        checksum: its SHA-256.
        size: its bytes.
        parameters: number of weights, trained or not.
    """
    item = pystac.Item(
        id=f"{spec.id}-{spec.version}",
        geometry=shapely.geometry.mapping(shapely.box(*_GLOBE)),
        bbox=list(_GLOBE),
        datetime=datetime.fromisoformat(spec.created) if spec.created else datetime.now(UTC),
        properties={
            "title": f"{spec.architecture} for landslides, {spec.version}",
            "description": " ".join(spec.limits) or "Its limits are not recorded.",
            "hrgldd:threshold": spec.threshold,
            "hrgldd:validation": spec.validation,
            "hrgldd:training_data": spec.training.get("data", ""),
        },
    )
    MLMExtension.ext(item, add_if_missing=True).apply(
        name=spec.id,
        architecture="U-Net" if spec.architecture == "unet" else spec.architecture,
        tasks=_TASKS,
        input=[_input(spec)],
        output=[_output()],
        framework="Keras",
        framework_version=importlib.metadata.version("keras"),
        total_parameters=parameters,
        pretrained=False,
        accelerator=AcceleratorType.CUDA,
        accelerator_constrained=False,
        hyperparameters=Hyperparameters(
            {"filters": spec.filters, "batch_norm": spec.batch_norm, "dropout": spec.dropout}
        ),
    )
    asset = pystac.Asset(
        f"./{weights}",
        title="Weights",
        media_type="application/x-hdf5",
        roles=["mlm:model", "mlm:weights"],
    )
    item.add_asset("weights", asset)
    # MLM wants bands that an input names described; core STAC keeps its `bands` for data.
    EOExtension.ext(asset, add_if_missing=True).bands = [
        Band.create(band, common_name=band if band in COMMON_NAMES else None) for band in spec.bands
    ]
    AssetGeneralMLMExtension.ext(asset).apply(artifact_type="keras.Model.save_weights")
    FileExtension.ext(asset, add_if_missing=True).apply(checksum=f"1220{checksum}", size=size)
    document: dict[str, Any] = item.to_dict(include_self_link=False)
    return document


def _input(spec: ModelSpec) -> ModelInput:
    robust = spec.normalisation.method == "robust"
    note = "; arcsinh((x - median) / ((p95 - p5) / 3.29)), statistics of each band over the scene"
    return ModelInput.create(
        name="image",
        bands=list(spec.bands),
        input=InputStructure.create(
            shape=[-1, -1, -1, len(spec.bands)],
            dim_order=["batch", "height", "width", "bands"],
            data_type=DataType.FLOAT32,
        ),
        description=f"About 3 m a pixel, sides divisible by 16{note if robust else ''}",
        pre_processing_function=ProcessingExpression.create(
            format="python", expression="hrgldd_core.normalise:Normalisation.apply"
        ),
    )


def _output() -> ModelOutput:
    return ModelOutput.create(
        name="probability",
        tasks=_TASKS,
        result=ResultStructure.create(
            shape=[-1, -1, -1, 1],
            dim_order=["batch", "height", "width", "class"],
            data_type=DataType.FLOAT32,
        ),
        description="Probability that a pixel is landslide",
        classes=[Classification.create(value=1, name="landslide", description="Landslide")],
    )
