"""A disk that is full: one message, no result that looks whole, and a run that goes on later."""

from __future__ import annotations

import subprocess

import pytest

from tests.support import CONSOLE, ROOT, texture, write_raster


@pytest.mark.parametrize("kilobytes", [1, 40, 150, 400])
def test_no_room(tmp_path, bright_model, kilobytes):
    """A largest file size stands in for a full disk: every write beyond it fails the same way."""
    scene = write_raster(tmp_path / "s.tif", texture((400, 400)))
    out = tmp_path / "out"
    words = [*map(str, CONSOLE), "map", "--scene", str(scene), "--bands", "blue,green,red",
             "--model", str(bright_model), "--out", str(out)]  # fmt: skip
    limited = f"trap '' XFSZ; ulimit -f {kilobytes}; exec \"$@\""
    full = subprocess.run(
        ["bash", "-c", limited, "bash", *words],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert full.returncode == 2, full.stderr
    last = full.stderr.splitlines()[-1]
    assert last.startswith("hrgldd: ")
    assert "cannot be written" in last
    assert "free space" in last
    assert "Traceback" not in full.stderr
    assert not (out / "collection.json").exists()
    again = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert (out / "collection.json").exists()
