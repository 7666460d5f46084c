"""``hrgldd pipeline submit`` against a KFP API over HTTP: started once, waited for, refused."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from hrgldd_core.errors import InputError
from pipelines import kfp_api
from tests.servers.kfp import kfp_server
from tests.support import assert_refused, hrgldd

GIVEN = ("stac=c.json", "bbox=1,2,3,4", "datetime=2024-11-10")
SUMMARY = {"status": "done", "event": "e", "scenes": 2, "polygons": 7, "missing": {}}


@pytest.fixture(autouse=True)
def hurried(monkeypatch, tmp_path):
    """No waiting between attempts, and no settings of the machine."""
    monkeypatch.setattr(kfp_api.time, "sleep", lambda _: None)
    for name in ("KF_PIPELINES_ENDPOINT", "KUBERNETES_SERVICE_HOST", "HRGLDD_KFP_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def server():
    with kfp_server() as served:
        yield served


def submit(server, *words, name="map_event", out="o", every="1s"):
    return hrgldd(
        "pipeline", "submit", name, *GIVEN, f"out={out}", "--endpoint", server.url,
        "--every", every, "--json", *words,
    )  # fmt: skip


def leave_result(folder, **changes):
    """What a mapping run leaves, as far as its outcome is read from it."""
    folder.mkdir()
    summary = {**SUMMARY, **changes}
    (folder / "manifest.json").write_text(json.dumps({"summary": summary}))
    (folder / "collection.json").write_text("{}")
    return folder


def test_started_with_what_the_package_and_the_words_say(server):
    done = submit(server, "threshold=0.5", "max_items=3")
    assert done.code == 0, done.err
    assert done.document == {
        "run_id": "run-1", "url": f"{server.url}/#/runs/details/run-1", "status": "started",
    }  # fmt: skip
    assert "not pinned by digest" in done.err
    (run,) = server.runs.values()
    assert run["service_account"] == "hrgldd-pipeline"
    assert run["display_name"].startswith("map_event 2")
    parameters = run["runtime_config"]["parameters"]
    assert parameters == {
        "stac": "c.json", "bbox": "1,2,3,4", "datetime": "2024-11-10", "out": "o",
        "threshold": 0.5, "max_items": 3,
    }  # fmt: skip
    assert run["pipeline_spec"]["pipeline_spec"]["pipelineInfo"]["name"] == "map-event"
    assert "kubernetes" in run["pipeline_spec"]["platform_spec"]["platforms"]
    (experiment,) = server.experiments.values()
    assert (experiment["display_name"], experiment["namespace"]) == ("hrgldd", "hrgldd")


def test_experiment_is_made_once(server):
    for _ in range(2):
        assert submit(server, "--experiment", "storms").code == 0
    assert [e["display_name"] for e in server.experiments.values()] == ["storms"]
    assert len(server.runs) == 2


def test_package_file_gives_the_same_run(server, tmp_path):
    assert submit(server).code == 0
    package = tmp_path / "p.yaml"
    assert hrgldd("pipeline", "compile", "map_event", "--out", package).code == 0
    assert submit(server, name=str(package)).code == 0
    first, second = server.runs.values()
    for key in ("pipeline_spec", "runtime_config"):
        assert first[key] == second[key]


def test_wait_tells_steps_and_outputs(server, tmp_path):
    server.tasks = (
        {},
        {"plan-mapping-driver": "SUCCEEDED", "plan-mapping": "SUCCEEDED", "map-scenes#1": "QUEUED"},
        {
            "plan-mapping": "SUCCEEDED", "map-scenes#1": "SUCCEEDED", "map-scenes#2": "SUCCEEDED",
            "publish-results": "SUCCEEDED",
        },
    )  # fmt: skip
    out = leave_result(tmp_path / "result")
    done = submit(server, "--wait", out=out)
    assert done.code == 0, done.err
    steps = re.findall(r"step (\S+): done", done.err)
    assert steps == ["plan-mapping", "map-scenes", "map-scenes", "publish-results"]
    assert done.document["status"] == "done"
    assert done.document["figures"]["polygons"] == 7
    assert f"{out}/report.html" in done.document["files"]
    assert done.document["url"] in done.err


def test_incomplete_result(server, tmp_path):
    out = leave_result(tmp_path / "result", status="incomplete", missing={"b": "cut off"})
    done = submit(server, "--wait", out=out)
    assert done.code == 3
    assert done.document["missing"] == {"b": "cut off"}
    assert "MISSING    b: cut off" in done.err


def test_failed_run(server, tmp_path):
    server.states, server.error = ("RUNNING", "FAILED"), "publish-results: no scene"
    server.tasks = ({"publish-results": "FAILED"},)
    done = submit(server, "--wait", out=tmp_path / "none")
    assert done.code == 1
    assert done.document["status"] == "failed"
    assert done.document["error"] == "publish-results: no scene"
    assert "step publish-results: FAILED" in done.err
    # A run that somebody stopped has an end too.
    server.states, server.looks = ("CANCELED",), 0
    assert submit(server, "--wait", out=tmp_path / "none").code == 1


def test_success_without_a_result_is_none(server, tmp_path):
    done = submit(server, "--wait", out=tmp_path / "none")
    assert done.code == 1
    assert done.document["error"] == "it left no result"


def test_result_that_cannot_be_read_from_here(server, monkeypatch):
    def refuse(*_, **__):
        raise InputError("cannot be read")

    monkeypatch.setattr("pipelines.submit.read_outcome", refuse)
    done = submit(server, "--wait", out="gs://far/away")
    assert done.code == 0
    assert "could not be read from here" in done.err


def test_time_out_leaves_the_run_alone(server):
    server.states = ("RUNNING",)
    done = submit(server, "--wait", "--timeout", "0.2s")
    assert done.code == 3
    assert (done.document["status"], done.document["state"]) == ("running", "RUNNING")
    assert "the run goes on" in done.err


def test_interrupted_wait_says_that_the_run_goes_on(server, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    server.states = ("RUNNING",)
    monkeypatch.setattr(kfp_api.time, "sleep", interrupt)
    done = submit(server, "--wait")
    assert done.code == 130
    assert done.err.splitlines()[-1].endswith(f"the run goes on: {server.url}/#/runs/details/run-1")


def test_trouble_that_passes(server, tmp_path):
    # To find the experiment, to make it, to start the run, and to look at it.
    server.faults = [503, "cut", None, 500, None, None, 502, 429, None, None, 503, 503, 503]
    done = submit(server, "--wait", out=leave_result(tmp_path / "result"))
    assert done.code == 0, done.err
    assert len(server.runs) == 1


@pytest.mark.parametrize("fault", ["lost", 504])
def test_lost_answer_does_not_start_a_second_run(server, fault):
    assert submit(server, "--experiment", "e").code == 0
    server.asked.clear()

    # The experiment is found; the request that starts the run is answered by the fault.
    answer = server.answer

    def answered(method, path, *rest):
        if (method, path) == ("POST", "/apis/v2beta1/runs") and len(server.runs) == 1:
            found = answer(method, path, *rest)
            return (504, {"error": "upstream"}) if fault == 504 else found
        return answer(method, path, *rest)

    server.answer = answered
    if fault == "lost":
        server.faults = [None, "lost"]
    done = submit(server, "--experiment", "e")
    assert done.code == 0, done.err
    assert done.document["run_id"] == "run-2"
    assert len(server.runs) == 2
    assert server.asked.count(("POST", "/apis/v2beta1/runs")) == 1


def test_trouble_that_does_not_pass(server):
    server.faults = [503] * 40
    assert_refused(submit(server), r"http://127.0.0.1:\d+: answers 503 \(backend error\)")
    assert not server.runs


def test_nobody_there():
    with kfp_server() as gone:
        pass
    done = submit(gone)
    assert_refused(done, "cannot be reached .*[Rr]efused", "Check --endpoint")


def test_login_page(server):
    server.html = True
    assert_refused(submit(server), "does not answer as a KFP API", "not of a login page")


def test_kfp_without_users():
    with kfp_server(namespaces=()) as server:
        assert_refused(submit(server), "knows no namespaces", "Give --namespace ''")
        assert submit(server, "--namespace", "").code == 0
        (experiment,) = server.experiments.values()
        assert "namespace" not in experiment


def test_certificate_of_one_s_own(tmp_path):
    certificate = tmp_path / "certificate.pem"
    write_certificate(certificate)
    with kfp_server(certificate) as server:
        assert_refused(submit(server), "cannot be reached .*certificate verify failed")
        assert submit(server, "--ca-cert", certificate).code == 0
        assert_refused(submit(server, "--ca-cert", tmp_path / "no"), "no such file.*--ca-cert")


def write_certificate(path):
    """For 127.0.0.1, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "kfp")])
    now = datetime.now(UTC)
    address = x509.IPAddress(ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(pem) + private)


@pytest.mark.parametrize("namespace", ["kube-system", "elsewhere"])
def test_namespace_that_is_not_ours(server, namespace):
    done = submit(server, "--namespace", namespace)
    assert_refused(done, f"namespace {namespace} .*not authorized", "kubeflow-edit")
    assert not server.runs


def test_tokens(server, tmp_path, monkeypatch):
    server.bearer = "good"
    assert_refused(submit(server), "expired or unknown", "Renew it")
    monkeypatch.setenv("HRGLDD_KFP_TOKEN", "good")
    assert submit(server).code == 0
    monkeypatch.setenv("HRGLDD_KFP_TOKEN", "old")
    line = assert_refused(submit(server), "refuses the token as expired", "--token-file")
    assert "old" not in line.replace("token", "")
    file = tmp_path / "token"
    assert_refused(submit(server, "--token-file", file), "no such file", "--token-file")
    file.write_text("good")
    assert submit(server, "--token-file", file).code == 0


def test_token_that_is_renewed_while_waiting(server, tmp_path):
    file, out = tmp_path / "token", leave_result(tmp_path / "result")
    file.write_text("first")
    server.bearer = "first"
    look = server._look

    def renewed(run_id):
        server.bearer = "second"
        file.write_text("second")
        return look(run_id)

    server._look = renewed
    assert submit(server, "--wait", "--token-file", file, out=out).code == 0


def test_token_that_expires_while_waiting(server, tmp_path):
    (tmp_path / "token").write_text("first")
    server.bearer = "first"
    look = server._look

    def expire(run_id):
        server.bearer = "second"
        return look(run_id)

    server._look = expire
    done = submit(server, "--wait", "--token-file", tmp_path / "token")
    assert done.code == 2
    assert "expired" in done.err.splitlines()[-1]
    # Where the run is has been said before.
    assert "/#/runs/details/run-1" in done.err


@pytest.mark.parametrize(
    ("words", "pattern"),
    [
        (["--endpoint", "kfp.example.org"], "is no address of a KFP API"),
        (["colour=red"], "'colour=red' is no parameter"),
        (["max_items=many"], "max_items is a number_integer"),
    ],
)
def test_refusals_before_anything_is_asked(server, words, pattern):
    assert_refused(submit(server, *words), pattern)
    assert not server.asked


def test_no_endpoint():
    done = hrgldd("pipeline", "submit", "map_event", *GIVEN, "out=o")
    assert_refused(done, "no KFP API is named", "KF_PIPELINES_ENDPOINT")


def test_files_that_are_no_packages(server, tmp_path):
    assert_refused(submit(server, name="nothing"), "no pipeline and no package", "map_event")
    for text in ("a: [", "a: 1", "just words"):
        (tmp_path / "p.yaml").write_text(text)
        assert_refused(submit(server, name=str(tmp_path / "p.yaml")), "is no KFP package")
    assert not server.asked


def test_in_cluster_address(monkeypatch):
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    api = kfp_api.KfpApi(kfp_api.Endpoint())
    assert api.host == "http://ml-pipeline.kubeflow.svc.cluster.local:8888"


def test_proxy_without_credentials(monkeypatch):
    import google.auth.exceptions

    def none(*_):
        raise google.auth.exceptions.DefaultCredentialsError("none here")

    monkeypatch.setattr("kfp.client.auth.get_auth_token", none)
    with pytest.raises(InputError, match=r"no identity token .*none here.*IAP lets through"):
        kfp_api.KfpApi(kfp_api.Endpoint(host="https://kfp.example.org", iap_client_id="c"))


def test_proxy_with_credentials(server, monkeypatch):
    server.bearer = "from google"
    monkeypatch.setattr("kfp.client.auth.get_auth_token", lambda *_: ("from google", True))
    assert submit(server, "--iap-client-id", "client").code == 0
