"""What a web server tells of an object without sending it."""

from __future__ import annotations

import errno
from typing import Any

__all__ = ["web_info"]

_TIMEOUT = (10.0, 60.0)


def web_info(uri: str) -> dict[str, Any]:
    """Size and ETag of an object.

    Its first byte is asked for: links that are signed for reading refuse HEAD.

    Raises:
        FileNotFoundError: when it is not there.
        PermissionError: when the server wants (other) credentials.
        ConnectionError: when it cannot answer now.
        OSError: when it does not answer, or otherwise than with the object.
    """
    import requests

    headers = {"Range": "bytes=0-0", "Accept-Encoding": "identity"}
    with requests.get(uri, headers=headers, timeout=_TIMEOUT, stream=True) as answer:
        status = answer.status_code
        told = f"{status} {answer.reason}"
        if status in (404, 410):
            raise FileNotFoundError(errno.ENOENT, told)
        if status in (401, 403):
            raise PermissionError(errno.EACCES, told)
        if status in (408, 429) or status >= 500:
            raise ConnectionError(told)
        # 416 is the answer for an object without a first byte.
        if not answer.ok and status != 416:
            raise OSError(told)
        whole = answer.headers.get("Content-Range", "").rpartition("/")[2]
        size = whole if whole.isdigit() else answer.headers.get("Content-Length", "")
        return {"size": int(size or 0), "etag": answer.headers.get("ETag", "")}
