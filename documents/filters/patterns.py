"""Texts that a filter looks for: as a part of others, or by a regular expression."""

import re
from collections.abc import Mapping
from typing import LiteralString

from documents.filters.columns import refusal

#: Of each test the operator, and what comes before and after the text in its pattern.
PATTERNS: Mapping[str, tuple[LiteralString, str, str]] = {
    "startsWith": ("LIKE", "", "%"),
    "notStartsWith": ("NOT LIKE", "", "%"),
    "endsWith": ("LIKE", "%", ""),
    "notEndsWith": ("NOT LIKE", "%", ""),
}
_WILDCARDS = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})
#: Matching takes time that grows with the length of the text alone, unless it looks back.
_BACK_REFERENCE = re.compile(r"(?<!\\)(?:\\\\)*\\[1-9]")
_MAX_PATTERN_LENGTH = 512


def pattern(method: str, text: str) -> str:
    """Return the pattern of a test that `PATTERNS` lists."""
    _, before, after = PATTERNS[method]
    return f"{before}{_escaped(text)}{after}"


def substring(text: str) -> str:
    """Return the pattern of texts that hold this one."""
    return f"%{_escaped(text)}%"


def check_regex(name: str, regex: str) -> None:
    """Check a regular expression for the attribute `name`.

    Raises: QUERY_INVALID
    """
    reason = ""
    if len(regex) > _MAX_PATTERN_LENGTH:
        reason = f"is longer than {_MAX_PATTERN_LENGTH} characters"
    elif _BACK_REFERENCE.search(regex):
        reason = "refers back to a group"
    if reason:
        raise refusal(f'The regular expression for attribute "{name}" {reason}.')


def _escaped(value: str) -> str:
    return value.translate(_WILDCARDS)
