"""The statements on many documents at once.

They take what they are to write as rows of JSON, `input`. `picked` are the documents that queries
choose, `seen` the locked ones with what becomes of them, `verdict` adds what speaks against the
whole write, and `r` are the rows that were written. Locks are taken in the order of ids, so that
two writes at once never wait for one another.
"""

from collections.abc import Mapping
from enum import Enum
from typing import LiteralString

from psycopg import sql as psql

from documents.store.statements import PARTS

#: Parts that name others, the outer ones first; those of single documents come last.
_PARTS: Mapping[str, LiteralString] = {
    "outcomes": """
        SELECT c.version, v.is_late, v.fault, log.id, v.id, v.uid, coalesce(r.data, v.data),
            coalesce(r.permissions, v.permissions),
            to_char(coalesce(r.created_at, v.created_at) AT TIME ZONE 'UTC',
                'YYYY-MM-DD"T"HH24:MI:SS.MS"+00:00"'),
            to_char(coalesce(r.updated_at, v.updated_at) AT TIME ZONE 'UTC',
                'YYYY-MM-DD"T"HH24:MI:SS.MS"+00:00"')
        FROM document_collection c LEFT JOIN verdict v ON true LEFT JOIN r ON r.id = v.id
        LEFT JOIN log ON log.name = %(before)s::text || replace(v.uid, '.', '/') || %(after)s::text
        WHERE c.id = %(collection)s::bigint AND c.deleted_at IS NULL ORDER BY v.id
    """,
    # The count makes the old grants go before the new ones come: they may be the same.
    "regranted": """
        revoked AS ({revoked} AND r.is_regranted RETURNING {compiled}),
        revoked_users AS ({revoked_users} AND r.is_regranted),
        granted AS (
            {granted_each} CROSS JOIN (SELECT count(*) FROM revoked) gone
            WHERE r.is_regranted ORDER BY r.id, g.place
        )
    """,
    "updated_each": """
        seen AS MATERIALIZED (
            SELECT {locked}, i.new_permissions, i.readers, i.created, i.updated, i.has_own_time,
                {limited} CASE WHEN i.operations IS NULL THEN d.data || i.new_data
                ELSE document_operated(d.data || i.new_data, i.operations) END - i.dropped
                {by_limits} AS merged
            FROM {partition} d JOIN input i ON {chosen}
            WHERE d.collection_id = %(collection)s::bigint
            ORDER BY d.id FOR NO KEY UPDATE OF d
        ),
        verdict AS MATERIALIZED (
            SELECT *, bool_or({lateness}) OVER () AS is_late,
                max((merged ->> '$fault') || '@' || uid) OVER () AS fault,
                merged IS DISTINCT FROM data OR has_own_time
                OR created_at IS DISTINCT FROM coalesce(created, created_at)
                OR (new_permissions IS NOT NULL AND NOT (
                    permissions @> new_permissions AND permissions <@ new_permissions))
                    AS is_change
            FROM seen
        ),
        r AS (
            UPDATE {partition} d SET data = v.merged,
                permissions = coalesce(v.new_permissions, d.permissions),
                read_roles = coalesce(v.readers, d.read_roles),
                created_at = coalesce(v.created, d.created_at), updated_at = v.updated
            FROM verdict v, fresh
            WHERE d.collection_id = %(collection)s::bigint AND d.id = v.id AND v.is_change
                AND NOT v.is_late AND v.fault IS NULL AND {few}
            RETURNING d.*, v.read_roles AS previous,
                v.new_permissions IS NOT NULL AS is_regranted
        ),
        log AS ({logged_each})
    """,
    "input": """
        SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb) AS (
            place int, new_uid text, new_data jsonb, dropped text[], operations jsonb,
            new_permissions text[], readers text[], groups bigint[], grants bigint[],
            created timestamptz, updated timestamptz, has_own_time boolean)
    """,
    "granted_each": """
        INSERT INTO document_group_grant (content_object_id, collection_id, group_id, permission_id)
        SELECT r.id, r.collection_id, g.group_id, g.permission_id
        FROM r JOIN input i ON {of_row}
        CROSS JOIN LATERAL unnest(i.groups, i.grants)
            WITH ORDINALITY AS g (group_id, permission_id, place)
    """,
    # What is asked is asked again of rows that had to be waited for.
    "is_picked": "d.id IN (SELECT id FROM picked) AND {where}",
    "is_named": "d.uid = i.new_uid",
    "picked": """
        SELECT d.id FROM {partition} d
        WHERE d.collection_id = %(collection)s::bigint AND {where}
        ORDER BY {order} LIMIT %(limit)s::bigint OFFSET %(offset)s::bigint
    """,
    "few": "(SELECT count(*) FROM seen) <= %(most)s::bigint",
    "logged_each": PARTS["logged"]
    .replace("%(event)s::text", "%(before)s::text || replace(r.uid, '.', '/') || %(after)s::text")
    .replace("FROM r RETURNING id", "FROM r ORDER BY r.id RETURNING id, name"),
    **PARTS,
}


class Many(Enum):
    """What can be done to many documents: those a query picks, or those that rows name."""

    # All but the numbers is known beforehand. `k` are the different lists of permissions; numbers
    # are given in the order of rows, those of events in the order of documents.
    CREATE = """
        WITH fresh AS MATERIALIZED ({fresh}),
        input AS MATERIALIZED (
            SELECT * FROM unnest(%(uids)s::text[], %(datas)s::text[], %(lists)s::int[],
                %(created)s::timestamptz[], %(updated)s::timestamptz[])
                WITH ORDINALITY AS i (uid, data, list, created, updated, place)
        ),
        r AS (
            INSERT INTO {partition}
                (collection_id, uid, data, permissions, read_roles, created_at, updated_at)
            SELECT fresh.id, i.uid, i.data::jsonb, k.permissions::text[], k.readers::text[],
                i.created, i.updated
            FROM fresh CROSS JOIN input i
            JOIN unnest(%(permissions)s::text[], %(readers)s::text[])
                WITH ORDINALITY AS k (permissions, readers, list) USING (list)
            ORDER BY i.place RETURNING *, NULL::text[] AS previous
        ),
        log AS ({logged_each}),
        granted AS (
            INSERT INTO document_group_grant
                (content_object_id, collection_id, group_id, permission_id)
            SELECT r.id, r.collection_id, g.group_id, g.permission_id
            FROM r JOIN input i ON i.uid = r.uid
            JOIN unnest(%(granted)s::int[], %(groups)s::bigint[], %(grants)s::bigint[])
                WITH ORDINALITY AS g (list, group_id, permission_id, place) ON g.list = i.list
            ORDER BY r.id, g.place
        )
        SELECT %(version)s::bigint, (SELECT array_agg(r.id ORDER BY r.id) FROM r),
            (SELECT array_agg(log.id ORDER BY log.id) FROM log), {compiled}
        FROM fresh
    """
    CREATE_BY_OPERATIONS = """
        WITH fresh AS MATERIALIZED ({fresh}), input AS MATERIALIZED ({input}),
        r AS (
            INSERT INTO {partition}
                (collection_id, uid, data, permissions, read_roles, created_at, updated_at)
            SELECT fresh.id, i.new_uid,
                {limited} CASE WHEN i.operations IS NULL THEN i.new_data
                ELSE document_operated(i.new_data, i.operations) END {by_limits},
                i.new_permissions, i.readers, i.created, i.updated
            FROM fresh CROSS JOIN input i ORDER BY i.place RETURNING *, NULL::text[] AS previous
        ),
        log AS ({logged_each}), granted AS ({granted_each} ORDER BY r.id, g.place)
        SELECT %(version)s::bigint, false, d.data ->> '$fault', log.id, {columns}, {compiled}
        FROM fresh LEFT JOIN r AS d ON true
        LEFT JOIN log ON log.name = %(before)s::text || replace(d.uid, '.', '/') || %(after)s::text
        ORDER BY d.id
    """
    UPDATE_NAMED = """
        WITH fresh AS MATERIALIZED ({fresh}), input AS MATERIALIZED ({input}),
        {updated_each} {outcomes}
    """
    UPDATE_NAMED_WITH_GRANTS = """
        WITH fresh AS MATERIALIZED ({fresh}), input AS MATERIALIZED ({input}),
        {updated_each}, {regranted} {outcomes}
    """
    UPDATE_PICKED = """
        WITH fresh AS MATERIALIZED ({fresh}), input AS MATERIALIZED ({input}),
        picked AS MATERIALIZED ({picked}), {updated_each} {outcomes}
    """
    UPDATE_PICKED_WITH_GRANTS = """
        WITH fresh AS MATERIALIZED ({fresh}), input AS MATERIALIZED ({input}),
        picked AS MATERIALIZED ({picked}), {updated_each}, {regranted} {outcomes}
    """
    DELETE_PICKED = """
        WITH fresh AS MATERIALIZED ({fresh}), picked AS MATERIALIZED ({picked}),
        seen AS MATERIALIZED (
            SELECT {locked} FROM {partition} d
            WHERE d.collection_id = %(collection)s::bigint AND {is_picked}
            ORDER BY d.id FOR UPDATE OF d
        ),
        verdict AS MATERIALIZED (
            SELECT *, bool_or({lateness}) OVER () AS is_late, NULL::text AS fault FROM seen
        ),
        r AS (
            DELETE FROM {partition} d USING verdict v, fresh
            WHERE d.collection_id = %(collection)s::bigint AND d.id = v.id
                AND NOT v.is_late AND {few}
            RETURNING d.*, d.read_roles AS previous
        ),
        revoked AS ({revoked} RETURNING {compiled}), revoked_users AS ({revoked_users}),
        log AS ({logged_each})
        {outcomes}
    """
    LOCK_NAMED = """
        SELECT d.uid FROM {partition} d
        WHERE d.collection_id = %(collection)s::bigint AND d.uid = ANY(%(uids)s::text[])
        ORDER BY d.id FOR NO KEY UPDATE
    """
    LOCK_PICKED = """
        WITH picked AS MATERIALIZED ({picked}) SELECT 1 FROM {partition} d
        WHERE d.collection_id = %(collection)s::bigint AND d.id IN (SELECT id FROM picked)
        ORDER BY d.id FOR NO KEY UPDATE OF d
    """

    def text(self, **parts: psql.Composable) -> LiteralString:
        """Return the statement with the parts of a collection, and those that say what it picks."""
        text: LiteralString = self.value
        for name, part in _PARTS.items():
            text = text.replace(f"{{{name}}}", part)
        picks = "PICKED" in self.name
        chosen = _PARTS["is_picked" if picks else "is_named"]
        # One row of input stands for all that are picked. An OR of both would compare all with all.
        of_row: LiteralString = "true" if picks else "i.new_uid = r.uid"
        text = text.replace("{chosen}", chosen).replace("{of_row}", of_row)
        return psql.SQL(text).format(**parts).as_string(None)
