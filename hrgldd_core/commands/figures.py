"""Figures of a model as lines for a terminal."""

from __future__ import annotations

from typing import Any

__all__ = ["figures_text"]


def figures_text(result: dict[str, Any]) -> str:
    """The figures that matter, one a line, and where the result is."""
    names = ("precision", "recall", "f1", "iou", "threshold")
    lines = [f"  {name:<10} {result[name]:.4f}" for name in names if name in result]
    if result.get("trained_on_this_data"):
        lines.append("  The model was trained on these patches: on others it is worse.")
    return "\n".join(
        [f"{result.get('n_patches', '')} patches", *lines, f"  result     {result['out']}"]
    )
