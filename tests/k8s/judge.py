"""Judges manifests by the schema of their kind; run by the Python of ``make k8s-tools``.

Reads YAML documents from standard input and writes a JSON list of ``[kind, name, problem]``. A kind
without a schema is a problem.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import yaml

# The oldest version that k8s/README.md names, and the newest that the schemas know.
VERSIONS = ("1.29", "1.37")
SCHEMAS = Path(__file__).parent / "schemas"


def judge(document: dict[str, Any]) -> Iterator[str]:
    """Problems of a manifest."""
    kind = (document["apiVersion"], document["kind"])
    if kind == ("kubernetes.dask.org/v1", "DaskCluster"):
        yield from _by_schema(document, _strict(_dask_schema()))
    elif kind[0] == "monitoring.coreos.com/v1":
        yield from _prometheus_operator(document)
    elif (own := SCHEMAS / f"{kind[0].replace('/', '_')}_{kind[1]}.json").exists():
        yield from _by_schema(document, json.loads(own.read_text()))
    else:
        yield from _built_in(document)


def _built_in(document: dict[str, Any]) -> Iterator[str]:
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except kubernetes_validate.SchemaNotFoundError:
            yield f"no schema ({version})"
        except kubernetes_validate.ValidationError as error:
            yield f"{version}: {'.'.join(map(str, error.path))}: {error.message[:300]}"


def _by_schema(document: dict[str, Any], schema: dict[str, Any]) -> Iterator[str]:
    for error in jsonschema.Draft202012Validator(schema).iter_errors(document):
        yield f"{'.'.join(map(str, error.path))}: {error.message[:300]}"


def _dask_schema() -> dict[str, Any]:
    folder = resources.files("dask_kubernetes") / "operator/deployment/helm"
    text = (folder / "dask-kubernetes-operator/crds/daskcluster.yaml").read_text()
    for definition in yaml.safe_load_all(text):
        version = next(v for v in definition["spec"]["versions"] if v["name"] == "v1")
        schema: dict[str, Any] = version["schema"]["openAPIV3Schema"]
        # The API server checks these itself.
        return schema | {
            "properties": {
                "apiVersion": {"type": "string"},
                "kind": {"type": "string"},
                "metadata": {},
                **schema["properties"],
            }
        }
    raise LookupError("no DaskCluster in dask_kubernetes")


def _strict(schema: Any) -> Any:
    """The same, refusing fields that the API server would drop in silence."""
    if isinstance(schema, list):
        return [_strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    done = {key: _strict(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        done.setdefault("additionalProperties", False)
    return done


def _prometheus_operator(document: dict[str, Any]) -> Iterator[str]:
    from cloudcoil.models.prometheus_operator import v1
    from pydantic import ValidationError

    model = getattr(v1, document["kind"], None)
    if model is None:
        yield "no schema"
        return
    try:
        read = model.model_validate(document)
    except ValidationError as error:
        for problem in error.errors():
            yield f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
        return
    # The model lets unknown fields pass: what it understood must be all that there was.
    understood = read.model_dump(mode="json", by_alias=True, exclude_unset=True)
    if (lost := _without_empty(document["spec"])) != _without_empty(understood["spec"]):
        yield f"spec: has fields that a {document['kind']} has not: {str(lost)[:100]}..."
    yield from _rules(document["spec"].get("groups", ()))


def _rules(groups: Sequence[dict[str, Any]]) -> Iterator[str]:
    from promql_parser import parse

    for group in groups:
        for entry in group["rules"]:
            if ("alert" in entry) == ("record" in entry):
                yield f"{group['name']}: a rule is an alert or a record"
            try:
                parse(entry["expr"])
            except ValueError as error:
                yield f"{group['name']}: {entry['expr']}: {error}"


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_empty(v) for k, v in value.items() if v is not None}
    return [_without_empty(v) for v in value] if isinstance(value, list) else value


def main() -> None:
    """Judge what comes in."""
    problems = [
        [document["kind"], document["metadata"]["name"] if "metadata" in document else "", problem]
        for document in yaml.safe_load_all(sys.stdin)
        if document
        for problem in judge(document)
    ]
    json.dump(problems, sys.stdout)


if __name__ == "__main__":
    main()
