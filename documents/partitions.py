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
_ATTACHED = "SELECT 1 FROM pg_inherits WHERE inhrelid = to_regclass(%s)"
_PENDING = (
    "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
    " WHERE i.inhparent = 'document'::regclass AND i.inhdetachpending"
)
_DETACHING = 0x5157_4E05
#: Stands for a partition in statements that are composed for all of them. No collection has it.
TEMPLATE = 0
_LOCK = "SELECT pg_try_advisory_lock(%s::int, (%s %% 2147483647)::int)"
_UNLOCK = "SELECT pg_advisory_unlock(%s::int, (%s %% 2147483647)::int)"


def name(collection_id: int) -> str:
    """Return the table that holds the documents of a collection."""
    return f"document_{collection_id:d}"


def identifier(collection_id: int) -> psql.Identifier:
    return psql.Identifier(name(collection_id))


def placed(template: sql.Numbered, collection_id: int) -> sql.Numbered:
    """Return a statement on the partition of a collection, from one on that of `TEMPLATE`."""
    return template.replace(f'"{name(TEMPLATE)}"', f'"{name(collection_id)}"')


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
    until the longest running one has ended. PostgreSQL does this for one partition at a time.

    Raises:
        RuntimeError: Another process is at it.
    """
    with alone(_DETACHING, 0):
        for (pending,) in sql.fetch_all(_PENDING):
            define(_DETACH.format(psql.Identifier(pending), psql.SQL(" FINALIZE")))
        if sql.fetch_one(_ATTACHED, (name(collection_id),)):
            how = psql.SQL("" if connection.in_atomic_block else " CONCURRENTLY")
            define(_DETACH.format(identifier(collection_id), how))


@contextmanager
def alone(lock_space: int, number: int) -> Iterator[None]:
    """Refuse whoever comes second. They must not wait: index builds wait for every statement.

    Raises:
        RuntimeError: Another process is inside.
    """
    row = sql.fetch_one(_LOCK, (lock_space, number))
    if row is None or not row[0]:
        raise RuntimeError(f"another process works on tables of documents ({number})")
    try:
        yield
    finally:
        sql.execute(_UNLOCK, (lock_space, number))


def drop(collection_id: int) -> None:
    """Delete a partition with all its documents."""
    detach(collection_id)
    define(_DROP.format(identifier(collection_id)))
