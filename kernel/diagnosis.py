"""What `doctor` looks at: each app registers its own checks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.db import Error

Check = Callable[[], str]
_checks: dict[str, Check] = {}


class ProblemError(Exception):
    """Raised by a check; its text says what is wrong and what to do about it."""


@dataclass(frozen=True, slots=True)
class Finding:
    name: str
    is_well: bool
    text: str


def check(name: str) -> Callable[[Check], Check]:
    """Register a check: it returns what it found, or raises `ProblemError`."""

    def register(function: Check) -> Check:
        _checks[name] = function
        return function

    return register


def findings() -> Iterator[Finding]:
    """Run every check in the order of registration; a failing one does not stop the others."""
    for name, function in _checks.items():
        try:
            yield Finding(name, is_well=True, text=function())
        except (ProblemError, Error) as error:
            yield Finding(name, is_well=False, text=str(error).strip())
