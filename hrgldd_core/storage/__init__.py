"""Every read and write of a URI goes through here: local paths, ``file://``, ``gs://``, ``s3://``.

Objects appear whole or not at all: local files are written beside their target and renamed, remote
objects are uploaded in one request from bytes or a finished local file. A stream opened for writing
on an object store would commit what it has when an exception leaves it, so none is offered.
Failures that pass (overload, time-outs, cut connections) are tried again, and what arrived is
compared with what was sent.
"""

from hrgldd_core.storage.objects import (
    check_writable,
    create_bytes,
    exists,
    identity,
    list_names,
    no_empty_folder,
    put_file,
    quick_identity,
    read_bytes,
    read_json,
    remove,
    remove_empty,
    remove_tree,
    write_bytes,
    write_json,
    zarr_store,
)
from hrgldd_core.storage.signing import redact, signed_path, unsigned
from hrgldd_core.storage.uri import gdal_path, is_local, join, local_path, public, remote_uri

__all__ = [
    "check_writable",
    "create_bytes",
    "exists",
    "gdal_path",
    "identity",
    "is_local",
    "join",
    "list_names",
    "local_path",
    "no_empty_folder",
    "public",
    "put_file",
    "quick_identity",
    "read_bytes",
    "read_json",
    "redact",
    "remote_uri",
    "remove",
    "remove_empty",
    "remove_tree",
    "signed_path",
    "unsigned",
    "write_bytes",
    "write_json",
    "zarr_store",
]
