"""A store for gs:// in this process: gcp-storage-emulator, on the loopback interface.

It keeps what it is sent and serves whole objects and ranges, but knows no preconditions
(``ifGenerationMatch=0`` overwrites): which of several writers wins cannot be tested with it.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

__all__ = ["Bucket", "gcs_bucket"]


@dataclass
class Bucket:
    """An empty bucket.

    Attributes:
        uri: ``gs://...``.
        read: names of the objects that were downloaded, in order.
    """

    uri: str
    read: list[str] = field(default_factory=list)


@contextmanager
def gcs_bucket(monkeypatch: pytest.MonkeyPatch, name: str = "landslides") -> Iterator[Bucket]:
    """Serve a bucket; ``gs://`` leads to it until the ``with`` block ends."""
    # Before gcsfs is imported: it would ask an emulator by gRPC, a minute each time.
    monkeypatch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
    import gcsfs
    from gcp_storage_emulator.server import create_server

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = create_server("127.0.0.1", port, in_memory=True, default_bucket=name)
    bucket = Bucket(f"gs://{name}")
    get_file = server._storage.get_file

    def counted(bucket_name: str, object_id: str, *args: object, **kwargs: object) -> bytes:
        bucket.read.append(object_id)
        return get_file(bucket_name, object_id, *args, **kwargs)

    server._storage.get_file = counted
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{port}")
    gcsfs.GCSFileSystem.clear_instance_cache()
    server.start()
    try:
        yield bucket
    finally:
        server.stop()
        gcsfs.GCSFileSystem.clear_instance_cache()
