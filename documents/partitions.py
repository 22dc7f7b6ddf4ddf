"""The tables of documents: which one a collection's are in, and how its own comes and goes.

The table of documents is partitioned by a number, the place. A large collection, or one with
indexes, has a partition of its own, whose place is the collection's id. The others share a few,
whose places are below zero. A collection moves once at most, from a shared partition to its own,
and its version grows with that: what goes by the old place finds another version.
"""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.db import connection
from psycopg import sql as psql

from kernel import sql

Result = TypeVar("Result")

#: Partitions that collections share. Each connection comes to know every one of them.
SHARED = 16
#: More documents than that ask for a partition of their own; a trigger counts them (migration 15).
SHARED_MAX_DOCUMENTS = 1000
_OWN = psql.SQL("""
    CREATE TABLE {own} (LIKE {shared} INCLUDING ALL, CONSTRAINT placed CHECK (place = {place}));
    ALTER TABLE {own} ALTER COLUMN place SET DEFAULT {place};
    CREATE INDEX ON {own} USING gin (read_roles);
""")
# With the constraint no row has to be looked at; from then on it is the partition's.
_ATTACH = psql.SQL("""
    ALTER TABLE document ATTACH PARTITION {own} FOR VALUES IN ({place});
    ALTER TABLE {own} DROP CONSTRAINT placed;
""")
_HOLD = psql.SQL("LOCK TABLE {} IN SHARE MODE")
_PLACE = "SELECT place FROM document_collection WHERE id = %s"
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


class BusyError(RuntimeError):
    """Another process works on the same tables."""


def name(place: int) -> str:
    """Return the table at a place."""
    return f"document_shared_{-place:d}" if is_shared(place) else f"document_{place:d}"


def identifier(place: int) -> psql.Identifier:
    return psql.Identifier(name(place))


def placed(template: sql.Numbered, place: int) -> sql.Numbered:
    """Return a statement on the partition at a place, from one on that of `TEMPLATE`."""
    return template.replace(f'"{name(TEMPLATE)}"', f'"{name(place)}"')


def is_shared(place: int) -> bool:
    return place < 0


def shared_place() -> int:
    """Return the place of a new collection."""
    return -1 - secrets.randbelow(SHARED)


def place_of(collection_id: int) -> int:
    """Return the place of a collection; of one that is gone, that of a table that is gone too."""
    row = sql.fetch_one(_PLACE, (collection_id,))
    return int(row[0]) if row else collection_id


def at_place(collection_id: int, work: Callable[[int], Result]) -> Result:
    """Do work on the documents of a collection, and again where they have moved meanwhile.

    For statements that do not read the version: on documents that have left they do nothing.
    """
    place = place_of(collection_id)
    while True:
        result = work(place)
        if not is_shared(place):
            return result
        before, place = place, place_of(collection_id)
        if place == before:
            return result


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
    """Make the partition of one collection, in a transaction."""
    create_table(collection_id)
    attach(collection_id)


def create_table(collection_id: int) -> None:
    """Make what is to be the partition of one collection.

    It has the keys of shared ones, and ids of the same sequence. The index on roles is only here:
    of many small collections together it would mislead.
    """
    own, place = identifier(collection_id), psql.Literal(collection_id)
    define(_OWN.format(own=own, shared=identifier(-1), place=place))


def attach(collection_id: int) -> None:
    """Add a collection's own table to those of documents, in a transaction."""
    define(_ATTACH.format(own=identifier(collection_id), place=psql.Literal(collection_id)))


def analyze(collection_id: int) -> None:
    """Have the database look at what is in a collection's own table."""
    define(psql.SQL("ANALYZE {}").format(identifier(collection_id)))


def exists(place: int) -> bool:
    row = sql.fetch_one("SELECT to_regclass(%s) IS NOT NULL", (name(place),))
    return bool(row and row[0])


def hold_writers(place: int) -> None:
    """Wait for the writes under way in a partition; others wait until the transaction ends."""
    define(_HOLD.format(identifier(place)))


def detach(collection_id: int) -> None:
    """Take a collection's own partition out of the table; a second call finishes a first one.

    Outside a transaction nobody waits: a plain DROP would stop every statement on any document
    until the longest running one has ended. PostgreSQL does this for one partition at a time.

    Raises:
        BusyError: Another process is at it.
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
        BusyError: Another process is inside.
    """
    row = sql.fetch_one(_LOCK, (lock_space, number))
    if row is None or not row[0]:
        raise BusyError(f"another process works on tables of documents ({number})")
    try:
        yield
    finally:
        sql.execute(_UNLOCK, (lock_space, number))


def drop(collection_id: int) -> None:
    """Delete a collection's own partition with all its documents."""
    detach(collection_id)
    drop_table(collection_id)


def drop_table(collection_id: int) -> None:
    """Delete a collection's own table, which is no partition, if there is one."""
    define(_DROP.format(identifier(collection_id)))
