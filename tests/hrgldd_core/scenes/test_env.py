"""Pixels come through a server that fails now and then."""

from __future__ import annotations

import numpy as np
import pystac
import pytest

from hrgldd_core.errors import InputError
from hrgldd_core.scenes import SceneReader, open_scene
from hrgldd_core.scenes.env import READING, reading
from tests.servers.files import FileServer
from tests.support import BGR, box_item, data_asset, texture, write_raster


def opened(url):
    item = pystac.Item.from_dict(box_item(assets={"data": data_asset(url)}))
    return open_scene(item, bands=BGR)


@pytest.fixture
def served(tmp_path, monkeypatch):
    monkeypatch.setitem(READING, "GDAL_HTTP_RETRY_DELAY", "0.01")
    image = texture((600, 600))
    path = write_raster(tmp_path / "a.tif", image, tiled=True, blockxsize=256, blockysize=256)
    with FileServer({"/a.tif": path.read_bytes()}) as server:
        yield server, image


def test_passing_faults_are_waited_out(served):
    server, image = served
    server.faults["/a.tif"] += [503, 502]
    scene = opened(f"{server.url}/a.tif")
    server.faults["/a.tif"] += [503, 429, 500]
    with SceneReader(scene) as reader:
        pixels, _ = reader.read(slice(300, 600), slice(250, 600))
    np.testing.assert_array_equal(pixels, np.moveaxis(image[:, 300:600, 250:600], 0, -1))
    assert not server.faults["/a.tif"]


def test_a_file_that_is_not_there_is_said_at_once(served):
    server, _ = served
    with pytest.raises(InputError, match=r"cannot be read \(404 Not Found\)"):
        opened(f"{server.url}/b.tif")


def test_the_environment_wins(monkeypatch):
    import rasterio

    monkeypatch.setenv("GDAL_HTTP_MAX_RETRY", "9")
    with reading():
        assert "GDAL_HTTP_MAX_RETRY" not in rasterio.env.getenv()
        assert rasterio.env.getenv()["GDAL_DISABLE_READDIR_ON_OPEN"] == "EMPTY_DIR"


@pytest.mark.parametrize(
    ("uri", "settings", "header"),
    [
        (
            "s3://bucket/a.tif",
            {
                "AWS_S3_ENDPOINT": "{host}", "AWS_HTTPS": "NO", "AWS_VIRTUAL_HOSTING": "FALSE",
                "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b",
                "AWS_REQUEST_PAYER": "requester",
            },
            ("x-amz-request-payer", "requester"),
        ),
        (
            "gs://bucket/a.tif",
            {
                "CPL_GS_ENDPOINT": "http://{host}/", "GS_ACCESS_KEY_ID": "a",
                "GS_SECRET_ACCESS_KEY": "b", "GS_USER_PROJECT": "payer",
            },
            ("x-goog-user-project", "payer"),
        ),
    ],
)  # fmt: skip
def test_who_pays_comes_from_the_environment(tmp_path, monkeypatch, uri, settings, header):
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
    from threading import Thread

    image = texture((64, 64))
    content = write_raster(tmp_path / "a.tif", image).read_bytes()
    paid = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            """Keep the tests' output clean."""

        def do_GET(self):
            paid.append(self.headers.get(header[0]))
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        do_HEAD = do_GET  # noqa: N815 - the name that the server wants

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        for name, value in settings.items():
            monkeypatch.setenv(name, value.format(host=f"127.0.0.1:{server.server_port}"))
        with SceneReader(opened(uri)) as reader:
            pixels, _ = reader.read(slice(0, 64), slice(0, 64))
        server.shutdown()
    np.testing.assert_array_equal(pixels, np.moveaxis(image, 0, -1))
    assert set(paid) == {header[1]}
