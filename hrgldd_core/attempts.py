"""How often something was begun and not ended: what ends the process that tries it names nobody.

A container that runs out of memory is killed with all that is in it. The next one finds how often
the same was begun before, and can leave it out instead of failing the rest too.
"""

from __future__ import annotations

from hrgldd_core import storage

__all__ = ["begin", "given_up", "settle"]


def begin(uri: str, *, tries: int) -> bool:
    """Note another attempt; False, and nothing noted any more, when there were enough.

    Args:
        uri: where the number of attempts is kept.
        tries: times that it is begun before it is given up.

    Raises:
        OutputError: when it cannot be written.
    """
    before = int(storage.read_json(uri)["begun"]) if storage.exists(uri) else 0
    if before >= tries:
        # A later run starts anew.
        storage.remove(uri)
        return False
    storage.write_json(uri, {"begun": before + 1})
    return True


def settle(uri: str) -> None:
    """Forget the attempts: it ended, well or not."""
    storage.remove(uri)


def given_up(what: str, *, tries: int) -> str:
    """The reason, in words."""
    return (
        f"{what}: ended the process that tried, {tries} times. Memory may have run out: give the "
        "step a profile with more of it and repeat the run."
    )
