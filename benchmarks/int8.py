"""The bundled model in 8 bits beside float32: accuracy on real patches, and speed; one run.

``.venv/bin/python benchmarks/int8.py [--patches FILE]``; needs ``pip install openvino nncf``, which
nothing else here does (docs/decisions/0012-no-int8.md). Every second patch calibrates the
quantisation, the others judge it.
"""

from __future__ import annotations

import argparse
import time

import nncf
import numpy as np
import openvino

from hrgldd_core.mapping.runtime import open_runtime
from hrgldd_core.models.fold import folded
from hrgldd_core.models.store import open_model
from hrgldd_core.normalise import band_statistics

SIDE, PATCH = 1024, 128


def openvino_model(stored, side: int):
    model = folded(stored, policy="float32")
    # After Keras, whose import here switches oneDNN on.
    import tensorflow as tf

    forward = tf.function(
        lambda x: model(x, training=False)[..., 0],
        input_signature=[tf.TensorSpec((1, side, side, len(stored.spec.bands)), tf.float32)],
        jit_compile=False,
    )
    return openvino.convert_model(forward.get_concrete_function())


def runner(model):
    request = openvino.compile_model(model, "CPU").create_infer_request()
    return lambda x: np.array(request.infer({0: x})[0])


def quantised(model, inputs):
    return nncf.quantize(model, nncf.Dataset(list(inputs)), subset_size=len(inputs))


def accuracy(stored, x, labels) -> None:
    model = openvino_model(stored, PATCH)
    kinds = {"float32": model, "int8": quantised(model, x[::2, None])}
    judged, truth = x[1::2], labels[1::2]
    p = {}
    for name, made in kinds.items():
        run = runner(made)
        p[name] = np.concatenate([run(patch[None]) for patch in judged])
        found = p[name] >= stored.spec.threshold
        tp, wrong = (found & truth).sum(), (found != truth).sum()
        print(f"  {name:8s} F1 {2 * tp / (2 * tp + wrong):.4f} on {len(judged)} patches")
    levels = {name: np.rint(v * 250) for name, v in p.items()}
    d = np.abs(levels["float32"] - levels["int8"])
    found = {name: v >= stored.spec.threshold for name, v in p.items()}
    other = (found["float32"] != found["int8"]).sum() / found["float32"].sum()
    print(f"  levels of 250: {(d > 1).mean():.2%} of the pixels beyond one, 99.9 % within "
          f"{np.percentile(d, 99.9):.0f}, at most {d.max():.0f}; pixels decided otherwise: "
          f"{other:.1%} of those of landslides")  # fmt: skip


def speed(stored, x) -> None:
    per_side = SIDE // PATCH
    mosaics = [
        x[i : i + per_side**2].reshape(per_side, per_side, PATCH, PATCH, -1)
        .swapaxes(1, 2).reshape(1, SIDE, SIDE, -1)
        for i in range(0, len(x) - per_side**2 + 1, per_side**2)
    ]  # fmt: skip
    model = openvino_model(stored, SIDE)
    kinds = {
        "TensorFlow float32": open_runtime(stored),
        "TensorFlow bfloat16": open_runtime(stored, precision="bfloat16"),
        "OpenVINO float32": runner(model),
        "OpenVINO int8": runner(quantised(model, mosaics)),
    }
    best = dict.fromkeys(kinds, np.inf)
    for turn in range(5):
        for name, run in kinds.items():
            started = time.process_time()
            run(mosaics[0])
            if turn:
                best[name] = min(best[name], time.process_time() - started)
    for name, seconds in best.items():
        ratio = best["TensorFlow float32"] / seconds
        print(f"  {name:20s} {seconds:.2f} s of CPU for a window of {SIDE}: ratio {ratio:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--patches", default="../shared/data/hrgldd/patches_dev.npz")
    given = parser.parse_args()
    stored = open_model()
    with np.load(given.patches) as data:
        images, labels = data["X"][..., :3], data["Y"].reshape(-1, PATCH, PATCH) > 0
    x = np.stack([stored.spec.normalisation.apply(i, band_statistics(i.reshape(-1, 3)))
                  for i in images])  # fmt: skip
    print(f"int8: {len(x)} patches of {given.patches.rsplit('/', 1)[-1]}")
    accuracy(stored, x, labels)
    speed(stored, x)


if __name__ == "__main__":
    main()
