"""Start scheduler and worker with the arguments of k8s/dask-cluster, and give them something to do.

Run inside the image; the manifest is the first argument, as JSON.
"""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request

from distributed import Client

ADDRESS = "tcp://127.0.0.1:8786"
spec = json.loads(sys.argv[1])["spec"]
environment = {**os.environ, "DASK_WORKER_NAME": "w0", "DASK_SCHEDULER_ADDRESS": ADDRESS}


def start(part: str) -> "subprocess.Popen[bytes]":
    """What the operator would start, with its variables put in as Kubernetes does."""
    arguments = spec[part]["spec"]["containers"][0]["args"]
    return subprocess.Popen(  # noqa: S603 - the manifest is ours
        [a.replace("$(DASK_WORKER_NAME)", "w0") for a in arguments], env=environment
    )


def healthy(patience: float = 30.0) -> None:
    """Wait until the path of the readiness probe answers."""
    path = spec["scheduler"]["spec"]["containers"][0]["readinessProbe"]["httpGet"]["path"]
    end = time.monotonic() + patience
    while True:
        try:
            assert urllib.request.urlopen(f"http://127.0.0.1:8787{path}").status == 200
        except urllib.error.URLError:
            assert time.monotonic() < end, "the scheduler's probe does not answer"
            time.sleep(0.2)
        else:
            return


processes = [start("scheduler")]
try:
    healthy()
    processes.append(start("worker"))
    with Client(ADDRESS, timeout="20s") as client:
        client.wait_for_workers(1, timeout=30)
        (threads,) = client.nthreads().values()
        assert threads == 1, threads
        assert client.submit(lambda: __import__("hrgldd_core").__name__).result(30) == "hrgldd_core"
finally:
    for process in processes:
        process.kill()
print("dask: scheduler and worker of k8s/dask-cluster work")
