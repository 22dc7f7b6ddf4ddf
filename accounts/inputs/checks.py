"""Checks of values that shapes of several kinds share."""

from typing import Any

from kernel import addresses
from kernel.limits import MAX_URL_LENGTH


def link(value: object) -> str:
    """A URL for a mail; whether it leads to the project's own places is known to the services."""
    if isinstance(value, str) and len(value) <= MAX_URL_LENGTH:
        return addresses.url(value)
    raise ValueError("Value must be a valid URL")


def or_empty(check: Any) -> Any:
    """Let an empty text pass a check: it takes the value away."""

    def checked(value: object) -> Any:
        return "" if value == "" else check(value)

    return checked
