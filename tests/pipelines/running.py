"""Running a pipeline with KFP's own local runner, as ``hrgldd pipeline run`` does."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.support import CONSOLE

__all__ = ["artifacts", "run"]


def run(name: str, folder: Path, **arguments: object) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, whose steps leave their artifacts in ``kfp``."""
    words = [f"{k}={v}" for k, v in arguments.items()]
    return subprocess.run(
        [*CONSOLE, "pipeline", "run", name, *words, "--work", str(folder / "kfp"), "--json"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip


def artifacts(folder: Path, step: str) -> tuple[Path, dict[str, Any]]:
    """Folder of the last run of a step, and the metadata of its artifacts by name."""
    (*_, last) = sorted((folder / "kfp").glob(f"*/{step}"), key=lambda p: p.stat().st_mtime)
    written = json.loads((last / "executor_output.json").read_text())
    kept = {k: v["artifacts"][0]["metadata"] for k, v in written.get("artifacts", {}).items()}
    return last, kept
