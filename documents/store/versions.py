"""Versions of documents, by which a transaction tells that somebody else changed one.

A version is the id of the database transaction that wrote the row. It needs no clock, no client
can set it, and whatever changes a document, grants included, gives it another one.
"""

from collections.abc import Collection
from typing import LiteralString

from psycopg import sql as psql

from documents import partitions
from documents.store.rows import guarded
from kernel import sql

#: A document, by the number of its collection and its public id.
Place = tuple[int, str]

_READ = psql.SQL("""
    SELECT d.uid, d.xmin::text FROM {partition} d
    WHERE d.collection_id = %(collection)s::bigint AND d.uid = ANY(%(uids)s::text[])
    ORDER BY d.id
""")
_LOCK = psql.SQL("{read} FOR NO KEY UPDATE")
_NEWEST_EVENT = (
    "SELECT coalesce(max(id), 0) FROM outbox WHERE project_id = %s AND xid = pg_current_xact_id()"
)
_WRITTEN = """
    SELECT DISTINCT c.id, o.payload ->> '$id' FROM outbox o
    JOIN document_database b ON b.project_id = o.project_id
        AND b.uid = o.payload ->> '$databaseId' AND b.deleted_at IS NULL
    JOIN document_collection c ON c.database_id = b.id AND c.deleted_at IS NULL
        AND c.uid = coalesce(o.payload ->> '$collectionId', o.payload ->> '$tableId')
    WHERE o.project_id = %s AND o.xid = pg_current_xact_id() AND o.id > %s AND o.payload ? '$id'
"""


def versions(
    collection_id: int, uids: Collection[str], *, is_locking: bool = False
) -> dict[str, str]:
    """Return the versions of the documents that are there, by their ids.

    Locks are taken in the order of ids, as all writes of many take them.

    Raises:
        StaleSchemaError: The collection is gone.
    """
    values = {"collection": collection_id, "uids": sorted(uids)}
    with guarded():
        return dict(sql.fetch_all(_text(collection_id, is_locking=is_locking), values))


def newest_event(project_id: int) -> int:
    """Return the number of the last event that this database transaction has logged."""
    row = sql.fetch_one(_NEWEST_EVENT, (project_id,))
    return int(row[0]) if row else 0


def written_since(project_id: int, event_id: int) -> set[Place]:
    """Return the documents that this database transaction has written since an event of it.

    Every write logs an event, whichever statement makes it, and those of related documents too.
    """
    return {(row[0], row[1]) for row in sql.fetch_all(_WRITTEN, (project_id, event_id))}


def _text(collection_id: int, *, is_locking: bool) -> LiteralString:
    read = _READ.format(partition=partitions.identifier(collection_id))
    return (_LOCK.format(read=read) if is_locking else read).as_string(None)
