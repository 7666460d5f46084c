"""Starting Keras and its backend without the lines that TensorFlow prints on import."""

from __future__ import annotations

import os
import sys
import tempfile
from functools import cache

__all__ = ["start_keras"]


@cache
def start_keras() -> None:
    """Import Keras once; what was printed meanwhile is shown only if the import fails.

    TensorFlow's C++ side writes to the file descriptor before its log level is read, so neither
    ``TF_CPP_MIN_LOG_LEVEL`` nor Python's ``sys.stderr`` can silence it.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as noise:
        os.dup2(noise.fileno(), 2)
        try:
            import keras

            # The backend says its piece when it first computes.
            keras.ops.zeros(1)
        except BaseException:
            noise.seek(0)
            os.write(kept, noise.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
