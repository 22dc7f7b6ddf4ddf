"""Every error a client can meet, and the one exception that services raise on purpose."""

from typing import Any

from kernel.errors.accounts import AccountErrors
from kernel.errors.documents import DocumentErrors
from kernel.errors.general import GeneralErrors
from kernel.errors.kind import Kind
from kernel.errors.projects import ProjectErrors
from kernel.errors.realtime import RealtimeErrors

__all__ = ["ApiError", "ErrorKind", "Kind", "invalid"]


class ErrorKind(GeneralErrors, ProjectErrors, AccountErrors, DocumentErrors, RealtimeErrors):
    """The one table of all kinds of errors; each base holds those of one app."""


class ApiError(Exception):
    """A refusal a client is told about: its kind, a message, and headers for the answer."""

    def __init__(
        self, kind: Kind, message: str = "", *, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message or kind.message)
        self.kind = kind
        self.message = message or kind.message
        self.headers = headers or {}

    def body(self, version: str) -> dict[str, Any]:
        """Return the error envelope `{message, code, type, version}`."""
        return {
            "message": self.message,
            "code": self.kind.status,
            "type": self.kind.type,
            "version": version,
        }


def invalid(name: str, reason: str) -> ApiError:
    """Return the error for a parameter that failed its check."""
    return ApiError(ErrorKind.ARGUMENT_INVALID, f"Invalid `{name}` param: {reason}")
