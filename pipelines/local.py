"""Running a pipeline on this machine with KFP's own local runner: the same components."""

from __future__ import annotations

import importlib
import io
import re
import threading
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, TextIO

from hrgldd_core.console import say
from hrgldd_core.errors import HrglddError, InputError
from hrgldd_core.outcome import Outcome, read_outcome
from pipelines import PIPELINES

__all__ = ["load_pipeline", "run_locally"]

_STEP = re.compile(r"Task \S*'([\w-]+)'\S* finished with status \S*?(SUCCESS|FAILURE)")
_COLOUR = re.compile(r"\x1b\[\d+m")
_OUR_ERROR = re.compile(r"hrgldd_core\.errors\.\w*Error: (.+)")


def load_pipeline(name: str) -> Callable[..., Any]:
    """A pipeline function by its name.

    Raises:
        InputError: for an unknown name.
    """
    if name not in PIPELINES:
        raise InputError(f"no pipeline {name!r}", remedy=f"Choose one of: {', '.join(PIPELINES)}")
    module, _, function = PIPELINES[name].partition(":")
    pipeline: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return pipeline


def run_locally(name: str, arguments: dict[str, Any], work: Path) -> Outcome:
    """Run a pipeline to its end, each component in its own process.

    Args:
        name: of the pipeline.
        arguments: its parameters.
        work: folder for KFP's intermediate artifacts and the full log, ``kfp.log``.

    Returns:
        What the run left: done or incomplete.

    Raises:
        InputError: when a component refused its input, with the component's message.
        HrglddError: when a component failed otherwise.
    """
    import warnings

    from kfp import local

    # The runner wonders whether the image holds Python; it does, and is not used here.
    warnings.filterwarnings("ignore", message="You may be attemping to run a task", module="kfp")
    # Nor do resources mean anything on one machine.
    warnings.filterwarnings("ignore", message="Task '.*': settings .* have no effect")
    pipeline = load_pipeline(name)
    work.mkdir(parents=True, exist_ok=True)
    local.init(
        runner=local.SubprocessRunner(use_venv=False),
        pipeline_root=str(work),
        raise_on_error=True,
    )
    path = work / "kfp.log"
    with path.open("w", encoding="utf-8") as file:
        log = _StepLog(file)
        try:
            with redirect_stdout(log):
                pipeline(**arguments)
        except RuntimeError as error:
            if log.refusal:
                # The component's message is complete; the parts are not known any more.
                raise InputError(log.refusal) from None
            raise HrglddError(f"the pipeline {name} failed ({error}); see {path}") from None
    return read_outcome(name, arguments["out"])


class _StepLog(io.TextIOBase):
    """KFP's output to a file; of it people see one line a finished step.

    Steps that run at the same time write from threads of their own, lines in parts.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._begun = threading.local()
        self.refusal = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        plain = _COLOUR.sub("", text)
        self._file.write(plain)
        *lines, self._begun.line = (getattr(self._begun, "line", "") + plain).split("\n")
        for line in lines:
            if step := _STEP.search(line):
                say(f"step {step[1]}: {'done' if step[2] == 'SUCCESS' else 'FAILED'}")
            if error := _OUR_ERROR.search(line):
                self.refusal = error[1]
        return len(text)

    def flush(self) -> None:
        self._file.flush()
