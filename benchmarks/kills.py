"""Killed at random moments while the store fails, a run ends with the bytes of an undisturbed one.

``.venv/bin/python benchmarks/kills.py [--kills 20] [--rate 0.05] [--seed 0] [VICTIM ...]`` with the
victims

- ``run``: the whole process, SIGKILL; the command is repeated;
- ``worker``: one of two Dask workers; another one takes its place, the run goes on by itself;
- ``scheduler``: the run ends with what to do; the command is repeated with a new cluster.

Scenes and results lie in a store that answers this share of the requests with 503, or cuts the
connection before or after they are done. Moments are drawn evenly from the time that an undisturbed
run takes after it has been planned; one that comes after a run's end is drawn again.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from hrgldd_core.errors import InputError
from hrgldd_core.mapping.job import map_event
from hrgldd_core.mapping.request import plan_mapping
from hrgldd_core.synthetic import make_scene, write_scene
from tests.servers.dask import DaskCluster
from tests.servers.store import FaultyStore, faulty_store

SIDE = 1024
# What does not say when, where or for how long it was made.
REPEATABLE = (".tif", ".parquet", ".shp.zip")


def child(given) -> int:
    """Map the scenes into ``out``, some strips each; what a kill hits."""
    plan = plan_mapping(scenes=tuple(given.scenes), out=given.child)
    small = plan.parameters.model_copy(update={"window": 384})
    plan = plan.model_copy(update={"strip_pixels": 1, "parameters": small})
    print("planned", flush=True)
    try:
        map_event(plan, cluster=given.cluster)
    except InputError as error:
        print(error, flush=True)
        return 2
    return 0


class Run:
    """A child at work."""

    def __init__(self, out: str, scenes: list[str], cluster: str | None = None) -> None:
        """Start it, and wait until it has planned."""
        words = [sys.executable, __file__, "--child", out]
        words += ["--cluster", cluster] if cluster else []
        self.process = subprocess.Popen(  # noqa: S603
            [*words, "--scenes", *scenes], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.process.stdout.readline()
        self.started = time.monotonic()

    def end(self, *expected: int) -> float:
        """Wait for it; how long it took since it had planned."""
        out, err = self.process.communicate()
        assert self.process.returncode in (expected or (0,)), out + err
        return time.monotonic() - self.started


class Trials:
    """Kills of one kind of victim, and what came of them."""

    def __init__(
        self, store: FaultyStore, scenes: list[str], expected: dict[str, bytes], seed: int
    ) -> None:
        """Begin with none."""
        self.store, self.scenes, self.expected = store, scenes, expected
        self.random = random.Random(seed)  # noqa: S311
        self.whole = self.identical = self.count = self.late = 0

    def start(self, cluster: str | None = None) -> Run:
        return Run(f"{self.store.uri}/out", self.scenes, cluster)

    def clear(self) -> None:
        for name in [n for n in self.store.objects if n.startswith("out/")]:
            del self.store.objects[name]

    def kill(self, run: Run, takes: float, kill) -> None:
        """Kill at a moment of the seconds that a run takes; not counted when it has ended."""
        time.sleep(max(0, run.started + self.random.uniform(0, takes) - time.monotonic()))
        late = run.process.poll() is not None
        kill()
        self.late += late
        self.count += not late

    def judge(self) -> None:
        """Compare what the bucket holds in the end: all files' names, and what can be repeated."""
        found = {n.removeprefix("out/"): it.content for n, it in self.store.objects.items()
                 if n.startswith("out/")}  # fmt: skip
        self.whole += set(found) == set(self.expected)
        other = [name for name, content in self.expected.items()
                 if name.endswith(REPEATABLE) and found.get(name) != content]  # fmt: skip
        self.identical += not other
        if other:
            print(f"    not identical: {other}", flush=True)
        told = f"{self.count} kills, {self.late} too late, {self.identical} identical"
        print(f"    {told}", flush=True)
        self.clear()


def kill_runs(trials: Trials, kills: int) -> None:
    takes = trials.start().end()
    trials.clear()
    while trials.count < kills:
        run = trials.start()
        trials.kill(run, takes, run.process.kill)
        run.end(-9, 0)
        trials.start().end()
        trials.judge()


def kill_workers(trials: Trials, kills: int) -> None:
    with _cluster() as cluster:
        trials.start(cluster.address).end()
        trials.clear()
        takes = trials.start(cluster.address).end()
        trials.clear()
        while trials.count < kills:
            run = trials.start(cluster.address)
            trials.kill(run, takes, cluster.kill_worker)
            cluster.started = [*cluster.started[1:], cluster.start_worker()]
            run.end()
            trials.judge()


def kill_schedulers(trials: Trials, kills: int) -> None:
    with _cluster() as cluster:
        takes = trials.start(cluster.address).end()
    trials.clear()
    while trials.count < kills:
        with _cluster() as cluster:
            run = trials.start(cluster.address)
            trials.kill(run, takes, cluster.kill_scheduler)
            run.end(0, 2)
        with _cluster() as cluster:
            trials.start(cluster.address).end()
        trials.judge()


def _cluster() -> DaskCluster:
    return DaskCluster(workers=2, environment={"TF_NUM_INTRAOP_THREADS": "1"})


VICTIMS = {"run": kill_runs, "worker": kill_workers, "scheduler": kill_schedulers}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("victims", nargs="*", default=list(VICTIMS), metavar="VICTIM")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--rate", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--child", metavar="OUT")
    parser.add_argument("--cluster")
    parser.add_argument("--scenes", nargs="*", default=[])
    given = parser.parse_args()
    if given.child:
        return child(given)
    wrong = 0
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        folder = Path(name)
        patch.setenv("TMPDIR", name)  # what is killed does not tidy up
        patch.setenv("GDAL_HTTP_RETRY_DELAY", "0.05")
        files = []
        for phase, slides in (("before", False), ("after", True)):
            scene = make_scene(7, shape=(SIDE, SIDE), slides=slides)
            files.append(write_scene(scene, folder, name=phase)[0])
        local = folder / "expected"
        Run(str(local), [str(f) for f in files]).end()
        expected = {str(p.relative_to(local)): p.read_bytes()
                    for p in local.rglob("*") if p.is_file()}  # fmt: skip
        print(f"kills: two scenes of {SIDE} x {SIDE}, one above the other; {len(expected)} files, "
              f"{sum(n.endswith(REPEATABLE) for n in expected)} of them compared; "
              f"{given.rate:.0%} of the store's requests fail")  # fmt: skip
        for victim in given.victims:
            with faulty_store(patch, rate=given.rate) as store:
                for path in folder.glob("*.*"):
                    store.store(path.name, path.read_bytes(), create=True, metadata={})
                trials = Trials(
                    store, [f"{store.uri}/{p.name}" for p in files], expected, given.seed
                )
                started = time.monotonic()
                VICTIMS[victim](trials, given.kills)
                print(f"  {victim:9s}  {trials.count} kills, {trials.late} more after a run's end; "
                      f"{trials.whole} results whole, "
                      f"{trials.identical} identical; {sum(store.faults.values())} of "
                      f"{store.requests} requests failed; {time.monotonic() - started:.0f} s",
                      flush=True)  # fmt: skip
                wrong += 2 * (trials.count + trials.late) - trials.whole - trials.identical
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
