"""Where documents live: one hand-written statement for each thing that is done to them.

A statement names the partition of its collection itself and reads the collection's version, so
that it never works by an outdated schema. Writes log their event in the same statement.
"""

from documents.store.bulk import (
    FaultyRowError,
    LateRowError,
    Row,
    TooManyRowsError,
    Written,
    change_found,
    change_many,
    create_many,
    delete_found,
    lock_existing,
)
from documents.store.changes import (
    Changed,
    Changes,
    LoggedEvent,
    Missed,
    Viewer,
    changes,
    here,
    missed,
)
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
    "Changed",
    "Changes",
    "CursorNotFoundError",
    "CursorWithoutValueError",
    "DuplicateIdError",
    "FaultyRowError",
    "GrantTargetError",
    "Grants",
    "LateRowError",
    "Log",
    "LoggedEvent",
    "Missed",
    "Outcome",
    "OversizedValueError",
    "Page",
    "Row",
    "StoredDocument",
    "TooManyRowsError",
    "UniqueValueError",
    "Viewer",
    "Written",
    "change_found",
    "change_many",
    "changes",
    "create",
    "create_many",
    "delete",
    "delete_found",
    "find",
    "get",
    "here",
    "lock_existing",
    "missed",
    "operated",
    "update",
]
