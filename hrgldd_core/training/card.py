"""The model card: what a trained model is, how good, and where it fails."""

from __future__ import annotations

from hrgldd_core.models.store import ModelSpec

__all__ = ["model_card"]


def model_card(spec: ModelSpec) -> str:
    """Markdown from what ``model.json`` says, so that no figure is copied by hand."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(  # noqa: S701 - Markdown of our own figures, not HTML
        loader=PackageLoader("hrgldd_core.training", "."),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    augmentation = spec.training["recipe"]["augmentation"]
    return environment.get_template("card.md.j2").render(
        spec=spec,
        v=spec.validation,
        recipe=spec.training["recipe"],
        augmentation=", ".join(f"{name} {value}" for name, value in augmentation.items() if value),
    )
