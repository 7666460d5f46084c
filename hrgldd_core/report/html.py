"""What all self-contained pages share: templates with escaping, inlined files, their digests."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["asset", "digest", "environment"]


@cache
def environment(package: str) -> Environment:
    """Templates of a package's folder ``templates``; everything is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader(package, "templates"),
        autoescape=True,  # select_autoescape would not know the suffix .j2
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def asset(package: str, name: str) -> str:
    """A style sheet or script of a package's folder ``templates``, as it stands."""
    from markupsafe import Markup

    source = files(package).joinpath("templates", name).read_text("utf-8")
    return Markup(source)  # noqa: S704 - a file of this package


def digest(content: str) -> str:
    """The source expression that allows exactly this inline text (CSP 3, section 2.3.1)."""
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"
