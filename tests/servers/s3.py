"""A store for s3:// that a test starts itself: moto's server."""

from __future__ import annotations

from contextlib import contextmanager

import pytest


@contextmanager
def s3_bucket(monkeypatch):
    """URI of a bucket that s3fs and GDAL both reach."""
    pytest.importorskip("s3fs")
    server = pytest.importorskip("moto.server").ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    import boto3
    import s3fs

    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_S3_ENDPOINT", f"{host}:{port}")
    monkeypatch.setenv("AWS_HTTPS", "NO")
    monkeypatch.setenv("AWS_VIRTUAL_HOSTING", "FALSE")
    s3fs.S3FileSystem.clear_instance_cache()
    boto3.client("s3").create_bucket(Bucket="landslides")
    try:
        yield "s3://landslides"
    finally:
        s3fs.S3FileSystem.clear_instance_cache()
        server.stop()
