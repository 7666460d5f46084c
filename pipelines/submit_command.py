"""``hrgldd pipeline submit``."""

from __future__ import annotations

import re
from typing import Any

import click

from hrgldd_core.commands.options import json_option
from hrgldd_core.console import emit, say

__all__ = ["submit"]

_EXIT = {"done": 0, "incomplete": 3, "failed": 1}
_UNITS = {"s": 1, "m": 60, "h": 3600}


class _Duration(click.ParamType[float]):
    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", str(value))
        if not found:
            self.fail(f"{value!r} is no duration; write 90s, 30m or 6h", param, ctx)
        return float(found[1]) * _UNITS[found[2]]


@click.command()
@click.argument("name")
@click.argument("arguments", nargs=-1, metavar="KEY=VALUE...")
@click.option("--endpoint", help="Address of the KFP API  [KF_PIPELINES_ENDPOINT, or in-cluster]")
@click.option("--experiment", default="hrgldd", show_default=True, help="Experiment of the run.")
@click.option(
    "--namespace",
    default="hrgldd",
    show_default=True,
    help="Namespace of the run; '' where KFP has no users.",
)
@click.option(
    "--service-account", default="hrgldd-pipeline", show_default=True, help="That its pods run as."
)
@click.option(
    "--token-file",
    type=click.Path(),
    help="File with a bearer token, read anew for each request  [HRGLDD_KFP_TOKEN: the token]",
)
@click.option("--iap-client-id", help="OAuth client id of the Identity-Aware Proxy before KFP.")
@click.option("--ca-cert", type=click.Path(), help="Certificates to trust  [the public ones]")
@click.option("--wait", "waits", is_flag=True, help="Wait for the end, and print the outputs.")
@click.option("--timeout", type=_Duration(), help="Longest wait: 90s, 30m, 6h  [none]")
@click.option(
    "--every", type=_Duration(), default="10s", show_default=True, help="Between two looks."
)
@json_option
def submit(
    *,
    name: str,
    arguments: tuple[str, ...],
    experiment: str,
    service_account: str,
    waits: bool,
    timeout: float | None,
    every: float,
    as_json: bool,
    endpoint: str | None,
    **access: Any,
) -> None:
    """Start NAME, a pipeline or a compiled package file, on a Kubeflow Pipelines cluster.

    Exit codes: 0 started or, with --wait, done; 1 the run failed; 2 refused, and nothing was
    started, or the wait was cut off; 3 the result is incomplete, or --timeout has passed.
    """
    from hrgldd_core.outcome import outcome_text
    from pipelines.kfp_api import Endpoint, KfpApi
    from pipelines.submit import conclude, read_package, start, wait

    package = read_package(name, arguments)
    api = KfpApi(Endpoint(host=endpoint, **access))
    run_id = start(api, package, experiment=experiment, service_account=service_account)
    for image in package.unpinned:
        say(f"WARNING: the image is {image!r}, not pinned by digest: set HRGLDD_IMAGE")
    url = api.run_url(run_id)
    document: dict[str, Any] = {"run_id": run_id, "url": url, "status": "started"}
    if not waits:
        emit(document, as_json=as_json, text=url)
        return
    say(url)
    try:
        state = wait(api, run_id, timeout=timeout, every=every, tell=say)
    except KeyboardInterrupt:
        say(f"hrgldd: no longer waiting; the run goes on: {url}")
        raise SystemExit(130) from None
    document["state"] = state.state
    if not state.ended:
        document["status"] = "running"
        text = f"still {state.state}: the run goes on\n  {url}"
        emit(document, as_json=as_json, text=text)
        raise SystemExit(3)
    outcome = conclude(package, state)
    if outcome is None:
        document["status"] = "done" if state.state == "SUCCEEDED" else "failed"
        text = f"{state.state}; the result could not be read from here, so whether it is complete"
        text += f" is in the run's summary\n  {url}"
    else:
        document |= outcome.model_dump()
        text = f"{outcome_text(outcome)}\n  run        {url}"
    emit(document, as_json=as_json, text=text)
    raise SystemExit(_EXIT[document["status"]])
