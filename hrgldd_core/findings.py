"""What pydantic finds wrong in a document or in options, in the words of this package."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from hrgldd_core.errors import InputError

__all__ = ["in_words", "nearest", "refusal"]

_UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")
_MAPPING = ("dataclass_type", "dict_type", "model_type", "model_attributes_type")
_GIVE = {
    "bool_parsing": "Give true or false",
    "bool_type": "Give true or false",
    "finite_number": "Give a finite number",
    "float_parsing": "Give a number",
    "float_type": "Give a number",
    "greater_than": "Give a number greater than {gt:g}",
    "greater_than_equal": "Give a number of at least {ge:g}",
    "int_from_float": "Give a whole number",
    "int_parsing": "Give a whole number",
    "int_type": "Give a whole number",
    "less_than": "Give a number less than {lt:g}",
    "less_than_equal": "Give a number of at most {le:g}",
    "list_type": "Give a list",
    "literal_error": "Choose {expected}",
    "string_type": "Give a text",
    "tuple_type": "Give a list",
}
_MOST = 40


def nearest(name: str, known: Iterable[str]) -> str:
    """``Did you mean 'x'?``, or nothing."""
    near = difflib.get_close_matches(name, list(known), 1)
    return f"Did you mean {near[0]!r}?" if near else ""


def in_words(error: Any, *, known: Iterable[str] = (), field: str = "") -> tuple[str, str]:
    """What is wrong, and what to do; the latter may be empty.

    Args:
        error: one of ``ValidationError.errors()``.
        known: names of all fields; nested ones with a dot.
        field: how the user calls it; as the document does, otherwise.
    """
    field = field or ".".join(str(part) for part in error["loc"])
    kind, context = error["type"], error.get("ctx") or {}
    if kind in _UNKNOWN:
        return f"{field!r} is no field", nearest(field, known)
    if kind == "missing":
        return f"{field} is missing", f"Add {field}"
    if kind == "json_invalid":
        return "is no JSON", f"Restore the file ({context['error']})"
    if kind in _MAPPING:
        parts = [n.removeprefix(f"{field}.") for n in known if n.startswith(f"{field}.")]
        remedy = f"Give a mapping with {', '.join(parts)}" if parts else "Give a mapping"
        return f"{field} is {_short(error['input'])}", remedy
    if kind in _GIVE:
        return f"{field} is {_short(error['input'])}", _GIVE[kind].format(**context)
    problem = str(error["msg"]).removeprefix("Value error, ")
    return (f"{field}: {problem}" if field else problem), ""


def refusal(
    error: ValidationError, *, where: str = "", known: Iterable[str] = (), remedy: str = ""
) -> InputError:
    """The first finding as one message.

    Args:
        error: of pydantic.
        where: which document.
        known: names of all fields.
        remedy: where the finding itself suggests none.
    """
    problem, own = in_words(error.errors()[0], known=known)
    return InputError(problem, where=where, remedy=own or remedy)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _MOST else f"{text[: _MOST - 1]}…"
