"""Where documents live: one hand-written statement for each thing that is done to them.

A statement names the partition of its collection itself and reads the collection's version, so
that it never works by an outdated schema. Writes log their event in the same statement.
"""

from documents.store.listings import CursorNotFoundError, CursorWithoutValueError, Page, find
from documents.store.rows import (
    Change,
    DuplicateIdError,
    Grants,
    GrantTargetError,
    Log,
    Outcome,
    OversizedValueError,
    StoredDocument,
    UniqueValueError,
)
from documents.store.single import create, delete, get, operated, update

__all__ = [
    "Change",
    "CursorNotFoundError",
    "CursorWithoutValueError",
    "DuplicateIdError",
    "GrantTargetError",
    "Grants",
    "Log",
    "Outcome",
    "OversizedValueError",
    "Page",
    "StoredDocument",
    "UniqueValueError",
    "create",
    "delete",
    "find",
    "get",
    "operated",
    "update",
]
