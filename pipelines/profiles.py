"""The profile file: on what nodes the steps of a pipeline run, and how often they are tried."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hrgldd_core.errors import InputError

__all__ = ["Gpu", "Profile", "Profiles", "Retry", "Step", "amount", "read_profiles", "seconds"]

_STRICT = ConfigDict(extra="forbid", frozen=True)
_DEFAULT = Path(__file__).with_name("profiles.yaml")
_UNITS = {"m": 1e-3, "": 1.0, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
_SECONDS = {"s": 1, "m": 60, "h": 3600}

Cpu = Annotated[str, Field(pattern=r"^(\d+(\.\d+)?|\d+m)$", examples=["500m", "4"])]
Bytes = Annotated[str, Field(pattern=r"^\d+(\.\d+)?(Ki|Mi|Gi|Ti)$", examples=["8Gi"])]
Duration = Annotated[str, Field(pattern=r"^[1-9]\d*[smh]$", examples=["30s", "15m", "6h"])]
Label = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?$")]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([\w./-]*[A-Za-z0-9])?$", max_length=317)]


def amount(quantity: str) -> float:
    """A Kubernetes quantity (``500m``, ``4``, ``8Gi``) as a number of cores or bytes."""
    digits = quantity.rstrip("mKMGTi")
    return float(digits) * _UNITS[quantity[len(digits) :]]


def seconds(duration: str) -> int:
    """``90s``, ``15m`` or ``6h`` in seconds."""
    return int(duration[:-1]) * _SECONDS[duration[-1]]


class Toleration(BaseModel):
    """A taint that a pod may be put beside."""

    model_config = _STRICT

    key: Name
    operator: Literal["Equal", "Exists"] = "Equal"
    value: str | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None


class CpuRange(BaseModel):
    """Cores that are set aside, and cores at most."""

    model_config = _STRICT

    request: Cpu
    limit: Cpu

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        _check_order(self.request, self.limit)
        return self


class MemoryRange(BaseModel):
    """Memory that is set aside, and memory at most."""

    model_config = _STRICT

    request: Bytes
    limit: Bytes

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        _check_order(self.request, self.limit)
        return self


class Gpu(BaseModel):
    """Accelerators of a profile."""

    model_config = _STRICT

    count: int = Field(1, ge=1, le=16)
    type: Label | None = Field(None, description="value of the accelerator's node label")


class Profile(BaseModel):
    """What a pod gets, and where it is put."""

    model_config = _STRICT

    cpu: CpuRange
    memory: MemoryRange
    scratch: Bytes = Field(description="most that is written below /tmp")
    gpu: Gpu | None = None
    spot: bool = Field(False, description="on nodes that may be taken away at any time")
    node_selector: dict[Name, str] = {}
    tolerations: tuple[Toleration, ...] = ()
    priority: Label | None = Field(None, description="Kueue's WorkloadPriorityClass")
    queue: Label | None = Field(None, description="Kueue's LocalQueue")


class Retry(BaseModel):
    """How a failed step is tried again."""

    model_config = _STRICT

    times: int = Field(ge=1, le=20)
    wait: Duration = Field(description="before the first time")
    factor: float = Field(2.0, ge=1, le=10, description="by which the wait grows each time")
    within: Duration = Field(description="of the first try's start; not tried again after that")


class Step(BaseModel):
    """A step of the pipelines."""

    model_config = _STRICT

    profile: str
    time_limit: Duration
    parallel: int = Field(1, ge=1, le=500, description="most at a time, of steps that fan out")
    retry: Retry | None = None
    no_retry: str = Field("", description="why it is not tried again")

    @model_validator(mode="after")
    def _stated(self) -> Self:
        if (self.retry is None) == (not self.no_retry.strip()):
            raise ValueError("give either retry, or no_retry with the reason")
        # Argo counts from the start of the first try, which may itself last this long.
        if self.retry and seconds(self.retry.within) <= seconds(self.time_limit):
            raise ValueError(
                f"retry.within {self.retry.within} leaves no time after one try ({self.time_limit})"
            )
        return self


class SpotNodes(BaseModel):
    """What ``spot: true`` adds to a profile."""

    model_config = _STRICT

    node_selector: dict[Name, str] = {}
    tolerations: tuple[Toleration, ...] = ()


class GpuNodes(BaseModel):
    """What ``gpu`` adds to a profile."""

    model_config = _STRICT

    resource: Name = "nvidia.com/gpu"
    node_label: Name
    tolerations: tuple[Toleration, ...] = ()


class Profiles(BaseModel):
    """The file."""

    model_config = _STRICT

    spot: SpotNodes = SpotNodes()
    gpu: GpuNodes
    profiles: dict[Label, Profile] = Field(min_length=1)
    steps: dict[str, Step]

    @model_validator(mode="after")
    def _known(self) -> Self:
        for name, step in self.steps.items():
            if step.profile not in self.profiles:
                known = ", ".join(sorted(self.profiles))
                raise ValueError(f"steps.{name}: no profile {step.profile!r}, but {known}")
        return self

    def selector(self, profile: Profile) -> dict[str, str]:
        """All node labels that a profile asks for."""
        spot = self.spot.node_selector if profile.spot else {}
        of_gpu = profile.gpu.type if profile.gpu else None
        gpu = {self.gpu.node_label: of_gpu} if of_gpu else {}
        return {**spot, **gpu, **profile.node_selector}

    def tolerations(self, profile: Profile) -> tuple[Toleration, ...]:
        """All taints that a profile's pods may be put beside."""
        spot = self.spot.tolerations if profile.spot else ()
        gpu = self.gpu.tolerations if profile.gpu else ()
        return (*gpu, *spot, *profile.tolerations)


def _check_order(request: str, limit: str) -> None:
    if amount(request) > amount(limit):
        raise ValueError(f"request {request} is more than limit {limit}")


def read_profiles(path: str | None = None) -> Profiles:
    """The profiles of a file; of the one that ``HRGLDD_PROFILES`` names, or the package's own.

    Raises:
        InputError: naming the file and the field.
    """
    file = Path(path or os.environ.get("HRGLDD_PROFILES") or _DEFAULT)
    try:
        document = yaml.safe_load(file.read_bytes())
        if not isinstance(document, dict):
            raise InputError("is not a mapping", where=str(file), remedy=_REMEDY)
        return Profiles(**document)
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
    except (yaml.YAMLError, UnicodeDecodeError, TypeError) as error:
        problem = f"is not YAML ({' '.join(str(error).split())})"
    except ValidationError as error:
        problem = "; ".join(_words(e) for e in error.errors()[:3])
    raise InputError(problem, where=str(file), remedy=_REMEDY)


_REMEDY = "docs/pipelines.md describes the fields; HRGLDD_PROFILES names the file"


def _words(error: Any) -> str:
    field = ".".join(str(part) for part in error["loc"])
    problem = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        problem = "unknown field"
    elif error["type"] == "missing":
        problem = "is missing"
    elif error["type"] == "string_pattern_mismatch":
        problem = f"{error['input']!r} is no such thing"
    return f"{field}: {problem}" if field else problem
