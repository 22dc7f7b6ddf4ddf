"""How much a JSON text may hold: a small text can name very many values, each of which costs."""

import re

from kernel.limits import MAX_JSON_VALUES

# Possessive, and fitting at every quote whatever follows: no text makes it step back or try anew.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)


class TooManyValuesError(ValueError):
    """A JSON text of more than `MAX_JSON_VALUES` values; parsed, it could fill the memory."""

    def __init__(self) -> None:
        super().__init__(f"JSON must not hold more than {MAX_JSON_VALUES:,} values")


def check_values(text: bytes) -> None:
    """Check a JSON text before it is parsed.

    Raises: TooManyValuesError
    """
    if len(text) <= MAX_JSON_VALUES or _marks(text, 0, len(text)) <= MAX_JSON_VALUES:
        return
    found = end = 0
    for place, string in enumerate(_STRING.finditer(text)):
        found += _marks(text, end, string.start())
        end = string.end()
        # Each string is a value or the name of one.
        if max(found, place // 2) > MAX_JSON_VALUES:
            raise TooManyValuesError
    if found + _marks(text, end, len(text)) > MAX_JSON_VALUES:
        raise TooManyValuesError


def _marks(text: bytes, start: int, end: int) -> int:
    """Count what values follow on, all but the first; outside of strings that is all of them."""
    return sum(text.count(mark, start, end) for mark in (b",", b"[", b"{"))
