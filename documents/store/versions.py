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
# A copy of a row has a version of its own, though nobody changed the document.
_KEEP = psql.SQL("""
    UPDATE document_staged_operation s SET touched = (
        SELECT jsonb_agg(CASE WHEN d.uid IS NULL THEN e.entry ELSE
            jsonb_set(e.entry, '{{2}}', to_jsonb(o.xmin::text)) END
            ORDER BY e.number)
        FROM jsonb_array_elements(s.touched) WITH ORDINALITY AS e (entry, number)
        LEFT JOIN {partition} d ON d.collection_id = %(collection)s::bigint
            AND d.uid = e.entry ->> 1 AND d.xmin::text = e.entry ->> 2
            AND e.entry -> 0 = to_jsonb(d.collection_id)
        LEFT JOIN {own} o ON o.collection_id = d.collection_id AND o.id = d.id
    )
    FROM document_transaction t
    WHERE t.id = s.transaction_id AND t.project_id = %(project)s::bigint
        AND s.touched @> jsonb_build_array(jsonb_build_array(%(collection)s::bigint))
""")
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

    def read(place: int) -> dict[str, str]:
        return dict(sql.fetch_all(_text(place, is_locking=is_locking), values))

    with guarded():
        return partitions.at_place(collection_id, read)


def keep_versions(project_id: int, collection_id: int, place: int) -> None:
    """Have what is staged expect the versions that the documents of a collection get by moving.

    Once all are copied to its own table, while nobody else writes them.
    """
    own = partitions.identifier(collection_id)
    text = _KEEP.format(partition=partitions.identifier(place), own=own).as_string(None)
    sql.execute(text, {"project": project_id, "collection": collection_id})


def newest_event(project_id: int) -> int:
    """Return the number of the last event that this database transaction has logged."""
    row = sql.fetch_one(_NEWEST_EVENT, (project_id,))
    return int(row[0]) if row else 0


def written_since(project_id: int, event_id: int) -> set[Place]:
    """Return the documents that this database transaction has written since an event of it.

    Every write logs an event, whichever statement makes it, and those of related documents too.
    """
    return {(row[0], row[1]) for row in sql.fetch_all(_WRITTEN, (project_id, event_id))}


def _text(place: int, *, is_locking: bool) -> LiteralString:
    read = _READ.format(partition=partitions.identifier(place))
    return (_LOCK.format(read=read) if is_locking else read).as_string(None)
