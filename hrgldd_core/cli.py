"""The ``hrgldd`` command: options in, one function called, result out."""

from __future__ import annotations

import importlib
import importlib.metadata
import tempfile
import warnings
from errno import EDQUOT, EFBIG, ENOSPC, EROFS
from typing import Any

import click

from hrgldd_core import __version__
from hrgldd_core.console import Terminated, ending_on_sigterm, fail, say
from hrgldd_core.errors import HrglddError, OutputError

__all__ = ["main"]

# Modules are imported when their command is called: `hrgldd --help` answers at once.
_COMMANDS = {
    "dataset": "hrgldd_core.commands.dataset:dataset",
    "doctor": "hrgldd_core.commands.doctor:doctor",
    "evaluate": "hrgldd_core.commands.evaluate:evaluate",
    "map": "hrgldd_core.commands.map:map_command",
    "sweep": "hrgldd_core.commands.sweep:sweep",
    "train": "hrgldd_core.commands.train:train",
}

_FULL = (EDQUOT, EFBIG, ENOSPC, EROFS)
_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class _Commands(click.Group):
    """Commands of this package and those that others add (entry point ``hrgldd.commands``)."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        added = (entry.name for entry in importlib.metadata.entry_points(group="hrgldd.commands"))
        return sorted({*_COMMANDS, *added})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name in _COMMANDS:
            module, _, name = _COMMANDS[cmd_name].partition(":")
            command: click.Command = getattr(importlib.import_module(module), name)
            return command
        for entry in importlib.metadata.entry_points(group="hrgldd.commands", name=cmd_name):
            loaded: click.Command = entry.load()
            return loaded
        return None

    def invoke(self, ctx: click.Context) -> Any:
        # Rasters without a place are refused as an error with a remedy. rasterio 1.4 hides these
        # warnings of its own rasters in memory in a way that lets them through from two threads.
        warnings.filterwarnings("ignore", "Dataset has no geotransform")
        warnings.filterwarnings("ignore", "The given matrix is equal to Affine.identity")
        try:
            with ending_on_sigterm():
                return super().invoke(ctx)
        except HrglddError as error:
            fail(error)
        except OSError as error:
            if error.errno not in _FULL:
                raise
            where = str(error.filename or tempfile.gettempdir())
            remedy = "Check the free space there, or name another temporary folder in TMPDIR"
            fail(OutputError(f"cannot be written ({error.strerror})", where=where, remedy=remedy))
        except Terminated:
            say("hrgldd: terminated; repeat the command to go on")
            raise SystemExit(143) from None
        except KeyboardInterrupt:
            say("hrgldd: interrupted; repeat the command to go on")
            raise SystemExit(130) from None


@click.group(cls=_Commands, context_settings=_SETTINGS)
@click.version_option(__version__, prog_name="hrgldd")
def main() -> None:
    """Map landslides from high-resolution satellite scenes."""
