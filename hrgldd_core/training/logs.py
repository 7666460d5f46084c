"""What a training tells while it runs: ``history.csv``, ``history.json``, one live line."""

from __future__ import annotations

import csv
import importlib
import io
import time
from collections.abc import Sequence
from typing import Any

from hrgldd_core import storage
from hrgldd_core.errors import InputError
from hrgldd_core.progress import NotedProgress

__all__ = ["History", "LiveLine", "tensorboard_logger"]


class History:
    """``history.csv`` and ``history.json`` below the output: one row an epoch.

    Both are written whole from all rows, so that an epoch that is trained again after a kill does
    not appear twice.
    """

    def __init__(self, out: str) -> None:
        """Name the folder or prefix."""
        self._out = out

    def write(self, rows: Sequence[dict[str, float]]) -> None:
        """Replace both files."""
        text = io.StringIO()
        writer = csv.DictWriter(text, list(rows[-1]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        storage.write_bytes(storage.join(self._out, "history.csv"), text.getvalue().encode())
        columns = {name: [row[name] for row in rows] for name in rows[-1]}
        storage.write_json(storage.join(self._out, "history.json"), columns)

    def remove(self) -> None:
        """Delete both files."""
        for name in ("history.csv", "history.json"):
            storage.remove(storage.join(self._out, name))


class LiveLine:
    """Epoch, loss, validation F1 and speed, told with each step."""

    def __init__(
        self, progress: NotedProgress, *, epochs: int, steps: int, batch_size: int
    ) -> None:
        """Begin.

        Args:
            progress: told.
            epochs: of the training.
            steps: of an epoch.
            batch_size: patches a step.
        """
        self._progress = progress
        self._epochs, self._steps, self._batch_size = epochs, steps, batch_size
        self._row: dict[str, float] = {}
        self._first = 0
        self._started = 0.0

    def step(self, epoch: int, step: int, loss: float) -> None:
        """One more step (from 1) of an epoch (from 1)."""
        done = (epoch - 1) * self._steps + step
        if not self._started:
            # The first step compiles.
            self._started, self._first = time.monotonic(), done
        took = time.monotonic() - self._started
        speed = f"  {(done - self._first) * self._batch_size / took:.0f} patches/s" if took else ""
        f1 = f"  val F1 {self._row['val_best_f1']:.3f}" if "val_best_f1" in self._row else ""
        note = f"epoch {epoch}/{self._epochs}  loss {loss:.4f}{f1}{speed}"
        # All done is said when the last epoch has been validated.
        self._progress("training", min(done, self._total - 1), self._total, note)

    def epoch(self, row: dict[str, float]) -> None:
        """An epoch is over."""
        self._row = row

    def end(self) -> None:
        """Nothing is left to train."""
        self._progress("training", self._total, self._total)

    @property
    def _total(self) -> int:
        return self._epochs * self._steps


def tensorboard_logger(out: str) -> Any:
    """A Keras callback that logs the figures of each epoch for TensorBoard.

    Raises:
        InputError: when TensorBoard is not installed, or ``out`` is not on this machine.
    """
    from hrgldd_core.models.backend import keras

    try:
        importlib.import_module("tensorboard")
    except ImportError:
        raise InputError(
            "TensorBoard is not installed", remedy="pip install 'hrgldd[tensorboard]'"
        ) from None
    if not storage.is_local(out):
        raise InputError(
            "TensorBoard's logs need a folder on this machine",
            where=out,
            remedy="Leave out --tensorboard: history.csv has the same figures",
        )
    folder = storage.local_path(out) / "tensorboard"
    return keras.callbacks.TensorBoard(folder, write_graph=False)
