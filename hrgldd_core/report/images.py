"""Pictures of the report, made smaller when many scenes would make the page too heavy to send."""

from __future__ import annotations

import math
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["within_budget"]

Pair = tuple[bytes, bytes]

_BUDGET_BYTES = 5_000_000  # base64 adds a third
_ROUNDS = 8


def within_budget(pairs: Sequence[Pair], *, budget: int = _BUDGET_BYTES) -> list[Pair]:
    """The (JPEG, PNG) pairs, resampled only as far as all of them together need to fit.

    The page places pictures by the scene's size, so a resampled one still lies under its outlines.
    """
    result, scale = list(pairs), 1.0
    for _ in range(_ROUNDS):
        total = sum(len(a) + len(b) for a, b in result)
        if total <= budget:
            break
        scale *= 0.9 * math.sqrt(budget / total)
        result = [(_smaller(a, "JPEG", scale), _smaller(b, "PNG", scale)) for a, b in pairs]
    return result


def _smaller(content: bytes, kind: str, scale: float) -> bytes:
    from PIL import Image

    if not content:
        return content
    with Image.open(BytesIO(content)) as image:
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        out = BytesIO()
        # Area averaging of a palette would mix indices.
        still = image.convert("RGBA") if image.mode in ("P", "LA") else image
        still.resize(size, Image.Resampling.BOX).save(out, kind, quality=80, optimize=True)
    return out.getvalue()
