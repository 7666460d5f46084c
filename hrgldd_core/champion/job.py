"""Judging a new model against the champion, and registering it or not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hrgldd_core import storage
from hrgldd_core.champion.decision import CANDIDATE, CHAMPION, Decision, decide, decision_text
from hrgldd_core.champion.registry import Champion, crown, read_champion
from hrgldd_core.console import progress_bar
from hrgldd_core.errors import InputError
from hrgldd_core.evaluation.job import evaluate_models
from hrgldd_core.evaluation.scores import Settings
from hrgldd_core.models.store import open_model

__all__ = ["judge", "register"]


def judge(
    *,
    model: str,
    data: str,
    out: str,
    registry: str = "",
    unseen: Sequence[str] = (),
    collections: str | None = None,
    settings: Settings = Settings(),  # noqa: B008 - frozen
) -> dict[str, Any]:
    """Score a model, and the champion beside it, on the same patches.

    The figures go to a folder of ``out`` that is named after both, so that none are mixed up.

    Args:
        model: URI of the new model's folder.
        data: URI of the patches.
        out: prefix.
        registry: prefix of the registry; empty: no champion.
        unseen: further events, ``NAME=URI`` each.
        collections: ``1,2,3`` or part of it; None for all there are.
        settings: of objects and boundaries.

    Returns:
        The candidate's ``metrics.json`` with ``shown``, its row of the mixed test set (the first
        row there is, or its headline, otherwise), ``evaluation``, where the figures are,
        ``model``, and ``champion``, what the registry said (None when it has none).

    Raises:
        InputError: when model or data are unusable, or the champion needs bands that are not there.
    """
    candidate = open_model(model)
    champion = read_champion(registry) if registry else None
    models = [f"{CANDIDATE}={model}"]
    if champion and champion.sha256 != candidate.digest:
        models.append(f"{CHAMPION}={champion.model}")
    against = champion.sha256[:12] if champion else "none"
    folder = storage.join(out, f"{candidate.digest[:12]}-{against}")
    with progress_bar() as progress:
        evaluate_models(
            data=data,
            out=folder,
            models=models,
            unseen=unseen,
            collections=collections,
            settings=settings,
            progress=progress,
        )
    figures = _figures(folder, CANDIDATE, several=len(models) > 1)
    return {
        **figures,
        "shown": {"threshold": figures["threshold"], **(figures["collections"] or [figures])[0]},
        "evaluation": folder,
        "model": model,
        "champion": champion.model_dump() if champion else None,
    }


def register(
    judged: dict[str, Any], *, registry: str, out: str, min_gain: float = 0.0
) -> tuple[Decision, str]:
    """Make a judged model the champion where it is better; say so in ``decision.json``, ``.md``.

    Args:
        judged: by `judge`.
        registry: prefix of the registry; empty: nothing is registered.
        out: prefix.
        min_gain: by how much F1 on test patches must be larger than the champion's.

    Returns:
        The decision, and the same in Markdown.

    Raises:
        InputError: when another champion was registered since the model was judged.
    """
    if not 0 <= min_gain < 1:
        raise InputError(f"min_gain {min_gain:g} is no difference of F1", remedy="Give 0 to 1")
    champion = Champion.model_validate(judged["champion"]) if judged["champion"] else None
    evaluation, model = judged["evaluation"], judged["model"]
    several = storage.exists(storage.join(evaluation, CHAMPION, "metrics.json"))
    figures = {CANDIDATE: _figures(evaluation, CANDIDATE, several=several)}
    if several:
        figures[CHAMPION] = _figures(evaluation, CHAMPION, several=True)
    if registry:
        decision = decide(figures, champion, min_gain=min_gain)
    else:
        decision = Decision(registered=False, reason="no registry was named")
    if decision.registered:
        stored = open_model(model)
        crown(registry, stored, instead_of=champion, evaluation=evaluation, f1=decision.f1)
    text = decision_text(decision, figures, model=model, champion=champion, evaluation=evaluation)
    storage.write_bytes(storage.join(out, "decision.md"), text.encode())
    storage.write_json(
        storage.join(out, "decision.json"),
        {**decision.model_dump(), "model": model, "evaluation": evaluation},
    )
    return decision, text


def _figures(folder: str, name: str, *, several: bool) -> dict[str, Any]:
    parts = (name, "metrics.json") if several else ("metrics.json",)
    return dict(storage.read_json(storage.join(folder, *parts)))
