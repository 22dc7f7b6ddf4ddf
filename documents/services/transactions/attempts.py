"""Database transactions that are begun again where others are in the way, or undone on purpose."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.db import OperationalError, transaction
from psycopg import errors as pg_errors

from documents.catalog import DeadlockError
from kernel.errors import ApiError, ErrorKind

Result = TypeVar("Result")

MAX_ATTEMPTS = 4
_IN_THE_WAY = (
    pg_errors.DeadlockDetected,
    pg_errors.LockNotAvailable,
    pg_errors.SerializationFailure,
)


class _UndoError(Exception):
    """Takes back what a savepoint holds."""


def attempt(work: Callable[[], Result]) -> Result:
    """Do work in a database transaction, and again a few times while others hold what it needs.

    Raises: TRANSACTION_CONFLICT, and what the work raises
    """
    for _ in range(MAX_ATTEMPTS):
        try:
            with transaction.atomic():
                return work()
        except DeadlockError:
            continue
        except OperationalError as error:
            if not isinstance(error.__cause__, _IN_THE_WAY):
                raise
        except ApiError as error:
            if error.kind is not ErrorKind.SERVICE_UNAVAILABLE:
                raise
    raise ApiError(
        ErrorKind.TRANSACTION_CONFLICT, "Other writes hold what the transaction touches. Try again."
    )


@contextmanager
def undone() -> Iterator[None]:
    """Take back whatever the body writes, events and locks included."""
    try:
        with transaction.atomic():
            yield
            raise _UndoError
    except _UndoError:
        pass
