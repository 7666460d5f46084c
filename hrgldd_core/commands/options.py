"""Options that several commands share."""

from __future__ import annotations

import click

__all__ = ["json_option", "out_option"]

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print the result as one JSON line on standard output."
)
out_option = click.option("--out", required=True, help="Folder or URI prefix for the result.")
