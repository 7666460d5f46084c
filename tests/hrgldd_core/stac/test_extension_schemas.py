"""What we publish and register is valid STAC, with every extension that it declares."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from types import SimpleNamespace

import pystac
import pytest
from pystac.errors import STACValidationError
from pystac.validation.stac_validator import JsonSchemaSTACValidator

from hrgldd_core.models.store import open_model
from hrgldd_core.stac.model_item import model_item
from hrgldd_core.stac.results import result_collection
from tests.stac_schemas import FOLDER, read_schemas

BASE = "https://stac-extensions.github.io"


class Offline(JsonSchemaSTACValidator):
    """PySTAC's own validator, which may not fetch anything."""

    def _get_schema(self, schema_uri):
        assert schema_uri in self.schema_cache, f"no schema {schema_uri}: add its package"
        return super()._get_schema(schema_uri)


@pytest.fixture(scope="module")
def validate():
    """Validate a document with all that it declares; the schemas that were applied."""
    schemas = read_schemas()
    if not schemas:
        pytest.skip(f"no schemas in {FOLDER}: run `make schemas` (python -m tests.stac_schemas)")
    validator = Offline()
    validator.schema_cache |= schemas

    def check(document: dict) -> list[str]:
        return pystac.validation.validate_dict(document, validator=validator)

    return check


@pytest.fixture(scope="module")
def documents(mapped, event):
    """One document of each kind."""
    item = next((mapped.out / "items").iterdir())
    weights = {"weights": "model.weights.h5", "checksum": "0" * 64, "size": 1, "parameters": 9}
    model = model_item(open_model().spec, **weights)
    return {
        "result": json.loads(item.read_text()),
        "collection": json.loads((mapped.out / "collection.json").read_text()),
        "mosaics": json.loads(
            json.dumps(
                result_collection(
                    [pystac.Item.from_file(str(item))],
                    plan=SimpleNamespace(run_id="0" * 16, event="event"),
                    summary={**mapped.done.document},
                    mosaics=[
                        {
                            "crs": "EPSG:32643",
                            "scenes": ["a", "b"],
                            **{
                                kind: {"href": f"mosaic/{kind}.tif", "size": 9, "sha256": "0" * 64}
                                for kind in ("probability", "source")
                            },
                        }
                    ],
                )
            )
        ),
        "scene": json.loads(Path(event.catalogue).read_text())["features"][1],
        "model": json.loads(json.dumps(model)),
    }


@pytest.mark.parametrize(
    ("kind", "extensions"),
    [
        ("result", {"projection", "raster", "classification", "file"}),
        ("collection", set()),
        ("mosaics", {"projection", "file"}),
        ("scene", {"projection", "eo", "raster"}),
        ("model", {"mlm", "file", "eo"}),
    ],
)
def test_document_is_valid_with_its_extensions(documents, validate, kind, extensions):
    applied = validate(documents[kind])
    declared = {uri.removeprefix(f"{BASE}/").split("/")[0] for uri in applied[1:]}
    assert declared == extensions
    assert len(applied) == 1 + len(extensions)


def test_items_are_valid_for_pystac_itself(mapped, validate, monkeypatch):
    validator = Offline()
    validator.schema_cache |= read_schemas()
    monkeypatch.setattr(pystac.validation.RegisteredValidator, "_validator", validator)
    collection = pystac.Collection.from_file(str(mapped.out / "collection.json"))
    assert collection.validate_all() == 1


ERRORS = {
    "projection": ("result", ("properties", "proj:shape"), "large"),
    "raster": ("result", ("assets", "probability", "raster:bands", 0, "data_type"), "uint7"),
    "classification": (
        "result", ("assets", "coverage", "classification:classes", 0, "value"), "one",
    ),
    "file": ("result", ("assets", "coverage", "file:checksum"), "not hexadecimal"),
    "eo": ("scene", ("assets", "analytic", "eo:bands", 0, "common_name"), "ultraviolet"),
    "mlm": ("model", ("properties", "mlm:tasks"), ["cooking"]),
}  # fmt: skip


@pytest.mark.parametrize("extension", ERRORS)
def test_an_error_in_a_field_of_an_extension_is_seen(documents, validate, extension):
    kind, (*path, last), wrong = ERRORS[extension]
    broken = copy.deepcopy(documents[kind])
    place = broken
    for step in path:
        place = place[step]
    assert last in place or isinstance(last, int)
    place[last] = wrong
    with pytest.raises(STACValidationError, match=f"{BASE}/{extension}/"):
        validate(broken)
