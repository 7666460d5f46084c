"""Filters in CQL2 (OGC 21-065r2), as text or JSON: parsed here, evaluated here or by a server."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hrgldd_core.errors import InputError

__all__ = ["Filter", "parse_filter"]


@dataclass(frozen=True)
class Filter:
    """A filter that parses.

    Attributes:
        text: as CQL2 text.
    """

    text: str

    @cached_property
    def document(self) -> dict[str, Any]:
        """The same as CQL2 JSON."""
        document: dict[str, Any] = self._expression.to_json()
        return document

    def matches(self, item: dict[str, Any]) -> bool:
        """Whether an item has what is asked; like in SQL, what it does not say matches nothing."""
        try:
            return bool(self._expression.matches(item))
        except Exception as error:
            # The package's way to say that the result is unknown: it compares what is not there.
            if "reduce expression" in str(error):
                return False
            raise

    @cached_property
    def _expression(self) -> Any:
        import cql2

        return cql2.parse_text(self.text)


def parse_filter(text: str) -> Filter:
    """A filter of CQL2 text or, when it begins with a brace, CQL2 JSON.

    Raises:
        InputError: when it does not parse.
    """
    import cql2

    is_json = text.lstrip().startswith("{")
    try:
        expression = cql2.parse_json(text) if is_json else cql2.parse_text(text)
        expression.validate()
        found = Filter(expression.to_text())
        if not isinstance(found.document.get("op"), str):
            raise TypeError("it compares nothing")  # noqa: TRY301
    except Exception as error:  # noqa: BLE001 - the package raises bare exceptions
        shown = json.dumps(text)[1:-1]
        raise InputError(
            f"filter '{shown}' is not CQL2 ({_reason(error)})",
            remedy='Give text such as --filter "eo:cloud_cover < 20", or CQL2 JSON',
        ) from None
    return found


def _reason(error: Exception) -> str:
    """The last line of a parser's picture, or the first of a validator's tree."""
    lines = [line.strip(" |=-") for line in str(error).splitlines() if line.strip(" |=-^")]
    told = next((line for line in lines if line.startswith("expected")), lines[0] if lines else "")
    return told[:120]
