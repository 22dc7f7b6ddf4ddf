"""The partition of each collection: its name, how it is made, and how it goes away."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from psycopg import sql as psql

from kernel import sql

_CREATE = psql.SQL("CREATE TABLE {} (LIKE document INCLUDING ALL EXCLUDING IDENTITY)")
_ATTACH = psql.SQL("ALTER TABLE document ATTACH PARTITION {} FOR VALUES IN ({})")
_DETACH = psql.SQL("ALTER TABLE document DETACH PARTITION {}{}")
_DROP = psql.SQL("DROP TABLE IF EXISTS {}")
_LIFT_LIMITS = psql.Composed([psql.SQL("SET statement_timeout = 0; SET lock_timeout = 0")])
_RESTORE_LIMITS = psql.Composed([psql.SQL("RESET statement_timeout; RESET lock_timeout")])
_STATE = (
    "SELECT i.inhdetachpending FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid"
    " WHERE c.oid = to_regclass(%s)"
)


def name(collection_id: int) -> str:
    """Return the table that holds the documents of a collection."""
    return f"document_{collection_id:d}"


def identifier(collection_id: int) -> psql.Identifier:
    return psql.Identifier(name(collection_id))


def define(statement: psql.Composed) -> None:
    """Run a statement that changes tables; such a one is not worth preparing."""
    with connection.cursor() as cursor:
        cursor.execute(statement)


@contextmanager
def unhurried() -> Iterator[None]:
    """Lift the limits on how long a statement may run and wait, which are meant for requests."""
    if connection.in_atomic_block:
        yield
        return
    define(_LIFT_LIMITS)
    try:
        yield
    finally:
        define(_RESTORE_LIMITS)


def create(collection_id: int) -> None:
    """Make the partition of a new collection, in the transaction that makes the collection.

    Its own indexes and keys are those of the parent; ids come from the parent's sequence.
    """
    partition = identifier(collection_id)
    define(_CREATE.format(partition))
    define(_ATTACH.format(partition, psql.Literal(collection_id)))


def exists(collection_id: int) -> bool:
    row = sql.fetch_one("SELECT to_regclass(%s) IS NOT NULL", (name(collection_id),))
    return bool(row and row[0])


def detach(collection_id: int) -> None:
    """Take a partition out of the table of documents; a second call finishes an interrupted one.

    Outside a transaction nobody waits: a plain DROP would stop every statement on any document
    until the longest running one has ended.
    """
    row = sql.fetch_one(_STATE, (name(collection_id),))
    if row is None or row[0] is None:
        return
    if row[0]:
        how = " FINALIZE"
    else:
        how = "" if connection.in_atomic_block else " CONCURRENTLY"
    define(_DETACH.format(identifier(collection_id), psql.SQL(how)))


def drop(collection_id: int) -> None:
    """Delete a partition with all its documents."""
    detach(collection_id)
    define(_DROP.format(identifier(collection_id)))
