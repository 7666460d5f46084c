"""Stands in for the programs of the operator's guide that need a cluster or a cloud.

Called as ``stand_in.py PROGRAM WORDS...``. What can be judged without a cluster is: kubectl's own
parser sees every command, folders are rendered, manifests parsed, build arguments looked up in the
Dockerfile. Every call is appended to the file that WALK names; a wrong one ends with status 1.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import yaml

DIGEST = "sha256:" + "0" * 64
# What of Kubeflow's clone the guide changes: Istio, with what is said of GKE beside it.
ISTIO = """resources:
- ../common/istio/istio-namespace/base
- ../common/istio/istio-install/overlays/oauth2-proxy
# - ../common/istio/istio-install/overlays/gke
# - ../common/istio/istio-install/overlays/ambient-oauth2-proxy
- ../common/dex/overlays/oauth2-proxy
"""
_NO_SERVER = re.compile(r"refused|unable to connect|timed out|was not found|no configuration", re.I)


def kubectl(words: list[str]) -> str:
    """What kubectl would print."""
    real = os.environ["KUBECTL"]
    if words[0] == "kustomize":
        return _run([real, *words])
    if "-k" in words:
        return str(len(_manifests(_run([real, "kustomize", words[words.index("-k") + 1]]))))
    if "-f" in words:
        return _applied(words[words.index("-f") + 1])
    if words[0] == "create" and words[1] in ("secret", "configmap"):
        return _run([real, *words, "--dry-run=client"])
    if words[0] == "exec":
        # Parsed with all its options, but not done.
        return _run([*words[words.index("--") + 1 :], "--help"])
    return _refused(real, words)


def _applied(place: str) -> str:
    """Kinds of the manifests of a file, or of standard input."""
    if place.startswith("https://"):
        return ""
    text = sys.stdin.read() if place == "-" else Path(place).read_text()
    found = _manifests(text)
    if "hrgldd:latest" in text:
        raise SystemExit("the image is still a placeholder")
    return ", ".join(d["kind"] for d in found)


def _refused(real: str, words: list[str]) -> str:
    """A command that needs a server goes to none: it must fail for that reason only."""
    cut_off = [real, "--server", "http://127.0.0.1:1", "--request-timeout", "2s", *words]
    try:
        done = subprocess.run(cut_off, capture_output=True, text=True, check=False, timeout=20)
    except subprocess.TimeoutExpired:
        return ""
    if done.returncode and not _NO_SERVER.search(done.stderr):
        raise SystemExit(done.stderr)
    return "a-token" if words[:2] == ["create", "token"] else ""


def docker(words: list[str]) -> str:
    """What an image's digest is; a build's arguments are those of the Dockerfile."""
    if words[0] == "build":
        dockerfile = Path(words[words.index("-f") + 1]).read_text()
        known = set(re.findall(r"(?m)^ARG (\w+)", dockerfile))
        given = {v.partition("=")[0] for o, v in pairwise(words) if o == "--build-arg"}
        if given - known:
            raise SystemExit(f"no build argument {sorted(given - known)}")
    return f"{words[-1].rpartition(':')[0]}@{DIGEST}" if words[0] == "inspect" else ""


def gcloud(words: list[str]) -> str:
    """There is what was created before; projects have a number, and the control plane a rule."""
    if words[:3] == ["compute", "firewall-rules", "list"]:
        return "10.0.0.0/28" if "sourceRanges" in words[-1] else "gke-nodes"
    if words[:2] == ["projects", "describe"]:
        return "123"
    if "describe" in words:
        at = words.index("describe")
        made = [json.loads(line)[1:] for line in Path(os.environ["WALK"]).read_text().splitlines()]
        if not any(
            call[: at + 1] == [*words[:at], "create"]
            and words[at + 1].partition("@")[0] == call[at + 1]
            for call in made
        ):
            raise SystemExit(1)
    return ""


def git(words: list[str]) -> str:
    """A clone has what the guide changes; of its releases only the newest has Pipelines 2.17."""
    if words[0] == "clone":
        file = Path(words[-1]) / "example/kustomization.yaml"
        file.parent.mkdir(parents=True)
        file.write_text(ISTIO)
    if words[0] == "-C":
        if not Path(words[1]).is_dir():
            raise SystemExit(f"no clone {words[1]}")
        return {"tag": "v1\nv0", "show": "/pipelines/tree/2.17.2"}.get(words[2], "")
    return "0" * 40 if words[0] == "rev-parse" else ""


def kustomize(_words: list[str]) -> str:
    """What Kubeflow's own manifests are, in short."""
    return "{apiVersion: v1, kind: Namespace, metadata: {name: kubeflow}}"


def _manifests(text: str) -> list[dict]:
    found = [d for d in yaml.safe_load_all(text) if d]
    if not all("kind" in d for d in found) or not found:
        raise SystemExit("no manifests")
    return found


def _run(words: list[str]) -> str:
    return subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout


def main() -> None:
    """Record the call, and do what can be done."""
    program, words = sys.argv[1], sys.argv[2:]
    with Path(os.environ["WALK"]).open("a") as log:
        log.write(json.dumps([program, *words]) + "\n")
    acts = {f.__name__: f for f in (docker, gcloud, git, kubectl, kustomize)}
    act = acts.get(program)
    if act:
        sys.stdout.write(f"{act(words)}\n")


if __name__ == "__main__":
    main()
