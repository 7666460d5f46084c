"""How long work tells how far it is."""

from collections.abc import Callable
from typing import Protocol

__all__ = ["NotedProgress", "Progress", "no_progress"]

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


class NotedProgress(Protocol):
    """A `Progress` that also shows how it goes, in a few words."""

    def __call__(self, name: str, done: int, total: int, /, note: str = "") -> None:
        """Tell."""


def no_progress(name: str, done: int, total: int, /, note: str = "") -> None:
    """Tell nobody."""
