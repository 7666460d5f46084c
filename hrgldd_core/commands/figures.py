"""Figures of models as lines for a terminal."""

from __future__ import annotations

from typing import Any

__all__ = ["evaluation_text", "training_text"]

_NAMES = ("precision", "recall", "f1", "iou", "threshold")


def training_text(result: dict[str, Any]) -> str:
    """How many patches were trained and validated on, and the figures on the latter."""
    learned = f"trained on {result['n_training']} patches, " if "n_training" in result else ""
    first = f"{learned}validated on {result['n_patches']}: on those"
    return "\n".join([first, *_lines(result), f"  result     {result['out']}"])


def evaluation_text(result: dict[str, Any]) -> str:
    """Every model by its name with its figures, which was chosen and how, and what to beware of."""
    first = f"{result['patches']}: {result['n_patches']}"
    compared = result.get("compared")
    if compared is None:
        lines = [f"{first}, model {result['name']}", *_lines(result)]
    else:
        lines = [first, *_table(compared)]
        lines.append(f"  chosen     {result['chosen']['name']} ({result['chosen']['how']})")
    lines += [f"  WARNING    {warning}" for warning in result["warnings"]]
    return "\n".join([*lines, f"  result     {result['out']}"])


def _lines(figures: dict[str, Any]) -> list[str]:
    return [f"  {name:<10} {figures[name]:.4f}" for name in _NAMES if name in figures]


def _table(models: list[dict[str, Any]]) -> list[str]:
    width = max(len(model["name"]) for model in models)
    lines = [f"  {'model':<{width}}" + "".join(f"  {name:>9}" for name in _NAMES)]
    for model in models:
        figures = "".join(f"  {model[name]:>9.4f}" for name in _NAMES)
        lines.append(f"  {model['name']:<{width}}{figures}")
    return lines
