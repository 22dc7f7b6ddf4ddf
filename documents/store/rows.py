"""Documents as rows: what statements take and give, and how they are run."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from django.db import DatabaseError, connection, transaction
from psycopg import errors as pg_errors

from documents.catalog import CollectionSchema, DeadlockError, StaleSchemaError
from documents.indexes import OWN_INDEXES
from documents.operators import Operation
from kernel import sql
from kernel.errors import ApiError, ErrorKind


class StoredDocument(NamedTuple):
    """A document as its row holds it: values by the stored names of their attributes.

    Times are written as in answers.
    """

    id: int
    uid: str
    data: Mapping[str, Any]
    permissions: Sequence[str]
    created_at: str
    updated_at: str


class DuplicateIdError(Exception):
    """The collection has a document with this id."""


class UniqueValueError(Exception):
    """A unique index has these values."""


class OversizedValueError(Exception):
    """A value is too long for an index on it."""


class GrantTargetError(Exception):
    """A grant that is written names a group or a permission that is gone; reads never meet it."""


@dataclass(frozen=True, slots=True)
class Grants:
    """A permission list as it is stored: the texts, and a guardian row for each of them."""

    texts: Sequence[str]
    group_ids: Sequence[int]
    permission_ids: Sequence[int]


NO_GRANTS = Grants((), (), ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """What the outbox row of a write holds; the statement adds the rest from the document.

    `fixed` are the payload's entries that are the same for all documents of the collection.
    """

    name: str
    fixed: Mapping[str, str]
    roles: Sequence[str]
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What an update does: sets `data`, does `operations` after that, and drops values by name.

    It happens only if `is_granted` or the document holds one of `granting`, the texts of the
    permissions that would do, and if the document has not changed since `unless_after`.
    """

    data: Mapping[str, Any]
    dropped: Sequence[str]
    operations: Sequence[Operation]
    grants: Grants | None
    created_at: datetime | None
    updated_at: datetime
    has_own_time: bool
    is_granted: bool
    granting: Sequence[str]
    unless_after: datetime | None

    @property
    def is_merge(self) -> bool:
        """Whether it does no more than to set and drop values, whatever the document is now."""
        is_more = self.operations or self.has_own_time or self.created_at or self.unless_after
        return self.grants is None and not is_more


class Outcome(NamedTuple):
    """What became of a write: the document after it, and the outbox row unless it was refused.

    A fault says which operation the stored value does not allow, and why (`operators.fault_of`).
    """

    is_change: bool
    is_granted: bool
    is_late: bool
    fault: str | None
    event_id: int | None
    document: StoredDocument


@contextmanager
def guarded(*, is_part: bool = False) -> Iterator[None]:
    """Translate what the database refuses; inside a transaction, without spoiling that.

    As a part of a transaction that fails as a whole it needs no savepoint.

    Raises: StaleSchemaError, DeadlockError; of writes UniqueValueError and OversizedValueError, of
        those that insert DuplicateIdError, of those with grants GrantTargetError; of those with
        conditions ApiError (QUERY_INVALID)
    """
    try:
        is_inside = connection.in_atomic_block
        with transaction.atomic(savepoint=not is_part) if is_inside else nullcontext():
            yield
    except DatabaseError as error:
        match error.__cause__:
            case pg_errors.UniqueViolation() as violation:
                name = violation.diag.constraint_name or ""
                is_value = name.startswith(OWN_INDEXES)
                raise (UniqueValueError if is_value else DuplicateIdError) from error
            case pg_errors.InvalidRegularExpression() as refused:
                reason = refused.diag.message_primary or "invalid regular expression"
                raise ApiError(ErrorKind.QUERY_INVALID, f"Invalid query: {reason}") from error
            case pg_errors.DeadlockDetected():  # the others go on; the work is done once more
                raise DeadlockError from error
            case pg_errors.ProgramLimitExceeded():
                raise OversizedValueError from error
            case pg_errors.ForeignKeyViolation():
                raise GrantTargetError from error
            case pg_errors.UndefinedTable():  # the partition is gone, and so is the collection
                raise StaleSchemaError from error
        raise


def check_version(schema: CollectionSchema, row: sql.Row | None) -> None:
    """Compare the version in the first column of a result.

    Raises:
        StaleSchemaError: It is not the schema's.
    """
    if row is None or row[0] != schema.version:
        raise StaleSchemaError


def document(row: sql.Row) -> StoredDocument:
    """Read a document from the columns id, uid, data, permissions, created_at, updated_at."""
    number, uid, data, permissions, created_at, updated_at = row
    return StoredDocument(number, uid, orjson.loads(data), permissions, created_at, updated_at)
