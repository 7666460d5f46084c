"""Removing the Dask clusters that a run has made for itself."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

__all__ = ["RUN_LABEL", "remove_clusters"]

RUN_LABEL = "hrgldd/run"
"""The label that ties a DaskCluster to a run: KFP's run id."""

_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_KIND: dict[str, Any] = {
    "group": "kubernetes.dask.org",
    "version": "v1",
    "plural": "daskclusters",
    "_request_timeout": 30,
}


def remove_clusters(run: str, *, api: Any = None, namespace: str | None = None) -> tuple[str, ...]:
    """Delete the DaskClusters with the label of a run; what was done, in words.

    Outside a cluster there is nothing to do. That the operator is not installed, or that its
    resources may not be looked at, is no reason for a run to fail: it is said.

    Args:
        run: KFP's run id.
        api: a Kubernetes API client; that of this pod otherwise.
        namespace: that of this pod otherwise.
    """
    if api is None and "KUBERNETES_SERVICE_HOST" not in os.environ:
        return ()
    from kubernetes import client, config
    from urllib3.exceptions import HTTPError

    if api is None:
        config.load_incluster_config()
    where = namespace or _NAMESPACE.read_text().strip()
    resources = client.CustomObjectsApi(api)
    try:
        found = resources.list_namespaced_custom_object(
            namespace=where, label_selector=f"{RUN_LABEL}={run}", **_KIND
        )
        names = [item["metadata"]["name"] for item in found["items"]]
        for name in names:
            resources.delete_namespaced_custom_object(namespace=where, name=name, **_KIND)
    except client.ApiException as error:
        if error.status == 404:
            return ()
        return (f"Dask clusters of the run were not removed: {error.status} {error.reason}",)
    except HTTPError as error:
        return (f"Dask clusters of the run were not removed: {error}",)
    return tuple(f"Removed the Dask cluster {name}" for name in names)
