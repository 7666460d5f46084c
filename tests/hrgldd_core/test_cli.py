"""The command itself: what it prints where, how it ends, and that help comes at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.support import CONSOLE, hrgldd

HEAVY = ("tensorflow", "keras", "kfp", "geopandas", "pandas", "rasterio", "pystac", "scipy", "rich")


def test_help_loads_nothing_heavy():
    code = "import sys\nfrom hrgldd_core.cli import main\ntry: main(['--help'])\n"
    code += f"except SystemExit: print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "[]"
    for command in ("map", "train", "evaluate", "pipeline"):
        assert f"\n  {command}" in done.stdout


@pytest.mark.parametrize("command", ["map", "train", "evaluate", "pipeline", "pipeline compile"])
def test_every_command_explains_its_options(command):
    done = hrgldd(*command.split(), "--help")
    assert done.code == 0
    assert done.err == ""
    text = done.out.split("Options:")[1]
    for line in text.splitlines():
        if line.startswith("  -"):
            assert "  " in line.strip() or line.strip() in text


def test_version():
    from hrgldd_core import __version__

    assert __version__ in hrgldd("--version").out


@pytest.mark.parametrize("words", [["fly"], ["map"], ["map", "--scene", "a.tif"], ["map", "--x"]])
def test_wrong_usage(words):
    done = hrgldd(*words)
    assert done.code == 2
    assert "Traceback" not in done.err
    assert "Usage: " in done.err


@pytest.mark.parametrize(
    ("sent", "code", "word"), [(signal.SIGTERM, 143, "terminated"), (signal.SIGINT, 130, "interr")]
)
def test_signals_are_answered(tmp_path, monkeypatch, sent, code, word):
    """Kubernetes sends SIGTERM before it kills."""
    from hrgldd_core.dataset import fetch

    before = signal.getsignal(signal.SIGTERM)
    # In a shell's background it would be ignored.
    interrupted = signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.setattr(fetch, "fetch_hr_gldd", lambda *_, **__: os.kill(os.getpid(), sent))
    try:
        done = hrgldd("dataset", "fetch", "hr-gldd", "--out", tmp_path / "out")
    finally:
        signal.signal(signal.SIGINT, interrupted)
    assert done.code == code
    assert done.err.startswith(f"hrgldd: {word}")
    assert "repeat the command" in done.err
    assert signal.getsignal(signal.SIGTERM) == before


def _console(*words, **options):
    return subprocess.run(
        [*CONSOLE, *map(str, words)], capture_output=True, text=True, check=False, **options
    )


def test_refusal_of_the_installed_command(tmp_path):
    done = _console("map", "--scene", tmp_path / "absent.tif", "--out", tmp_path / "out")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == f"hrgldd: {tmp_path}/absent.tif: no such file. Check the path.\n"
    assert list(tmp_path.iterdir()) == []


def test_run_of_the_installed_command_is_quiet(mapped):
    # Warnings of libraries and TensorFlow's own lines are nobody's business.
    done = _console(*mapped.words)
    assert done.returncode == 0
    assert json.loads(done.stdout)["reused"] is True
    assert done.stdout.count("\n") == 1
    assert "Warning" not in done.stderr


def test_mapping_with_the_installed_command(plain_scene, bright_model, tmp_path):
    done = _console(
        "map", "--scene", plain_scene, "--bands", "blue,green,red", "--model", bright_model,
        "--out", "out", "--json", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["out"] == str(tmp_path / "out")
    progress, event, *figures = done.stderr.splitlines()
    assert (progress, event) == ("plain: done (1)", "plain")
    assert all(line.startswith("  ") for line in figures)
    assert {p.name for p in tmp_path.iterdir()} == {"out"}
