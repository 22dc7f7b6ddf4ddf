"""The statements on single documents.

Each is a template of parts; `on_partition` fills in the parts and the collection's own table. In
all of them `fresh` is the collection if it has the expected version, `seen` the locked document,
`verdict` that document with what speaks against the write, and `r` the row that was written, with
the roles that could read it before in `previous`.
"""

from enum import Enum
from functools import cache
from typing import LiteralString

from psycopg import sql as psql

from documents import partitions
from documents.attributes import MAX_FIELD_BYTES, MAX_FIELDS
from documents.catalog import CollectionSchema
from kernel import sql

#: What `documents.store.rows.document` reads. The database writes times faster than Python does.
COLUMNS: LiteralString = """
    d.id, d.uid, d.data, d.permissions,
    to_char(d.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"+00:00"') AS created_at,
    to_char(d.updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"+00:00"') AS updated_at
"""
#: What statements have in common. Some name others, and the partition.
PARTS: dict[str, LiteralString] = {
    "columns": COLUMNS,
    "locked": "d.id, d.uid, d.data, d.permissions, d.read_roles, d.created_at, d.updated_at",
    "this": "d.collection_id = %(collection)s::bigint AND d.uid = %(uid)s::text",
    "fresh": """
        SELECT id FROM document_collection
        WHERE id = %(collection)s::bigint AND version = %(version)s::bigint AND deleted_at IS NULL
    """,
    "created": """
        INSERT INTO {partition}
            (collection_id, uid, data, permissions, read_roles, created_at, updated_at)
        SELECT fresh.id, %(uid)s::text, %(data)s::jsonb, %(permissions)s::text[],
            %(readers)s::text[], %(created)s::timestamptz, %(updated)s::timestamptz
        FROM fresh ON CONFLICT DO NOTHING RETURNING id, collection_id
    """,
    "merged": """
        {limited} CASE WHEN %(operations)s::jsonb IS NULL THEN d.data || %(data)s::jsonb
        ELSE document_operated(d.data || %(data)s::jsonb, %(operations)s::jsonb) END
        - %(dropped)s::text[] {by_limits}
    """,
    "merge": "(d.data || %(data)s::jsonb) - %(dropped)s::text[]",
    "changes": """
        merged IS DISTINCT FROM data OR %(has_own_time)s
        OR created_at IS DISTINCT FROM coalesce(%(created)s::timestamptz, created_at)
        OR (%(permissions)s::text[] IS NOT NULL AND NOT (
            permissions @> %(permissions)s::text[] AND permissions <@ %(permissions)s::text[]))
    """,
    "granting": "(%(is_granted)s OR permissions && %(granting)s::text[])",
    "lateness": "coalesce(updated_at > %(unless_after)s::timestamptz, false)",
    "updated": """
        UPDATE {partition} d SET data = v.merged,
            permissions = coalesce(%(permissions)s::text[], d.permissions),
            read_roles = coalesce(%(readers)s::text[], d.read_roles),
            created_at = coalesce(%(created)s::timestamptz, d.created_at),
            updated_at = %(updated)s::timestamptz
        FROM verdict v, fresh
        WHERE d.collection_id = %(collection)s::bigint AND d.id = v.id
            AND v.is_change AND v.is_granted AND NOT v.is_late AND v.fault IS NULL
        RETURNING d.*, v.read_roles AS previous
    """,
    "deleted": """
        DELETE FROM {partition} d USING verdict v, fresh
        WHERE d.collection_id = %(collection)s::bigint AND d.id = v.id
            AND v.is_granted AND NOT v.is_late
        RETURNING d.*, d.read_roles AS previous
    """,
    "revoked": "DELETE FROM document_group_grant g USING r WHERE g.content_object_id = r.id",
    "revoked_users": "DELETE FROM document_user_grant u USING r WHERE u.content_object_id = r.id",
    "granted": """
        INSERT INTO document_group_grant
            (content_object_id, collection_id, group_id, permission_id)
        SELECT r.id, r.collection_id, g.group_id, g.permission_id
        FROM r CROSS JOIN unnest(%(groups)s::bigint[], %(grants)s::bigint[])
            WITH ORDINALITY AS g (group_id, permission_id, place)
    """,
    # The payload is the answer's JSON: what is the same for all, the values, what the row knows.
    # The values are picked one by one only where the row may hold others, or under other names.
    # Who could read the document before is noted only where a write changed that.
    "logged": """
        INSERT INTO outbox
            (project_id, name, payload, roles, actor, created_at, is_creation, previous_roles)
        SELECT %(project)s::bigint, %(event)s::text,
            coalesce(%(empty)s::jsonb || r.data, %(fixed)s::jsonb {fields} || coalesce((
                SELECT jsonb_object_agg(a.key, coalesce(r.data -> a.name, a.blank::jsonb))
                FROM unnest(%(keys)s::text[], %(names)s::text[], %(blanks)s::text[])
                    AS a (key, name, blank)), '{{}}'))
            || jsonb_build_object('$id', r.uid, '$sequence', r.id::text,
                '$permissions', r.permissions,
                '$createdAt', to_char(r.created_at AT TIME ZONE 'UTC',
                    'YYYY-MM-DD"T"HH24:MI:SS.MS"+00:00"'),
                '$updatedAt', to_char(r.updated_at AT TIME ZONE 'UTC',
                    'YYYY-MM-DD"T"HH24:MI:SS.MS"+00:00"')),
            %(roles)s::text[] || CASE WHEN %(secured)s THEN r.read_roles ELSE '{{}}' END,
            %(actor)s::text, %(now)s::timestamptz, r.previous IS NULL,
            CASE WHEN %(secured)s AND r.previous <> r.read_roles
            THEN %(roles)s::text[] || r.previous END
        FROM r RETURNING id
    """,
    # Of a new document all is known but the number that its row gets.
    "logged_new": """
        INSERT INTO outbox (project_id, name, payload, roles, actor, created_at, is_creation)
        SELECT %(project)s::bigint, %(event)s::text,
            %(payload)s::jsonb || jsonb_build_object('$sequence', r.id::text),
            %(roles)s::text[], %(actor)s::text, %(now)s::timestamptz, true
        FROM r RETURNING id
    """,
    "written": """
        r.id, r.uid, r.data, r.permissions,
        to_char(r.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"+00:00"'),
        to_char(r.updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"+00:00"')
    """,
    "outcome": """
        c.version, v.is_change, v.is_granted, v.is_late, v.fault, log.id, v.id, v.uid,
        coalesce(r.data, v.data), coalesce(r.permissions, v.permissions),
        to_char(coalesce(r.created_at, v.created_at) AT TIME ZONE 'UTC',
            'YYYY-MM-DD"T"HH24:MI:SS.MS"+00:00"'),
        to_char(coalesce(r.updated_at, v.updated_at) AT TIME ZONE 'UTC',
            'YYYY-MM-DD"T"HH24:MI:SS.MS"+00:00"')
    """,
    "result": """
        document_collection c LEFT JOIN verdict v ON true LEFT JOIN r ON true
        LEFT JOIN log ON true WHERE c.id = %(collection)s::bigint AND c.deleted_at IS NULL
    """,
    # The arrays are written compiled, so the first trigger on the grants has nothing to do.
    "compiled": "set_config('appwrite.compiled', 'on', true)",
}


class Statement(Enum):
    """What can be done to one document."""

    GET = """
        SELECT c.version, {columns} FROM document_collection c
        LEFT JOIN {partition} d ON d.collection_id = c.id AND d.uid = %(uid)s::text
        WHERE c.id = %(collection)s::bigint AND c.deleted_at IS NULL
    """
    CREATE = """
        WITH fresh AS MATERIALIZED ({fresh}), r AS ({created}), log AS ({logged_new})
        SELECT r.id, log.id FROM fresh LEFT JOIN r ON true LEFT JOIN log ON true
    """
    CREATE_WITH_GRANTS = """
        WITH fresh AS MATERIALIZED ({fresh}), r AS ({created}), log AS ({logged_new}),
        granted AS ({granted} ORDER BY g.place)
        SELECT r.id, log.id, {compiled} FROM fresh LEFT JOIN r ON true LEFT JOIN log ON true
    """
    # The usual update, without a look at the row before: it finds none where there is nothing to
    # change, or something speaks against it.
    MERGE = """
        WITH fresh AS MATERIALIZED ({fresh}),
        r AS (
            UPDATE {partition} d SET data = {merge}, updated_at = %(updated)s::timestamptz
            FROM fresh WHERE {this} AND {granting} AND {merge} IS DISTINCT FROM d.data
            RETURNING d.*, d.read_roles AS previous
        ),
        log AS ({logged})
        SELECT %(version)s::bigint, true, true, false, NULL, log.id, {written} FROM r, log
    """
    UPDATE = """
        WITH fresh AS MATERIALIZED ({fresh}),
        seen AS MATERIALIZED (
            SELECT {locked}, {merged} AS merged
            FROM {partition} d WHERE {this} FOR NO KEY UPDATE
        ),
        verdict AS MATERIALIZED (
            SELECT *, ({changes}) AS is_change, {granting} AS is_granted, {lateness} AS is_late,
                merged ->> '$fault' AS fault
            FROM seen
        ),
        r AS ({updated}), log AS ({logged})
        SELECT {outcome} FROM {result}
    """
    # The count makes the old grants go before the new ones come: they may be the same.
    UPDATE_WITH_GRANTS = """
        WITH fresh AS MATERIALIZED ({fresh}),
        seen AS MATERIALIZED (
            SELECT {locked}, {merged} AS merged
            FROM {partition} d WHERE {this} FOR NO KEY UPDATE
        ),
        verdict AS MATERIALIZED (
            SELECT *, ({changes}) AS is_change, {granting} AS is_granted, {lateness} AS is_late,
                merged ->> '$fault' AS fault
            FROM seen
        ),
        r AS ({updated}), log AS ({logged}),
        revoked AS ({revoked} RETURNING 1), revoked_users AS ({revoked_users}),
        granted AS ({granted} CROSS JOIN (SELECT count(*) FROM revoked) gone ORDER BY g.place)
        SELECT {outcome}, {compiled} FROM {result}
    """
    LOCK = "SELECT 1 FROM {partition} d WHERE {this} FOR NO KEY UPDATE"
    DELETE = """
        WITH fresh AS MATERIALIZED ({fresh}),
        seen AS MATERIALIZED (SELECT {locked} FROM {partition} d WHERE {this} FOR UPDATE),
        verdict AS MATERIALIZED (
            SELECT *, true AS is_change, {granting} AS is_granted, {lateness} AS is_late,
                NULL::text AS fault
            FROM seen
        ),
        r AS ({deleted}), revoked AS ({revoked}), revoked_users AS ({revoked_users}),
        log AS ({logged})
        SELECT {outcome}, {compiled} FROM {result}
    """


def own_parts(*, is_schemaless: bool) -> dict[str, psql.Composable]:
    """Return the parts that differ between collections with free fields and others."""
    limits: LiteralString = f", {MAX_FIELD_BYTES}, {MAX_FIELDS})"
    return {
        "limited": psql.SQL("document_limited(" if is_schemaless else "("),
        "by_limits": psql.SQL(limits if is_schemaless else ")"),
        "fields": psql.SQL("|| document_fields(r.data)" if is_schemaless else ""),
    }


def on_partition(statement: Statement, schema: CollectionSchema) -> sql.Numbered:
    """Return a statement for one collection."""
    return partitions.placed(_template(statement, schema.is_schemaless), schema.place)


@cache
def _template(statement: Statement, is_schemaless: bool) -> sql.Numbered:
    own = {
        "partition": partitions.identifier(partitions.TEMPLATE),
        **own_parts(is_schemaless=is_schemaless),
    }
    parts = {name: psql.SQL(text).format(**own) for name, text in PARTS.items()}
    text = psql.SQL(statement.value).format(**own, **parts).as_string(None)
    return sql.numbered(text)
