"""Keras and its backend, imported without the lines that TensorFlow prints.

Whatever needs Keras imports it from here. TensorFlow's C++ side writes to the file descriptor
before its log level is read, so neither ``TF_CPP_MIN_LOG_LEVEL`` nor ``sys.stderr`` can silence
it; what it wrote is shown only if the import fails.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

# Before TensorFlow, whose SQLite has no R-trees and would be taken for that of the GDAL in pyogrio:
# GeoPackages would have no spatial index.
import pyogrio  # noqa: F401

__all__ = ["KerasTensor", "keras", "layers", "ops"]

# TensorFlow leaves oneDNN off where a processor lacks AVX-512: there a model takes twice the time.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


@contextmanager
def _quiet() -> Iterator[None]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as noise:
        os.dup2(noise.fileno(), 2)
        try:
            yield
        except BaseException:
            noise.seek(0)
            os.write(kept, noise.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


with _quiet():
    import keras
    from keras import KerasTensor, layers, ops

    # The backend says its piece when it first computes.
    ops.zeros(1)
