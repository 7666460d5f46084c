"""Links are signed when they are read, and anew when the signature has come to its end."""

from __future__ import annotations

import json
import subprocess

import numpy as np
import pystac
import pytest

from hrgldd_core import storage
from hrgldd_core.errors import AccessError, InputError
from hrgldd_core.scenes import SceneReader, load_stack, open_scene
from hrgldd_core.storage import signing
from hrgldd_core.storage.signing import signed
from tests.servers.signed import SignedServer
from tests.support import (
    BGR,
    CONSOLE,
    ROOT,
    assert_refused,
    box_item,
    data_asset,
    hrgldd,
    texture,
    write_catalogue,
    write_raster,
)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("hrgldd_core.storage.failures._FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(signing, "_known", {})


@pytest.fixture
def served(tmp_path, monkeypatch):
    image = texture((600, 600))
    path = write_raster(
        tmp_path / "a.tif", image, tiled=True, blockxsize=64, blockysize=64, nodata=0
    )
    with SignedServer({"/c/a.tif": path.read_bytes()}) as server:
        monkeypatch.setenv("HRGLDD_SIGN", f"{server.url}/sign")
        monkeypatch.setenv("HRGLDD_SIGN_HOSTS", "127.0.0.1")
        yield server, image


def item_at(server, query=""):
    asset = data_asset(f"{server.url}/c/a.tif{query}")
    return pystac.Item.from_dict(box_item(assets={"data": asset}))


def test_pixels_come_by_signed_links(served):
    server, image = served
    scene = open_scene(item_at(server, "?se=0&sig=OLD"), bands=BGR)
    with SceneReader(scene) as reader:
        pixels, _ = reader.read(slice(100, 300), slice(250, 600))
    np.testing.assert_array_equal(pixels, np.moveaxis(image[:, 100:300, 250:600], 0, -1))
    # Once for the file, without the signature that came with the link.
    assert len(server.asked) == 1
    host = f"127.0.0.1%3A{server.url.rpartition(chr(58))[2]}"
    assert server.asked[0].endswith(f"href=http%3A%2F%2F{host}%2Fc%2Fa.tif")
    assert server.refused == 0


@pytest.mark.parametrize("form", ["href", "token"])
def test_a_run_goes_on_when_signatures_end(served, form, bright_model, tmp_path, monkeypatch):
    server, _ = served
    # Threads share a signature: fewer reads could all be another thread's, try after try.
    server.form, server.reads, server.bearer = form, 9, "HIDDEN"
    monkeypatch.setenv("HRGLDD_SIGN_TOKEN", "HIDDEN")
    if form == "token":
        monkeypatch.setenv("HRGLDD_SIGN", f"{server.url}/sign/{{account}}/{{container}}")
    path = write_catalogue(tmp_path / "items.json", item_at(server, "?se=0&sig=STALE").to_dict())
    out = tmp_path / "out"
    words = [*CONSOLE, "map", "--stac", path, "--model", bright_model, "--out", out, "--json"]
    # In a process of its own: GDAL may fetch with Python's lock held, which the server needs.
    done = subprocess.run(map(str, words), cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert server.refused > 0
    assert len(server.asked) > 1
    if form == "token":
        assert set(server.asked) == {"/sign/127/c"}
    told = done.stdout + done.stderr
    told += "".join(p.read_text(errors="replace") for p in out.rglob("*.[jh]*") if p.is_file())
    assert "/c/a.tif" in told
    for secret in ("SECRET", "HIDDEN", "STALE", "sig="):
        assert secret not in told


def test_plans_hold_no_signatures(served, bright_model, tmp_path):
    from hrgldd_core.mapping.request import plan_mapping

    server, _ = served
    documents = [item_at(server, query).to_dict() for query in ("", "?se=0&sig=STALE")]
    plans = []
    for document in documents:
        path = write_catalogue(tmp_path / "items.json", document)
        plans.append(plan_mapping(out=str(tmp_path), stac=str(path), models=(str(bright_model),)))
    assert "sig=" not in plans[1].model_dump_json()
    assert plans[0].run_id == plans[1].run_id


def test_asked_for_anew_before_the_end(served):
    server, _ = served
    server.lasts = 30
    uri = f"{server.url}/c/a.tif"
    assert signed(uri) != signed(uri)
    server.lasts = 3600
    assert signed(uri) == signed(uri)


def test_stacks_are_read_by_signed_links(served):
    server, image = served
    for loader in ("odc", "rasterio"):
        stack = load_stack([item_at(server)], bands=BGR, loader=loader)
        np.testing.assert_array_equal(stack.values[0], image)


def test_hosts_that_nobody_named_are_not_signed_for(served, monkeypatch):
    server, _ = served
    monkeypatch.setenv("HRGLDD_SIGN_HOSTS", "example.com,.example.org")
    for uri in (f"{server.url}/c/a.tif", "https://badexample.com/a", "gs://b/a.tif", "/a.tif"):
        assert signed(uri) == uri
        assert storage.unsigned(uri) == uri
    assert server.asked == []
    assert signed("https://a.example.org/x.tif").startswith("https://a.example.org/x.tif?")
    assert len(server.asked) == 1


def test_planetary_computer_is_known(monkeypatch):
    asked = []
    monkeypatch.setenv("HRGLDD_SIGN", "planetary-computer")

    def answer(question):
        asked.append(question)
        return {"token": "sv=1", "msft:expiry": "2100-01-01T00:00:00Z"}

    monkeypatch.setattr(signing, "_answer", answer)
    uri = "https://sentinel2l2a01.blob.core.windows.net/sentinel2-l2/43/P/B02.tif"
    assert signed(f"{uri}?sv=0") == f"{uri}?sv=1"
    end = "/api/sas/v1/token/sentinel2l2a01/sentinel2-l2"
    assert [q.partition("microsoft.com")[2] for q in asked] == [end]
    assert signed(uri.replace("B02", "B03")).endswith("B03.tif?sv=1")
    assert len(asked) == 1


def test_a_service_that_refuses(served):
    server, _ = served
    server.bearer = "other"
    with pytest.raises(AccessError, match=r"does not sign links \(401.*HRGLDD_SIGN_TOKEN"):
        open_scene(item_at(server), bands=BGR)


@pytest.mark.parametrize(
    ("service", "hosts", "told"),
    [
        ("somebody", "127.0.0.1", "neither an address nor one of: planetary-computer"),
        ("https://host/sign", "", "signs for no host.*HRGLDD_SIGN_HOSTS"),
    ],
)
def test_settings_that_are_wrong(monkeypatch, service, hosts, told):
    monkeypatch.setenv("HRGLDD_SIGN", service)
    monkeypatch.setenv("HRGLDD_SIGN_HOSTS", hosts)
    with pytest.raises(InputError, match=told):
        signed("https://host/a.tif")


def test_wrong_settings_are_said_once(tmp_path, monkeypatch, bright_model):
    monkeypatch.setenv("HRGLDD_SIGN", "somebody")
    items = [box_item(n, assets={"data": data_asset("https://host/a.tif")}) for n in "ab"]
    path = write_catalogue(tmp_path / "items.json", *items)
    out = tmp_path / "out"
    done = hrgldd("map", "--stac", path, "--model", bright_model, "--out", out)
    assert_refused(done, "neither an address", "HRGLDD_SIGN")
    assert not out.exists()


@pytest.mark.parametrize("answer", [b"[]", b"{", b"{}", b'{"token": 1}'])
def test_answers_that_are_none(monkeypatch, answer):
    import requests

    class Answer:
        status_code, reason, ok = 200, "OK", True
        __enter__ = lambda self: self  # noqa: E731
        __exit__ = lambda *_: None  # noqa: E731

        def json(self):
            return json.loads(answer)

    monkeypatch.setattr(requests, "get", lambda *_, **__: Answer())
    monkeypatch.setenv("HRGLDD_SIGN", "https://host/sign")
    monkeypatch.setenv("HRGLDD_SIGN_HOSTS", "host")
    with pytest.raises(InputError, match="https://host/sign: does not sign links"):
        signed("https://host/a.tif")


def test_messages_without_signatures():
    text = "'/vsicurl/https://h/a.tif?sig=a%2Fb&x=1' failed (url: /a.tif?sig=abc) what? no = yes"
    assert storage.redact(text) == (
        "'/vsicurl/https://h/a.tif' failed (url: /a.tif) what? no = yes"
    )
