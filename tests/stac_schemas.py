"""The JSON schemas of STAC extensions, for validation without a network.

``python -m tests.stac_schemas`` (or ``make schemas``) fetches them once into ``.cache/``. Their web
site is not needed: the source archives of PySTAC's extension packages carry recorded responses.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

__all__ = ["FOLDER", "read_schemas"]

_HERE = Path(__file__).parent
FOLDER = _HERE.parent / ".cache" / "stac-schemas"

_CLASSES = "https://stac-extensions.github.io/classification/v{}/schema.json"


def read_schemas() -> dict[str, dict[str, Any]]:
    """Schema of each URL that was fetched; empty when none was."""
    schemas = {
        f"https://{path.relative_to(FOLDER).as_posix()}": json.loads(path.read_text())
        for path in sorted(FOLDER.rglob("*.json"))
    }
    if schemas:
        # MLM 1.4 refers to the classes of 1.1, which no archive carries; 2.0 asks for more.
        schemas[_CLASSES.format("1.1.0")] = schemas[_CLASSES.format("2.0.0")]
    return schemas


def extract(archive: Path, folder: Path) -> None:
    """Write every recorded ``*schema.json`` of an archive to ``folder/<host>/<path>``."""
    bodies: dict[str, str] = {}
    redirects: dict[str, str] = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            if "/cassettes/" not in member.name or not member.name.endswith(".yaml"):
                continue
            for exchange in yaml.safe_load(tar.extractfile(member))["interactions"]:
                url, answer = exchange["request"]["uri"], exchange["response"]
                if not url.endswith("schema.json"):
                    continue
                if answer["status"]["code"] == 200:
                    bodies[url] = answer["body"]["string"]
                elif target := answer["headers"].get("Location"):
                    redirects[url] = target[0]
    bodies |= {url: bodies[target] for url, target in redirects.items() if target in bodies}
    for url, body in bodies.items():
        parts = urlsplit(url)
        path = folder / parts.netloc / parts.path.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(json.loads(body), indent=1))


def main() -> None:
    """Fetch the archives (hashes checked) and extract their schemas."""
    pins = _HERE / "stac-schemas.txt"
    # By name: with ":all:" pip would build the archives' own build tools from source as well.
    names = ",".join(re.findall(r"^([\w-]+)==", pins.read_text(), re.MULTILINE))
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [
                sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
                "--no-binary", names, "--require-hashes",
                "--requirement", str(pins), "--dest", folder,
            ],
            check=True,
        )  # fmt: skip
        for archive in sorted(Path(folder).glob("*.tar.gz")):
            extract(archive, FOLDER)
    print(f"{len(read_schemas())} schemas in {FOLDER}")  # noqa: T201


if __name__ == "__main__":
    main()
