"""A real Dask scheduler and its workers: processes of their own, on free loopback ports."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parents[2]
_PATIENCE = 60.0


@dataclass
class DaskCluster:
    """A scheduler and ``workers`` processes of ``threads`` threads, until the ``with`` block ends.

    Attributes:
        workers: how many.
        threads: of each.
        pinned: whether each worker has a core of its own, as if it were a machine of one.
        environment: further variables of the workers.
        address: of the scheduler.
    """

    workers: int = 1
    threads: int = 1
    pinned: bool = False
    environment: dict[str, str] = field(default_factory=dict)
    address: str = ""

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="dask-")
        self._processes: list[subprocess.Popen[bytes]] = []
        found = Path(self._folder.name) / "scheduler.json"
        try:
            self.scheduler = self._start(
                "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
                "--dashboard-address", "127.0.0.1:0", "--scheduler-file", str(found),
            )  # fmt: skip
            self.address = self._wait(lambda: json.loads(found.read_text())["address"])
            self.started = [self.start_worker() for _ in range(self.workers)]
            self._wait(lambda: self.count() == self.workers or None)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._processes):
            process.kill()
        for process in self._processes:
            process.wait()
        self._folder.cleanup()

    def start_worker(self) -> subprocess.Popen[bytes]:
        """One more worker; a killed one is not started again by a nanny."""
        core = sorted(os.sched_getaffinity(0))[len(self._processes) - 1] if self.pinned else None
        return self._start(
            "worker", self.address, "--host", "127.0.0.1", "--nthreads", str(self.threads),
            "--no-nanny", "--no-dashboard", "--local-directory", self._folder.name,
            core=core,
        )  # fmt: skip

    def count(self) -> int:
        """Workers that the scheduler knows."""
        from distributed import Client

        with Client(self.address, set_as_default=False) as client:
            return len(client.nthreads())

    def kill_worker(self, index: int = 0) -> None:
        """End a worker as a lost machine does: without a word."""
        self.started[index].send_signal(signal.SIGKILL)
        self.started[index].wait()

    def kill_scheduler(self) -> None:
        """End the scheduler without a word."""
        self.scheduler.send_signal(signal.SIGKILL)
        self.scheduler.wait()

    def _start(self, *words: str, core: int | None = None) -> subprocess.Popen[bytes]:
        on_core = [] if core is None else ["taskset", "--cpu-list", str(core)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **self.environment}
        log = Path(self._folder.name) / f"{words[0]}-{len(self._processes)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*on_core, sys.executable, "-m", "dask", *words],
                cwd=ROOT, env=environment, stdout=output, stderr=output,
            )  # fmt: skip
        self._processes.append(process)
        return process

    def _wait(self, ready):
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            try:
                if (found := ready()) is not None:
                    return found
            except (OSError, ValueError):
                pass
            if any(p.poll() is not None for p in self._processes):
                break
            time.sleep(0.05)
        logs = (p.read_text() for p in Path(self._folder.name).glob("*.log"))
        raise RuntimeError("the cluster did not start:\n" + "\n".join(logs))
