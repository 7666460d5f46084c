"""A pipeline, or a compiled package, started on a cluster and waited for."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from hrgldd_core.errors import InputError
from hrgldd_core.outcome import Outcome, read_outcome
from pipelines import PIPELINES
from pipelines.arguments import parse_arguments
from pipelines.kfp_api import KfpApi, RunState

__all__ = ["Package", "conclude", "read_package", "start", "wait"]


@dataclass(frozen=True)
class Package:
    """What is submitted.

    Attributes:
        name: of the pipeline, as here (``map_event``).
        spec: as the API takes it: the pipeline's, with the platform's beside it.
        arguments: typed.
        unpinned: images that are not named by digest.
    """

    name: str
    spec: dict[str, Any]
    arguments: dict[str, Any]
    unpinned: tuple[str, ...]


def read_package(name: str, words: Sequence[str]) -> Package:
    """A pipeline by its name, compiled now, or a package file; with ``KEY=VALUE`` arguments.

    Raises:
        InputError: for what is neither, and for unknown, missing or malformed arguments.
    """
    from kfp import compiler, components

    from pipelines.local import load_pipeline

    if name in PIPELINES:
        pipeline = load_pipeline(name)
        arguments = parse_arguments(pipeline, words)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "package.yaml"
            compiler.Compiler().compile(pipeline, str(path))
            documents = list(yaml.safe_load_all(path.read_text()))
    else:
        path = Path(name)
        if not path.is_file():
            raise InputError(
                f"{name!r} is no pipeline and no package file",
                remedy=f"Choose one of: {', '.join(PIPELINES)}, or name a compiled .yaml",
            )
        try:
            documents = list(yaml.safe_load_all(path.read_text()))
            loaded: Any = components.load_component_from_file(str(path))
        # The SDK raises whatever its parsers do.
        except Exception as error:  # noqa: BLE001
            reason = " ".join(str(error).split())[:200]
            raise InputError(f"is no KFP package ({reason})", where=name) from None
        arguments = parse_arguments(loaded, words)
    spec, platform = documents[0], (documents[1] if len(documents) > 1 else None)
    executors = spec["deploymentSpec"]["executors"].values()
    images = {e["container"]["image"] for e in executors if "container" in e}
    return Package(
        name=spec["pipelineInfo"]["name"].replace("-", "_"),
        spec={"pipeline_spec": spec, "platform_spec": platform} if platform else spec,
        arguments=arguments,
        unpinned=tuple(sorted(i for i in images if "@sha256:" not in i)),
    )


def start(api: KfpApi, package: Package, *, experiment: str, service_account: str) -> str:
    """Start a run; its id.

    Raises:
        InputError: when the API refuses or cannot be reached.
    """
    return api.create_run(
        package.name,
        package.spec,
        package.arguments,
        experiment=api.experiment(experiment),
        service_account=service_account,
    )


def wait(
    api: KfpApi, run_id: str, *, timeout: float | None, every: float, tell: Callable[[str], None]
) -> RunState:
    """Wait for the end of a run; its state, ended or, after ``timeout`` seconds, not.

    Args:
        api: it was started with.
        run_id: of the run.
        timeout: seconds; None waits as long as it takes.
        every: seconds between two looks.
        tell: called with a line when a step ends.

    Raises:
        InputError: when the API refuses or cannot be reached any more; the run goes on.
    """
    until = time.monotonic() + timeout if timeout is not None else None
    told: dict[tuple[str, str], int] = {}
    while True:
        state = api.run(run_id)
        now = [t for t in state.tasks if _is_step(*t)]
        for task in dict.fromkeys(now):
            for _ in range(now.count(task) - told.get(task, 0)):
                tell(f"step {task[0]}: {'done' if task[1] == 'SUCCEEDED' else task[1]}")
            told[task] = now.count(task)
        if state.ended or (until is not None and time.monotonic() >= until):
            return state
        time.sleep(every if until is None else max(0.0, min(every, until - time.monotonic())))


def _is_step(name: str, state: str) -> bool:
    """Not one of KFP's own helpers, and at its end."""
    return state in ("SUCCEEDED", "FAILED") and "driver" not in name


def conclude(package: Package, state: RunState) -> Outcome | None:
    """How a run that has ended went, by what it left; None when only its state is known.

    A result that cannot be read from here (no right, no way to the bucket) is not known.
    """
    out = package.arguments.get("out")
    failed = state.state != "SUCCEEDED"
    if package.name not in PIPELINES or not out:
        return None
    try:
        return read_outcome(package.name, out, failed=failed, error=state.error or state.state)
    except (InputError, OSError):
        if failed:
            why = state.error or state.state
            return Outcome(pipeline=package.name, status="failed", out=out, error=why)
        return None
