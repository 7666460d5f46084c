"""``key=value`` words to the typed parameters of a pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hrgldd_core.errors import InputError

__all__ = ["parse_arguments"]

_SAID = {"true": True, "false": False}
_READ: dict[str, Any] = {
    "STRING": str,
    "NUMBER_DOUBLE": float,
    "NUMBER_INTEGER": int,
    "BOOLEAN": lambda word: _SAID[word.lower()],
}


def parse_arguments(pipeline: Any, words: Sequence[str]) -> dict[str, Any]:
    """Typed arguments of a KFP pipeline.

    Raises:
        InputError: for an unknown, missing or malformed parameter.
    """
    known = pipeline.pipeline_spec.root.input_definitions.parameters
    from kfp.pipeline_spec.pipeline_spec_pb2 import ParameterType

    out: dict[str, Any] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or key not in known:
            raise InputError(
                f"{word!r} is no parameter",
                remedy=f"Give KEY=VALUE with: {', '.join(sorted(known))}",
            )
        kind = ParameterType.ParameterTypeEnum.Name(known[key].parameter_type)
        try:
            out[key] = _READ[kind](value)
        except (ValueError, KeyError):
            raise InputError(f"{key} is a {kind.lower()}, not {value!r}") from None
    missing = [k for k, v in known.items() if k not in out and not _optional(v)]
    if missing:
        raise InputError(f"missing {', '.join(sorted(missing))}", remedy="Give each as KEY=VALUE")
    return out


def _optional(parameter: Any) -> bool:
    return bool(parameter.is_optional) or parameter.HasField("default_value")
