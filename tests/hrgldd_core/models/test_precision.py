import os
import subprocess
import sys

import pytest

from hrgldd_core.models import precision
from hrgldd_core.models.precision import has_bfloat16, keras_policy

FIRST = "import os, hrgldd_core.models.backend; print(os.environ['TF_ENABLE_ONEDNN_OPTS'])"


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("flags\t\t: fpu avx2 avx512f avx512_bf16", "mixed_bfloat16"),
        ("flags\t\t: fpu avx2 amx_bf16 amx_tile", "mixed_bfloat16"),
        ("flags\t\t: fpu avx2 fma", "float32"),
        ("Features\t: fp asimd bf16", "float32"),
    ],
)
def test_auto_is_bfloat16_where_a_processor_has_it(tmp_path, monkeypatch, flags, expected):
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\n{flags}\n")
    found = precision._cpu_flags(tmp_path / "cpuinfo")
    monkeypatch.setattr(precision, "_cpu_flags", lambda: found)
    assert keras_policy("auto") == expected
    assert has_bfloat16() == (expected != "float32")


def test_what_is_said_outright_is_taken():
    assert keras_policy("float32") == "float32"
    assert keras_policy("mixed_bfloat16") == "mixed_bfloat16"


def test_no_processor_to_read_of_is_one_without(tmp_path):
    assert precision._cpu_flags(tmp_path / "nothing") == set()


@pytest.mark.parametrize(("said", "expected"), [({}, "1"), ({"TF_ENABLE_ONEDNN_OPTS": "0"}, "0")])
def test_onednn_is_on_unless_told_otherwise(said, expected):
    environment = {k: v for k, v in os.environ.items() if k != "TF_ENABLE_ONEDNN_OPTS"} | said
    words = [sys.executable, "-c", FIRST]
    found = subprocess.run(words, env=environment, check=True, capture_output=True, text=True)
    assert found.stdout.strip() == expected
