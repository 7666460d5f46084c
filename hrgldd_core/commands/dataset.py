"""``hrgldd dataset``: a group whose commands are imported when they are called."""

from __future__ import annotations

import importlib

import click

__all__ = ["dataset"]

_COMMANDS = {
    "build": "hrgldd_core.commands.dataset_build:build",
    "fetch": "hrgldd_core.commands.dataset_fetch:fetch",
    "stats": "hrgldd_core.commands.dataset_stats:stats",
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command


@click.group(cls=_Commands)
def dataset() -> None:
    """Data sets of patches: fetch, build, describe."""
