"""Public identifiers: which are valid, and how new ones are made."""

import os
import re
import secrets

GENERATED_ID_BYTES = 10
MAX_ID_LENGTH = 36
UNIQUE_ID = "unique()"
#: How many are made for one call of the system's random numbers, which lets other threads run.
MADE_AT_ONCE = 64

_ready: list[str] = []
os.register_at_fork(after_in_child=_ready.clear)  # two processes must not give out the same

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,35}\Z")


def unique_id() -> str:
    """Return a new id: 20 lower-case hexadecimal characters."""
    while True:
        try:
            return _ready.pop()
        except IndexError:
            _ready.extend(unique_ids(MADE_AT_ONCE))


def unique_ids(count: int) -> list[str]:
    """Return new ids, as `unique_id` makes them, for one call of the system's random numbers."""
    digits = secrets.token_hex(GENERATED_ID_BYTES * count)
    size = 2 * GENERATED_ID_BYTES
    return [digits[start : start + size] for start in range(0, len(digits), size)]


def is_valid_id(value: str) -> bool:
    """Tell whether `value` may name a row (reference: ids, 1 to 36 characters)."""
    return _ID.match(value) is not None


def resolve_id(value: str) -> str:
    """Return `value`, or a new id where the client asked for `unique()`."""
    return unique_id() if value == UNIQUE_ID else value
