"""Documents on their way in and out of a collection in great numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, LiteralString

from psycopg import sql as psql

from documents import partitions
from documents.catalog import CollectionSchema
from documents.relations import PARENT, Relation
from documents.store.rows import Grants, Log, StoredDocument, check_version, document, guarded
from documents.store.single import json_text
from documents.store.statements import COLUMNS, PARTS
from kernel import sql
from kernel.clock import api_time
from kernel.permissions import READ, roles_for


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDocument:
    """A document to be imported."""

    uid: str
    data: Mapping[str, Any]
    grants: Grants
    created_at: datetime
    updated_at: datetime


# What a unique index refuses stays out, without a word; so does an id that is taken.
_ADD: LiteralString = """
    WITH fresh AS MATERIALIZED ({fresh}),
    input AS MATERIALIZED (
        SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb) AS (
            place int, uid text, data jsonb, payload jsonb, permissions text[], readers text[],
            groups bigint[], grants bigint[], created timestamptz, updated timestamptz)
    ),
    r AS (
        INSERT INTO {partition}
            (collection_id, uid, data, permissions, read_roles, created_at, updated_at)
        SELECT fresh.id, i.uid, i.data, i.permissions, i.readers, i.created, i.updated
        FROM fresh CROSS JOIN input i ORDER BY i.place
        ON CONFLICT DO NOTHING RETURNING id, collection_id, uid
    ),
    log AS (
        INSERT INTO outbox (project_id, name, payload, roles, actor, created_at, is_creation)
        SELECT %(project)s::bigint, %(before)s::text || replace(r.uid, '.', '/') || %(after)s::text,
            i.payload || jsonb_build_object('$sequence', r.id::text),
            %(roles)s::text[] || CASE WHEN %(secured)s THEN i.readers ELSE '{{}}' END,
            %(actor)s::text, %(now)s::timestamptz, true
        FROM r JOIN input i ON i.uid = r.uid ORDER BY r.id
    )
    {granted}
    SELECT fresh.id, (SELECT array_agg(r.uid::text) FROM r) {announced} FROM fresh
"""
_GRANTED: LiteralString = """
    , granted AS (
        INSERT INTO document_group_grant (content_object_id, collection_id, group_id, permission_id)
        SELECT r.id, r.collection_id, g.group_id, g.permission_id
        FROM r JOIN input i ON i.uid = r.uid CROSS JOIN LATERAL unnest(i.groups, i.grants)
            WITH ORDINALITY AS g (group_id, permission_id, place)
        ORDER BY r.id, g.place
    )
"""
_EXISTING: LiteralString = """
    SELECT c.version, d.uid::text FROM document_collection c
    LEFT JOIN {partition} d ON d.collection_id = c.id AND d.uid = ANY(%(uids)s::text[])
    WHERE c.id = %(collection)s::bigint AND c.deleted_at IS NULL
"""
_LINKED_UIDS: LiteralString = """
    SELECT c.version, found.owner, found.uid FROM document_collection c LEFT JOIN (
        SELECT l.id, l.{own} AS owner, d.uid::text FROM document_link l
        JOIN {partition} d ON d.collection_id = %(collection)s::bigint AND d.id = l.{other}
        WHERE l.relation = %(relation)s::bigint AND l.{own} = ANY(%(owners)s::bigint[])
    ) found ON true
    WHERE c.id = %(collection)s::bigint AND c.deleted_at IS NULL ORDER BY found.id
"""
_BEHIND: LiteralString = """
    SELECT c.version, {columns} FROM document_collection c
    LEFT JOIN LATERAL (
        SELECT * FROM (
            SELECT *, sum(octet_length(data::text)) OVER (ORDER BY id ROWS BETWEEN
                UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before
            FROM (
                SELECT * FROM {partition} d
                WHERE d.collection_id = c.id AND d.id > %(after)s::bigint
                ORDER BY d.id LIMIT %(limit)s::bigint
            ) next
        ) page
        WHERE bytes_before IS NULL OR bytes_before < %(bytes)s::bigint
    ) d ON true
    WHERE c.id = %(collection)s::bigint AND c.deleted_at IS NULL ORDER BY d.id
"""


def add_many(schema: CollectionSchema, rows: Sequence[NewDocument], log: Log) -> set[str]:
    """Insert those documents that nothing stands in the way of, with grants and events.

    Their ids differ. Returns the ids of those that were inserted.

    Raises:
        StaleSchemaError: The collection has another version.
        OversizedValueError: A value is too long for an index on it; then none is inserted.
        GrantTargetError: A grant names a role that is gone; then none is inserted.
    """
    before, _, after = log.name.partition("*")
    values = {
        "collection": schema.id,
        "version": schema.version,
        "project": schema.project_id,
        "secured": schema.has_document_security,
        "rows": json_text([_row(schema, place, row, log) for place, row in enumerate(rows)]),
        "before": before,
        "after": after,
        "roles": list(log.roles),
        "actor": log.actor,
        "now": log.at,
    }
    has_grants = any(row.grants.texts for row in rows)
    text = partitions.placed(_add_template(has_grants=has_grants), schema.place)
    with guarded():
        found = sql.fetch_one(text, values)
    check_version(schema, None if found is None else (schema.version,))
    return set(found[1] or ()) if found else set()


def existing(schema: CollectionSchema, uids: Sequence[str]) -> set[str]:
    """Return those of some ids that documents have.

    Raises:
        StaleSchemaError: The collection has another version.
    """
    values = {"collection": schema.id, "uids": list(uids)}
    text = partitions.placed(_template(_EXISTING), schema.place)
    with guarded():
        rows = sql.fetch_all(text, values)
    check_version(schema, rows[0] if rows else None)
    return {row[1] for row in rows if row[1] is not None}


def behind(
    schema: CollectionSchema, after: int, *, limit: int, limit_bytes: int
) -> list[StoredDocument]:
    """Return the documents that were made next after the one with a number, whoever asks.

    They are at most `limit`, and all but the last take less than `limit_bytes` together.

    Raises:
        StaleSchemaError: The collection has another version.
    """
    values = {"collection": schema.id, "after": after, "limit": limit, "bytes": limit_bytes}
    with guarded():
        rows = sql.fetch_all(partitions.placed(_template(_BEHIND), schema.place), values)
    check_version(schema, rows[0] if rows else None)
    return [document(row[1:]) for row in rows if row[1] is not None]


def linked_uids(
    schema: CollectionSchema, relation: Relation, owners: Sequence[int]
) -> dict[int, list[str]]:
    """Return the ids of the documents of `schema` that some are linked to, by their numbers.

    Raises:
        StaleSchemaError: The collection has another version.
    """
    own, other = ("parent_id", "child_id") if relation.side == PARENT else ("child_id", "parent_id")
    text = psql.SQL(_LINKED_UIDS).format(
        own=psql.Identifier(own),
        other=psql.Identifier(other),
        partition=partitions.identifier(schema.place),
    )
    values = {"relation": relation.id, "collection": schema.id, "owners": list(owners)}
    with guarded():
        rows = sql.fetch_all(text, values)
    check_version(schema, rows[0] if rows else None)
    found: dict[int, list[str]] = {}
    for _version, owner, uid in rows:
        if uid is not None:
            found.setdefault(owner, []).append(uid)
    return found


def _row(schema: CollectionSchema, place: int, row: NewDocument, log: Log) -> dict[str, Any]:
    grants = row.grants
    times = api_time(row.created_at), api_time(row.updated_at)
    return {
        "place": place,
        "uid": row.uid,
        "data": row.data,
        "payload": {
            **log.fixed,
            **schema.shown_values(row.data),
            "$id": row.uid,
            "$permissions": grants.texts,
            "$createdAt": times[0],
            "$updatedAt": times[1],
        },
        "permissions": grants.texts,
        "readers": roles_for(READ, grants.texts),
        "groups": grants.group_ids,
        "grants": grants.permission_ids,
        "created": times[0],
        "updated": times[1],
    }


@cache
def _add_template(*, has_grants: bool) -> sql.Numbered:
    granted = _GRANTED if has_grants else ""
    announced: LiteralString = f", {PARTS['compiled']}" if has_grants else ""
    text = _ADD.replace("{granted}", granted).replace("{announced}", announced)
    return _template(text.replace("{fresh}", PARTS["fresh"]))


@cache
def _template(statement: LiteralString) -> sql.Numbered:
    partition = partitions.identifier(partitions.TEMPLATE)
    whole = psql.SQL(statement).format(partition=partition, columns=psql.SQL(COLUMNS))
    return sql.numbered(whole.as_string(None))
