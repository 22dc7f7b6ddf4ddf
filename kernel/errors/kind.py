"""What tells one error from another."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """Public error type, HTTP status and default message (reference: errors.json)."""

    type: str
    status: int
    message: str
