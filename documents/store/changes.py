"""What changed since a place in the log: as the documents are now, or as the events told it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, LiteralString

import orjson
from psycopg import sql as psql

from documents import partitions
from documents.catalog import CollectionSchema
from documents.cursors import Place
from documents.store.epochs import Epoch
from documents.store.rows import StoredDocument, check_version, document, guarded
from documents.store.statements import COLUMNS
from documents.vocabulary import VOCABULARIES
from kernel import sql

#: Rows of the log that one page looks at; those of other collections are passed over.
SCANNED_BY_PAGE = 10_000
#: And those that are looked at before somebody who missed more is told to read the list anew.
SCANNED_BY_REPLAY = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who looks: somebody who may read every document, or what some roles may read."""

    sees_all: bool
    roles: Sequence[str]
    epoch: Epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A document that changed, as it is now; None where it is gone, or out of the viewer's sight.

    `was_visible` tells whether the viewer could read it before.
    """

    uid: str
    was_visible: bool
    changed_at: datetime
    document: StoredDocument | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """A page of changes, and the place behind it."""

    changed: list[Changed]
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedEvent:
    """An event of the log."""

    id: int
    name: str
    payload: Mapping[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """The events since a place, in the order they were logged, and the place behind them.

    They are not complete where there were too many.
    """

    events: list[LoggedEvent]
    place: Place
    is_complete: bool


_HERE: LiteralString = """
    SELECT c.version, pg_current_snapshot()::text FROM document_collection c
    WHERE c.id = %(collection)s::bigint AND c.deleted_at IS NULL
"""
# The snapshot of a page that is the first since a place is its own.
_SPAN: LiteralString = """
    span AS MATERIALIZED (
        SELECT %(seen)s::pg_snapshot AS seen,
            coalesce(nullif(%(until)s::text, '')::pg_snapshot, pg_current_snapshot()) AS until
    ),
    slice AS MATERIALIZED (
        SELECT o.* FROM outbox o
        WHERE o.project_id = %(project)s::bigint AND o.id > %(before)s::bigint
            AND (o.xid, o.id) > (%(xid)s::text::xid8, %(id)s::bigint)
            AND o.xid < (SELECT pg_snapshot_xmax(until) FROM span)
        ORDER BY o.xid, o.id LIMIT %(scanned)s::bigint
    )
"""
_OF_COLLECTION: LiteralString = (
    "(starts_with(s.name, %(legacy)s) OR starts_with(s.name, %(tables)s))"
)
# The uid is in the name: a payload may be large, and is not needed for a document as it is now.
_PAGE: LiteralString = """
    WITH {span},
    found AS MATERIALIZED (
        SELECT s.xid, s.id, s.created_at,
            replace(split_part(s.name, '.', 6), '/', '.') AS uid,
            NOT s.is_creation AND (%(sees_all)s OR
                coalesce(s.previous_roles, s.roles) && %(roles)s::text[]) AS was_visible
        FROM slice s CROSS JOIN span
        WHERE {of_collection} AND NOT pg_visible_in_snapshot(s.xid, span.seen)
            AND pg_visible_in_snapshot(s.xid, span.until)
        ORDER BY s.xid, s.id LIMIT %(limit)s::bigint
    ),
    stop AS (
        SELECT xid, id FROM found WHERE (SELECT count(*) FROM found) = %(limit)s::bigint
        UNION ALL
        SELECT xid, id FROM slice WHERE (SELECT count(*) FROM found) < %(limit)s::bigint
            AND (SELECT count(*) FROM slice) = %(scanned)s::bigint
        ORDER BY xid DESC, id DESC LIMIT 1
    ),
    changed AS (
        SELECT uid, (array_agg(was_visible ORDER BY xid, id))[1] AS was_visible,
            max(created_at) AS changed_at, max(id) AS place
        FROM found GROUP BY uid
    )
    SELECT c.version, span.until::text, stop.xid::text, stop.id, ch.uid, ch.was_visible,
        ch.changed_at, {columns}
    FROM document_collection c CROSS JOIN span LEFT JOIN stop ON true LEFT JOIN changed ch ON true
    LEFT JOIN {partition} d ON d.collection_id = c.id AND d.uid = ch.uid
        AND (%(sees_all)s OR d.read_roles && %(roles)s::text[])
    WHERE c.id = %(collection)s::bigint AND c.deleted_at IS NULL ORDER BY ch.place
"""
# An event shows its document as it was: to those who could read it then, and still may.
_MISSED: LiteralString = """
    WITH {span},
    found AS MATERIALIZED (
        SELECT s.* FROM slice s CROSS JOIN span
        LEFT JOIN {partition} d ON d.collection_id = %(collection)s::bigint
            AND d.uid = replace(split_part(s.name, '.', 6), '/', '.')
        WHERE {of_collection} AND NOT pg_visible_in_snapshot(s.xid, span.seen)
            AND NOT (pg_visible_in_snapshot(s.xid, nullif(%(known)s::text, '')::pg_snapshot)
                AND (s.xid, s.id) <= (%(known_xid)s::text::xid8, %(known_id)s::bigint)) IS TRUE
            AND s.roles && %(roles)s::text[]
            AND (%(sees_all)s OR d.id IS NULL OR d.read_roles && %(roles)s::text[])
        ORDER BY s.id LIMIT %(limit)s::bigint
    )
    SELECT c.version, span.until::text, (SELECT count(*) FROM slice), f.id, f.name,
        CASE WHEN f.bytes <= %(bytes)s::bigint THEN f.payload::text END, f.created_at
    FROM document_collection c CROSS JOIN span LEFT JOIN (
        SELECT *, sum(octet_length(payload::text)) OVER (ORDER BY id) AS bytes FROM found
    ) f ON true
    WHERE c.id = %(collection)s::bigint AND c.deleted_at IS NULL ORDER BY f.id
"""


def here(schema: CollectionSchema) -> Place:
    """Return the place where everything that is committed is known.

    Raises:
        StaleSchemaError: The collection has another version.
    """
    row = sql.fetch_one(_HERE, {"collection": schema.id})
    check_version(schema, row)
    return Place(row[1] if row else "")


def changes(schema: CollectionSchema, place: Place, viewer: Viewer, *, limit: int) -> Changes:
    """Return the documents that changed since a place, each of them once.

    At most `limit` events are looked at. No change is ever passed over: not even that of a
    transaction which is open while others that began later commit.

    Raises:
        StaleSchemaError: The collection has another version.
    """
    values = _values(schema, place, viewer, start=place.start) | {
        "until": place.until,
        "limit": limit,
        "scanned": SCANNED_BY_PAGE,
    }
    with guarded():
        rows = sql.fetch_all(partitions.placed(_template(_PAGE), schema.place), values)
    check_version(schema, rows[0] if rows else None)
    until, xid, id_ = rows[0][1:4]
    return Changes(
        changed=[
            Changed(
                uid=row[4],
                was_visible=row[5],
                changed_at=row[6],
                document=None if row[7] is None else document(row[7:13]),
            )
            for row in rows
            if row[4] is not None
        ],
        place=Place(until) if xid is None else Place(place.seen, until, int(xid), id_),
    )


def missed(
    schema: CollectionSchema, place: Place, viewer: Viewer, *, limit: int, limit_bytes: int
) -> Missed:
    """Return the events since a place, in an order that is right for each document; or none.

    They are not complete, and none, where there are more than `limit`, or where their payloads
    take more than `limit_bytes`.

    Raises:
        StaleSchemaError: The collection has another version.
    """
    values = _values(schema, place, viewer, start=place.oldest) | {
        "until": "",
        "known": place.until,
        "known_xid": str(place.xid),
        "known_id": place.id,
        "limit": limit + 1,
        "bytes": limit_bytes,
        "scanned": SCANNED_BY_REPLAY,
    }
    with guarded():
        rows = sql.fetch_all(partitions.placed(_template(_MISSED), schema.place), values)
    check_version(schema, rows[0] if rows else None)
    found = [row for row in rows if row[3] is not None]
    is_complete = len(found) <= limit and rows[0][2] < SCANNED_BY_REPLAY
    if not is_complete or any(row[5] is None for row in found):
        return Missed(events=[], place=Place(rows[0][1]), is_complete=False)
    events = [
        LoggedEvent(id=row[3], name=row[4], payload=orjson.loads(row[5]), created_at=row[6])
        for row in found
    ]
    return Missed(events=events, place=Place(rows[0][1]), is_complete=True)


def _values(
    schema: CollectionSchema, place: Place, viewer: Viewer, *, start: tuple[int, int]
) -> dict[str, Any]:
    legacy, tables = (
        f"{names.collection_event(schema.database_uid, schema.uid)}.{names.documents}."
        for names in VOCABULARIES
    )
    return {
        "collection": schema.id,
        "project": schema.project_id,
        "legacy": legacy,
        "tables": tables,
        "seen": place.seen,
        "xid": str(start[0]),
        "id": start[1],
        "before": viewer.epoch.event_id,
        "sees_all": viewer.sees_all,
        "roles": list(viewer.roles),
    }


@cache
def _template(statement: LiteralString) -> sql.Numbered:
    text = statement.replace("{span}", _SPAN).replace("{of_collection}", _OF_COLLECTION)
    partition = partitions.identifier(partitions.TEMPLATE)
    whole = psql.SQL(text).format(partition=partition, columns=psql.SQL(COLUMNS))
    return sql.numbered(whole.as_string(None))
