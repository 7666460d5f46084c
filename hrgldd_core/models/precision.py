"""In which precision a device computes fast."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

__all__ = ["has_bfloat16", "keras_policy"]

_CPU_FLAGS = {"avx512_bf16", "amx_bf16"}
# Ampere is the first generation of NVIDIA's GPUs that has it.
_GPU_CAPABILITY = 8


def keras_policy(precision: Literal["auto", "float32", "mixed_bfloat16"]) -> str:
    """Keras' dtype policy: ``auto`` is ``mixed_bfloat16`` where the device has it."""
    if precision == "auto":
        return "mixed_bfloat16" if has_bfloat16() else "float32"
    return precision


def has_bfloat16() -> bool:
    """Whether the device that Keras uses has instructions for bfloat16.

    A processor without them takes 6 times (mapping) to 15 times (training) as long as in float32.
    """
    from hrgldd_core.models.backend import keras

    if not keras.distribution.list_devices("gpu"):
        return bool(_CPU_FLAGS & _cpu_flags())
    return _gpu_capability(keras.backend.backend()) >= _GPU_CAPABILITY


def _cpu_flags(cpuinfo: Path = Path("/proc/cpuinfo")) -> set[str]:
    """Instruction sets of an x86 processor under Linux; none elsewhere, where none was measured."""
    if not cpuinfo.exists():
        return set()
    lines = cpuinfo.read_text().splitlines()
    return set(next((line.split() for line in lines if line.startswith("flags")), ()))


def _gpu_capability(backend: str) -> int:
    """Generation of the first GPU, as CUDA counts them."""
    if backend == "tensorflow":
        import tensorflow as tf

        details = tf.config.experimental.get_device_details(
            tf.config.list_physical_devices("GPU")[0]
        )
        return int(details.get("compute_capability", (0,))[0])
    if backend == "jax":
        import jax

        return int(float(getattr(jax.devices()[0], "compute_capability", 0)))
    import torch

    return int(torch.cuda.get_device_capability()[0])
