"""What a check found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal

from hrgldd_core.errors import HrglddError

__all__ = ["Check", "Finding", "checked"]


@dataclass(frozen=True)
class Finding:
    """The result of a check.

    Attributes:
        name: what was looked at.
        status: ``warning`` does not keep anything from working, ``failed`` does.
        found: in a few words.
        remedy: what to do, empty when all is well.
    """

    name: str
    status: Literal["ok", "warning", "failed"]
    found: str
    remedy: str = ""

    def document(self) -> dict[str, str]:
        """As JSON has it."""
        return asdict(self)

    def text(self) -> str:
        """A line for people."""
        line = f"{self.status:8}{self.name:10}{self.found}"
        return f"{line}\n{'':18}-> {self.remedy}" if self.remedy else line


Check = Callable[[], Finding]


def checked(name: str, check: Check) -> Finding:
    """The finding of a check; one that breaks has failed, whatever broke it."""
    try:
        return check()
    except HrglddError as error:
        return Finding(name, "failed", str(error), "See the message")
    except Exception as error:  # noqa: BLE001 - a broken library may raise anything
        found = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        remedy = "Install hrgldd anew from its lock file, or report this as a defect"
        return Finding(name, "failed", found, remedy)
