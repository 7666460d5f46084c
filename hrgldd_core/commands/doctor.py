"""``hrgldd doctor``."""

from __future__ import annotations

import click

from hrgldd_core.commands.options import json_option
from hrgldd_core.console import emit, say

__all__ = ["doctor"]


@click.command()
@click.option("--bucket", default="", help="URI prefix to make, read and delete an object below.")
@click.option("--stac", default="", help="STAC API, catalogue or file of items to ask.")
@click.option("--model", default="bundled", show_default=True, help="Model folder or URI to try.")
@click.option("--work", default=".", show_default=True, help="Folder that has to be writable.")
@click.option("--gpu", is_flag=True, help="Fail when the framework sees no GPU.")
@json_option
def doctor(*, as_json: bool, bucket: str, stac: str, model: str, work: str, gpu: bool) -> None:
    """Is this installation able to work? Exit code 0: yes; 2: no, with what to do."""
    from hrgldd_core.doctor import examine

    findings = []
    for finding in examine(bucket=bucket, stac=stac, model=model, work=work, gpu=gpu):
        findings.append(finding)
        say(finding.text())
    problems = [f.name for f in findings if f.status == "failed"]
    text = f"not able to work: {', '.join(problems)}" if problems else "able to work"
    document = {
        "ok": not problems,
        "problems": problems,
        "findings": [f.document() for f in findings],
    }
    emit(document, as_json=as_json, text=text)
    if problems:
        raise SystemExit(2)
