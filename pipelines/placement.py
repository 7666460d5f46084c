"""What the profile file says, applied to a task."""

from __future__ import annotations

from functools import cache

from kfp import dsl, kubernetes

from components.image import GPU_IMAGE
from hrgldd_core.errors import InputError
from pipelines.profiles import Profiles, Step, read_profiles, seconds

__all__ = ["at_once", "place"]

QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
PRIORITY_LABEL = "kueue.x-k8s.io/priority-class"
_SCRATCH = "/tmp"  # noqa: S108 - in the container, where the image keeps HOME and TMPDIR


@cache
def _profiles() -> Profiles:
    return read_profiles()


def _step(name: str) -> Step:
    steps = _profiles().steps
    if name not in steps:
        raise InputError(f"no step {name!r} in the profiles", remedy="Add it to `steps`")
    return steps[name]


def at_once(name: str) -> int:
    """How many of a step run at a time where a pipeline fans out.

    Raises:
        InputError: when the profile file is wrong, or does not know the step.
    """
    return _step(name).parallel


def place(task: dsl.PipelineTask) -> dsl.PipelineTask:
    """Give a task the resources, nodes, time limit and retries of its step's profile.

    KFP's step cache is off: it knows names, parameters and the image, not what lies behind a URI;
    what is finished is for the steps to see, by checksums.

    Raises:
        InputError: when the profile file is wrong, or does not know the step.
    """
    profiles = _profiles()
    step = _step(task.component_spec.name.replace("-", "_"))
    profile = profiles.profiles[step.profile]
    task.set_cpu_request(profile.cpu.request).set_cpu_limit(profile.cpu.limit)
    task.set_memory_request(profile.memory.request).set_memory_limit(profile.memory.limit)
    if profile.gpu:
        task.set_accelerator_type(profiles.gpu.resource)
        task.set_accelerator_limit(profile.gpu.count)
        task.set_container_image(GPU_IMAGE)
    for key, value in profiles.selector(profile).items():
        kubernetes.add_node_selector(task, key, value)
    for toleration in profiles.tolerations(profile):
        kubernetes.add_toleration(task, **toleration.model_dump(exclude_none=True))
    # KFP sets no priorityClassName: Kueue's label is the priority that it can give.
    for key, label in ((QUEUE_LABEL, profile.queue), (PRIORITY_LABEL, profile.priority)):
        if label:
            kubernetes.add_pod_label(task, key, label)
    kubernetes.empty_dir_mount(task, "scratch", _SCRATCH, size_limit=profile.scratch)
    kubernetes.set_security_context(task, run_as_non_root=True)
    _repeat(task, step)
    return task.set_caching_options(enable_caching=False)


def _repeat(task: dsl.PipelineTask, step: Step) -> None:
    kubernetes.set_timeout(task, seconds(step.time_limit))
    if step.retry:
        task.set_retry(
            num_retries=step.retry.times,
            backoff_duration=f"{seconds(step.retry.wait)}s",
            backoff_factor=step.retry.factor,
            backoff_max_duration=f"{seconds(step.retry.within)}s",
        )
