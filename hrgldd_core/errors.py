"""One family of errors; each message says what is wrong, where, and what to do."""

from collections.abc import Iterable

__all__ = ["AccessError", "HrglddError", "InputError", "OutputError", "OutputExistsError", "some"]

_MOST = 3


class HrglddError(Exception):
    """Base of every error raised on purpose by this package.

    ``exit_code`` is what the command line exits with.
    """

    exit_code = 1


class InputError(HrglddError):
    """Bad input or configuration: nothing was written."""

    exit_code = 2

    def __init__(self, problem: str, *, where: str = "", remedy: str = "") -> None:
        """Build the message ``where: problem. remedy.`` from its three parts."""
        self.problem, self.where, self.remedy = problem, where, remedy
        head = f"{where}: {problem}" if where else problem
        end = "" if remedy.endswith("?") else "."
        super().__init__(f"{head.rstrip('.')}. {remedy.rstrip('.')}{end}" if remedy else head)


class AccessError(InputError):
    """Credentials are missing, wrong or expired."""


class OutputExistsError(InputError):
    """The output prefix already holds a different result."""


class OutputError(InputError):
    """The output cannot be written: not a fault of any scene."""


def some(reasons: Iterable[str], *, between: str = "; ") -> str:
    """The first three of many reasons, and how many more there are."""
    found = list(reasons)
    more = [f"and {len(found) - _MOST} more"] if len(found) > _MOST else []
    return between.join([*found[:_MOST], *more])
