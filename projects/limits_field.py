"""A project's own rate limits as text: a line per operation, such as `account.create 5 3600`."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminTextareaWidget

from gateway.operations import all_operations

MAX_CALLS = 1_000_000
MAX_WINDOW_SECONDS = 24 * 3600
_WORDS_IN_LINE = 3
_NUMBER = re.compile(r"[0-9]{1,9}")


class RateLimitsField(forms.CharField):
    """Reads `operation calls seconds` per line to `{operation: [calls, seconds]}`, and back."""

    widget = UnfoldAdminTextareaWidget

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return "\n".join(f"{name} {calls} {seconds}" for name, (calls, seconds) in value.items())

    def clean(self, value: Any) -> dict[str, list[int]]:
        lines = [line.split() for line in str(value or "").splitlines() if line.strip()]
        return dict(map(_limit, lines))


def _limit(words: list[str]) -> tuple[str, list[int]]:
    numbers = words[1:]
    if len(words) != _WORDS_IN_LINE or not all(map(_NUMBER.fullmatch, numbers)):
        raise ValidationError("Each line holds an operation, a number of calls and one of seconds.")
    name, (calls, seconds) = words[0], map(int, numbers)
    if name not in all_operations():
        raise ValidationError(f"There is no operation {name}.")
    if not (1 <= calls <= MAX_CALLS and 1 <= seconds <= MAX_WINDOW_SECONDS):
        raise ValidationError(
            f"At most {MAX_CALLS} calls in {MAX_WINDOW_SECONDS} seconds, and at least one in one."
        )
    return name, [calls, seconds]
