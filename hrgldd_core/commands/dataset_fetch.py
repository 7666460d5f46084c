"""``hrgldd dataset fetch``."""

from __future__ import annotations

import click

from hrgldd_core.commands.options import json_option
from hrgldd_core.console import emit, progress_bar

__all__ = ["fetch"]


@click.command()
@click.argument("name", type=click.Choice(["hr-gldd"]))
@click.option("--out", required=True, help="Local folder for the arrays.")
@click.option(
    "--record-url",
    envvar="HRGLDD_RECORD_URL",
    help="API address of the record or of a mirror  [Zenodo's, 7189381]",
)
@json_option
def fetch(*, name: str, out: str, record_url: str | None, as_json: bool) -> None:  # noqa: ARG001
    """Fetch a published data set: the arrays of HR-GLDD.

    What an interrupted call has fetched is gone on with, and what is there is verified and not
    fetched again.
    """
    from hrgldd_core.dataset.fetch import fetch_hr_gldd
    from hrgldd_core.dataset.record import HR_GLDD_RECORD

    with progress_bar() as progress:
        result = fetch_hr_gldd(out, record_url=record_url or HR_GLDD_RECORD, progress=progress)
    lines = [f"  {f['name']:<10} {f['size'] / 1e6:8.1f} MB  {f['how']}" for f in result["files"]]
    lines += [
        f"  {split:<10} {found['patches']} patches, {tuple(found['shape'])} {found['dtype']}"
        for split, found in result["splits"].items()
    ]
    emit(result, as_json=as_json, text="\n".join([*lines, f"  data       {out}"]))
