"""What mapping 2, 20 and 2 000 scenes takes and costs, calculated from what was measured.

``.venv/bin/python benchmarks/scale.py [--scenes N ...] [--parallel N] [--price-cpu X]
[--price-gpu X] [--gpu-rate MPX_PER_S]`` prints the table of docs/scale.md. Nothing is run: the
figures of `MEASURED` come from single scenes, those of `ASSUMED` from nowhere but judgement.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass

SCENE_MPX = 8000 * 4000 / 1e6

MEASURED = {
    # hrgldd map of one synthetic scene of 8000 x 4000 pixels of four bands on a quiet Zen 4.
    "float32 Mpx/s on 2 cores": 2.25,
    "bfloat16 Mpx/s on 2 cores": 3.69,
    "seconds to open a scene": 0.6,
    "seconds to start the program": 7.0,
    # Mosaic, polygons, four files of the inventory, report: per scene, in one task.
    "seconds to combine a scene": 1.35,
    "MB read per scene": 161.0,
    "MB written per scene": 20.4,
    "MB of the image, compressed": 877.0,
}
ASSUMED = {
    "seconds until a new node is ready": 120.0,
    "MB/s of pulling the image": 100.0,
    "seconds of KFP and Argo per task": 20.0,
    "tasks of 2 cores per node of 8": 3.0,
}


@dataclass(frozen=True)
class Way:
    """How scenes are mapped: speed of a task, tasks per node, price of a node hour."""

    name: str
    rate: float
    tasks_per_node: float
    price: float


@dataclass(frozen=True)
class Estimate:
    """Of a run: all times in hours."""

    tasks: int
    nodes: int
    hours: float
    node_hours: float
    cost: float
    read_gb: float
    written_gb: float
    bottleneck: str


def estimate(
    way: Way, *, scenes: int, parallel: int, per_task: int = 4, combine_s: float | None = None
) -> Estimate:
    """Time and money of a run of ``map_event``.

    Args:
        way: of mapping.
        scenes: of 8000 x 4000 pixels.
        parallel: tasks at the same time at most.
        per_task: scenes of a task, one after the other.
        combine_s: seconds a scene of the last task; as measured when not given.
    """
    tasks = math.ceil(scenes / per_task)
    at_once = min(tasks, parallel)
    nodes = math.ceil(at_once / way.tasks_per_node)
    start = ASSUMED["seconds of KFP and Argo per task"] + MEASURED["seconds to start the program"]
    pull = MEASURED["MB of the image, compressed"] / ASSUMED["MB/s of pulling the image"]
    ready = ASSUMED["seconds until a new node is ready"] + pull
    scene = MEASURED["seconds to open a scene"] + SCENE_MPX / way.rate
    mapping = math.ceil(tasks / at_once) * min(scenes, per_task) * scene
    each = MEASURED["seconds to combine a scene"] if combine_s is None else combine_s
    combining = scenes * each
    starting = ready + (math.ceil(tasks / at_once) + 2) * start
    parts = {"starting": starting, "mapping": mapping, "combining (one task)": combining}
    # Nodes of the pool are paid while tasks are mapped; the last task keeps one of them.
    busy = ready + math.ceil(tasks / at_once) * start + mapping
    node_hours = (nodes * busy + combining + start) / 3600
    return Estimate(
        tasks=tasks,
        nodes=nodes,
        hours=sum(parts.values()) / 3600,
        node_hours=node_hours,
        cost=node_hours * way.price,
        read_gb=scenes * MEASURED["MB read per scene"] / 1000,
        written_gb=scenes * MEASURED["MB written per scene"] / 1000,
        bottleneck=max(parts, key=lambda part: parts[part]),
    )


def table(
    *, scenes: list[int], parallel: int, price_cpu: float, price_gpu: float, gpu_rate: float
) -> str:
    """Markdown."""
    per_node = ASSUMED["tasks of 2 cores per node of 8"]
    ways = [
        Way("CPU, float32", MEASURED["float32 Mpx/s on 2 cores"], per_node, price_cpu),
        Way("CPU, bfloat16", MEASURED["bfloat16 Mpx/s on 2 cores"], per_node, price_cpu),
        Way(f"GPU at {gpu_rate:g} Mpx/s (assumed)", gpu_rate, 1, price_gpu),
    ]
    lines = [
        (
            "| scenes | mapped on | tasks | nodes | time | node hours | cost | read | written "
            "| bottleneck |"
        ),
        "|---:|---|---:|---:|---:|---:|---:|---:|---:|---|",
    ]
    for count in scenes:
        for way in ways:
            it = estimate(way, scenes=count, parallel=parallel)
            lines.append(
                f"| {count} | {way.name} | {it.tasks} | {it.nodes} | {it.hours * 60:.0f} min "
                f"| {it.node_hours:.2f} | {it.cost:.2f} | {it.read_gb:.1f} GB "
                f"| {it.written_gb:.1f} GB | {it.bottleneck} |"
            )
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenes", type=int, nargs="+", default=[2, 20, 2000])
    parser.add_argument("--parallel", type=int, default=8, help="tasks at the same time")
    parser.add_argument("--price-cpu", type=float, default=0.4, help="of an hour of a CPU node")
    parser.add_argument("--price-gpu", type=float, default=1.0, help="of an hour of a GPU node")
    parser.add_argument(
        "--gpu-rate", type=float, default=60.0, help="Mpx/s of a GPU: an assumption"
    )
    print(table(**vars(parser.parse_args())))


if __name__ == "__main__":
    main()
