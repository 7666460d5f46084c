"""Ending hopeless runs early, by Optuna's rules over validation F1.

Each run asks in its own process; what it knows of the others are the curves that finished runs
left below the output. So the rule works on one machine, a cluster or pods alike, without a
database. A run that was pruned ends with a model of its own, marked as pruned.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Sequence
from typing import Any

from hrgldd_core import storage
from hrgldd_core.errors import InputError
from hrgldd_core.sweep.plan import Run, SweepPlan

__all__ = ["PruningRule", "check_installed"]

_MONITORED = "val_best_f1"
# Before that many epochs and finished runs nothing is judged.
_WARMUP_EPOCHS, _STARTUP_RUNS = 5, 5
# Epochs at which halving lets the best quarter go on.
_RUNGS = tuple(_WARMUP_EPOCHS * 4**k for k in range(6))


def check_installed() -> None:
    """Refuse to prune without Optuna.

    Raises:
        InputError: with what to install.
    """
    if importlib.util.find_spec("optuna") is None:
        raise InputError("--prune needs Optuna", remedy="pip install 'hrgldd[sweep]'")


class PruningRule:
    """Told the rows of a run's log so far; true when the run is not worth going on."""

    def __init__(self, plan: SweepPlan, run: Run) -> None:
        self._curves = storage.join(plan.out, "curves")
        self._kind, self._id = plan.prune, run.id
        self._others: dict[str, list[float]] = {}
        self._curve: list[float] = []

    def __call__(self, rows: Sequence[dict[str, float]]) -> bool:
        """Whether to end here."""
        self._curve = [row[_MONITORED] for row in rows]
        self._look_around()
        return len(self._others) >= _STARTUP_RUNS and self._judge()

    def publish(self) -> None:
        """Let the others know this run's curve."""
        if self._curve:
            storage.write_json(storage.join(self._curves, f"{self._id}.json"), self._curve)

    def _look_around(self) -> None:
        for name in storage.list_names(self._curves):
            if name.endswith(".json") and name not in self._others and not name.startswith("."):
                self._others[name] = storage.read_json(storage.join(self._curves, name))

    def _judge(self) -> bool:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            study = optuna.create_study(direction="maximize", pruner=self._pruner(optuna))
            for curve in self._others.values():
                if self._kind == "halving":
                    # Halving compares what runs said when they were asked.
                    trial = study.ask()
                    _tell(trial, curve)
                    study.tell(trial, max(curve))
                else:
                    study.add_trial(
                        optuna.trial.create_trial(
                            value=max(curve), intermediate_values=dict(enumerate(curve, 1))
                        )
                    )
            trial = study.ask()
            if self._kind == "halving":
                return len(self._curve) in _RUNGS and _tell(trial, self._curve)
            for epoch, value in enumerate(self._curve, 1):
                trial.report(value, epoch)
            return bool(trial.should_prune())

    def _pruner(self, optuna: Any) -> Any:
        if self._kind == "halving":
            return optuna.pruners.SuccessiveHalvingPruner(
                min_resource=_RUNGS[0], reduction_factor=_RUNGS[1] // _RUNGS[0]
            )
        return optuna.pruners.MedianPruner(
            n_startup_trials=_STARTUP_RUNS, n_warmup_steps=_WARMUP_EPOCHS
        )


def _tell(trial: Any, curve: Sequence[float]) -> bool:
    """Report a curve at the epochs at which halving judges; what it says at the last of them."""
    said = False
    for epoch in _RUNGS:
        if epoch <= len(curve):
            trial.report(curve[epoch - 1], epoch)
            said = bool(trial.should_prune())
    return said
