"""The KFP API (v2beta1) for submitters: patient with what passes, clear about refusals."""

from __future__ import annotations

import json
import os
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from hrgldd_core.errors import InputError

__all__ = ["Endpoint", "KfpApi", "RunState"]

_IN_CLUSTER = "http://ml-pipeline.kubeflow.svc.cluster.local:8888"
_TOKEN_ENV = "HRGLDD_KFP_TOKEN"  # noqa: S105 - the name of a variable
_PROJECTED = Path("/var/run/secrets/kubeflow/pipelines/token")
_SECONDS = (10, 60)
_ENDED = {"SUCCEEDED", "FAILED", "CANCELED", "SKIPPED"}
_RENEW = (
    "Renew it and repeat: --token-file or HRGLDD_KFP_TOKEN; KFP wants the audience "
    "pipelines.kubeflow.org (kubectl create token), IAP its --iap-client-id"
)


@dataclass(frozen=True)
class Endpoint:
    """Where the API is and who asks.

    Attributes:
        host: address; that of the cluster this runs in otherwise.
        namespace: of the runs; empty for a KFP without users, which knows none.
        token_file: read again for each request, as tokens are renewed.
        iap_client_id: OAuth client of the Identity-Aware Proxy before the API.
        ca_cert: file with the certificates to trust instead of the public ones.
    """

    host: str | None = None
    namespace: str = "hrgldd"
    token_file: str | None = None
    iap_client_id: str | None = None
    ca_cert: str | None = None


@dataclass(frozen=True)
class RunState:
    """What the API says of a run.

    Attributes:
        state: such as RUNNING, SUCCEEDED, FAILED.
        tasks: state of each step by its name; of steps that run many times, of each.
        error: what the API says went wrong.
    """

    state: str
    tasks: tuple[tuple[str, str], ...] = ()
    error: str = ""

    @property
    def ended(self) -> bool:
        """Nothing more will happen."""
        return self.state in _ENDED


class KfpApi:
    """A connection; nothing is asked before the first call."""

    def __init__(self, endpoint: Endpoint, *, pause: float = 1.0) -> None:
        """Choose credentials.

        Args:
            endpoint: what to connect to.
            pause: seconds before a failed request is repeated; doubled each time.

        Raises:
            InputError: when it is not known where the API is, or the token cannot be read.
        """
        self.host = (endpoint.host or os.environ.get("KF_PIPELINES_ENDPOINT") or "").rstrip("/")
        if not self.host and "KUBERNETES_SERVICE_HOST" in os.environ:
            self.host = _IN_CLUSTER
        if not self.host.startswith(("http://", "https://")):
            raise InputError(
                f"{self.host!r} is no address of a KFP API" if self.host else "no KFP API is named",
                remedy="Give --endpoint https://... or set KF_PIPELINES_ENDPOINT",
            )
        self._namespace, self._pause = endpoint.namespace or None, pause
        self._client = _client(self.host, endpoint)

    def run_url(self, run_id: str) -> str:
        """Where a browser shows a run."""
        shown = os.environ.get("KF_PIPELINES_UI_ENDPOINT") or self.host
        return f"{shown.rstrip('/')}/#/runs/details/{run_id}"

    def experiment(self, name: str) -> str:
        """The id of an experiment; it is made when it is missing."""
        api = self._client.experiments
        new = self._client.api_models.V2beta1Experiment(
            display_name=name, namespace=self._namespace
        )

        def attempt() -> Any:
            found = api.experiment_service_list_experiments(
                namespace=self._namespace, filter=_named(name), _request_timeout=_SECONDS
            )
            if found.experiments:
                return found.experiments[0]
            return api.experiment_service_create_experiment(
                experiment=new, _request_timeout=_SECONDS
            )

        return self._identified(self._ask(attempt), "experiment_id")

    def create_run(
        self,
        name: str,
        spec: dict[str, Any],
        arguments: dict[str, Any],
        *,
        experiment: str,
        service_account: str,
    ) -> str:
        """Start a run, once: an answer that was lost is no reason for a second one."""
        models, api = self._client.api_models, self._client.runs
        name = f"{name} {time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())} {uuid4().hex[:6]}"
        run = models.V2beta1Run(
            display_name=name,
            experiment_id=experiment,
            pipeline_spec=spec,
            runtime_config=models.V2beta1RuntimeConfig(parameters=arguments),
            service_account=service_account,
        )
        repeated = False

        def attempt() -> Any:
            nonlocal repeated
            if repeated:
                there = api.run_service_list_runs(
                    experiment_id=experiment, filter=_named(name), _request_timeout=_SECONDS
                )
                if there.runs:
                    return there.runs[0]
            repeated = True
            return api.run_service_create_run(run=run, _request_timeout=_SECONDS)

        return self._identified(self._ask(attempt), "run_id")

    def run(self, run_id: str) -> RunState:
        """How a run is."""
        api = self._client.runs
        found = self._ask(
            lambda: api.run_service_get_run(run_id=run_id, _request_timeout=_SECONDS), tries=7
        )
        details = (found.run_details and found.run_details.task_details) or []
        tasks = [(str(t.display_name), str(t.state)) for t in details if t.display_name]
        error = found.error.message if found.error and found.error.message else ""
        return RunState(str(found.state or "PENDING"), tuple(tasks), error)

    def _identified(self, answer: Any, field: str) -> str:
        if not getattr(answer, field, None):
            raise self._no_api()
        return str(getattr(answer, field))

    def _no_api(self) -> InputError:
        return InputError(
            "does not answer as a KFP API (v2beta1) does",
            where=self.host,
            remedy="Give the address of the API, not of a login page; KFP 2.17 is needed",
        )

    def _ask(self, call: Callable[[], Any], *, tries: int = 4) -> Any:
        """What a request answers; what may pass is asked again.

        Raises:
            InputError: for what does not pass.
        """
        import kfp_server_api
        import urllib3

        wait = self._pause
        for last in (False,) * (tries - 1) + (True,):
            try:
                answer = call()
            except kfp_server_api.ApiException as error:
                if last or not (error.status == 429 or error.status >= 500):
                    raise self._refusal(error) from None
            except urllib3.exceptions.HTTPError as error:
                if last:
                    reason = str(getattr(error, "reason", error)).split(": ", 1)[-1]
                    raise InputError(
                        f"cannot be reached ({reason})",
                        where=self.host,
                        remedy="Check --endpoint, and that it is reached from here",
                    ) from None
            except (AttributeError, TypeError, ValueError):
                raise self._no_api() from None
            else:
                if isinstance(answer, str) or answer is None:
                    raise self._no_api()
                return answer
            time.sleep(wait)
            wait *= 2
        raise AssertionError

    def _refusal(self, error: Any) -> InputError:
        said = _message(error)
        if "single-user" in said.lower():
            return InputError(
                f"knows no namespaces ({said})", where=self.host, remedy="Give --namespace ''"
            )
        if error.status == 401:
            return InputError(
                f"refuses the token as expired or unknown ({said})",
                where=self.host,
                remedy=_RENEW,
            )
        if error.status == 403:
            return InputError(
                f"does not let you do that in namespace {self._namespace} ({said})",
                where=self.host,
                remedy="Ask for the role kubeflow-edit there, or name another --namespace",
            )
        if error.status == 404 and not said.startswith("{"):
            return self._no_api()
        return InputError(f"answers {error.status} ({said})", where=self.host)


def _client(host: str, endpoint: Endpoint) -> Any:
    import kfp
    from kfp.client import set_volume_credentials

    file = endpoint.token_file or (str(_PROJECTED) if _PROJECTED.exists() else None)
    token = os.environ.get(_TOKEN_ENV) if not endpoint.token_file else None
    for option, path in (("token-file", endpoint.token_file), ("ca-cert", endpoint.ca_cert)):
        if path and not Path(path).is_file():
            raise InputError("no such file", where=path, remedy=f"Check --{option}")
    chosen: dict[str, Any] = {}
    if token:
        chosen["existing_token"] = token
    elif endpoint.iap_client_id:
        chosen["client_id"] = endpoint.iap_client_id
    elif file:
        chosen["credentials"] = set_volume_credentials.ServiceAccountTokenVolumeCredentials(file)
    with warnings.catch_warnings():
        # That it speaks to KFP 2 only is known.
        warnings.simplefilter("ignore", FutureWarning)
        try:
            # Without a namespace it would ask the API for one before it is known to be there.
            return kfp.Client(
                host=host,
                namespace=endpoint.namespace or "none",
                ssl_ca_cert=endpoint.ca_cert,
                **chosen,
            )
        except Exception as error:
            # What google-auth raises for missing credentials has no common base.
            if "client_id" not in chosen:
                raise
            raise InputError(
                f"no identity token for the proxy could be had ({error})",
                where=host,
                remedy="Run as a service account that IAP lets through, or give --token-file",
            ) from None


def _named(name: str) -> str:
    """A filter of the API."""
    predicate = {"operation": "EQUALS", "key": "display_name", "stringValue": name}
    return json.dumps({"predicates": [predicate]})


def _message(error: Any) -> str:
    """What a refusal says, in one line."""
    text = error.body.decode(errors="replace") if isinstance(error.body, bytes) else error.body
    try:
        document = json.loads(text or "")
        text = document.get("error_message") or document.get("error") or document.get("message")
    except (ValueError, AttributeError):
        text = error.reason
    return " ".join(str(text or error.reason).split())[:300]
