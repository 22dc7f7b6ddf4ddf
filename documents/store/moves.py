"""Documents on their way from a shared partition to their collection's own one.

They are copied while they are used. What was written meanwhile is told by the transactions that
wrote it, and copied once more, until nobody but the last ones has to be waited for.
"""

from typing import LiteralString

from psycopg import sql as psql

from documents import partitions
from documents.store.totals import HOLDS
from kernel import sql

#: Of a transaction that writes: the feed of changes waits for those.
BATCH = 2000
_COLUMNS = "id, collection_id, uid, data, permissions, read_roles, created_at, updated_at"

_SNAPSHOT = "SELECT pg_current_snapshot()::text"
# Of two documents that had one id in turn, the later one is found by catching up.
_COPY: LiteralString = """
    WITH next AS (
        SELECT * FROM {shared} WHERE collection_id = %(collection)s::bigint AND id > %(last)s
        ORDER BY id LIMIT %(limit)s
    ), copied AS (
        INSERT INTO {own} ({columns}, place)
        SELECT {columns}, %(collection)s::bigint FROM next ON CONFLICT DO NOTHING
    )
    SELECT max(id) FROM next
"""
_IS_EQUAL = psql.SQL("SELECT {holds}").format(holds=HOLDS)
# Written by a transaction that the snapshot did not see, or by one of about that time.
_IS_NEW: LiteralString = "age(d.xmin) <= age(pg_snapshot_xmin(%(seen)s::pg_snapshot)::xid)"
_DROP_OLD: LiteralString = """
    DELETE FROM {own} o WHERE NOT EXISTS (
        SELECT 1 FROM {shared} d
        WHERE d.collection_id = %(collection)s::bigint AND d.id = o.id AND NOT {is_new}
    )
"""
_ADD_NEW: LiteralString = """
    INSERT INTO {own} ({columns}, place)
    SELECT {columns}, %(collection)s::bigint FROM {shared} d
    WHERE d.collection_id = %(collection)s::bigint AND {is_new} ON CONFLICT DO NOTHING
"""
_CLEAR = """
    DELETE FROM document WHERE place < 0 AND collection_id = %(collection)s::bigint AND id IN (
        SELECT id FROM document WHERE place < 0 AND collection_id = %(collection)s::bigint
        ORDER BY id LIMIT %(limit)s
    )
"""


def snapshot() -> str:
    """Return what tells the writes that are committed now from later ones."""
    row = sql.fetch_one(_SNAPSHOT)
    return row[0] if row else ""


def copy(collection_id: int, place: int) -> None:
    """Copy the documents of a collection from a shared place to its own table, in batches."""
    text = _text(_COPY, collection_id, place)
    values = {"collection": collection_id, "last": 0, "limit": BATCH}
    while (row := sql.fetch_one(text, values)) and row[0] is not None:
        values["last"] = row[0]


def catch_up(collection_id: int, place: int, seen: str) -> int:
    """Copy what was written since a snapshot once more; return how many rows that took.

    Whoever writes meanwhile has to be caught up with by another call.
    """
    values = {"collection": collection_id, "seen": seen}
    row = sql.fetch_one(_IS_EQUAL.as_string(None), values)
    if row and row[0]:
        return 0
    dropped = sql.execute(_text(_DROP_OLD, collection_id, place), values)
    return dropped + sql.execute(_text(_ADD_NEW, collection_id, place), values)


def clear(collection_id: int) -> None:
    """Delete what a collection has in shared partitions, in batches; grants stay."""
    while sql.execute(_CLEAR, {"collection": collection_id, "limit": BATCH}):
        pass


def _text(statement: LiteralString, collection_id: int, place: int) -> LiteralString:
    whole = psql.SQL(statement).format(
        own=partitions.identifier(collection_id),
        shared=partitions.identifier(place),
        columns=psql.SQL(_COLUMNS),
        is_new=psql.SQL(_IS_NEW),
    )
    return whole.as_string(None)
