"""Links between documents: one table for all relationships, by the numbers of the documents.

Whoever links two documents holds locks on both, and whoever deletes one locks it before looking
for its links: no link outlives a document.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, LiteralString, NamedTuple

from psycopg import sql as psql

from documents import partitions
from documents.catalog import CollectionSchema
from documents.relations import CHILD, PARENT, Relation
from documents.store.rows import (
    DuplicateIdError,
    StoredDocument,
    check_version,
    document,
    guarded,
)
from documents.store.statements import COLUMNS
from kernel import sql

SWEEP_BATCH = 5000
LOCK_SPACE = 0x5157_4E06

_NEW_ID = "SELECT nextval('document_relation_seq')"
_LOCK_RELATIONS = (
    "SELECT pg_advisory_xact_lock(%s::int, (each %% 2147483647)::int)"
    " FROM unnest(%s::bigint[]) AS each"
)
# What is asked for by ids or numbers is sorted, so that two callers never wait for one another.
_LOCKED = """
    WITH seen AS MATERIALIZED (
        SELECT {columns} FROM {partition} d
        WHERE d.collection_id = %(collection)s::bigint AND {chosen}
        ORDER BY d.id FOR {strength}
    )
    SELECT c.version, seen.* FROM document_collection c LEFT JOIN seen ON true
    WHERE c.id = %(collection)s::bigint AND c.deleted_at IS NULL
"""
_AROUND = """
    WITH ends AS (
        SELECT * FROM unnest(%(relations)s::bigint[], %(parents)s::bigint[], %(children)s::bigint[])
            AS e (relation, parent, child)
    )
    SELECT l.relation, l.parent_id, l.child_id
    FROM ends e JOIN document_link l ON l.relation = e.relation AND l.parent_id = e.parent
    UNION
    SELECT l.relation, l.parent_id, l.child_id
    FROM ends e JOIN document_link l ON l.relation = e.relation AND l.child_id = e.child
    LIMIT %(most)s::bigint
"""
_LINK = """
    INSERT INTO document_link (relation, parent_id, child_id, has_one_parent, has_one_child)
    SELECT * FROM unnest(%(relations)s::bigint[], %(parents)s::bigint[], %(children)s::bigint[],
        %(one_parent)s::boolean[], %(one_child)s::boolean[])
    ON CONFLICT (relation, parent_id, child_id) DO NOTHING
"""
_UNLINK = """
    DELETE FROM document_link l
    USING unnest(%(relations)s::bigint[], %(parents)s::bigint[], %(children)s::bigint[])
        AS e (relation, parent, child)
    WHERE l.relation = e.relation AND l.parent_id = e.parent AND l.child_id = e.child
"""
_UNLINK_ENDS = """
    WITH ends AS MATERIALIZED (
        SELECT * FROM unnest(%(relations)s::bigint[], %(parents)s::bigint[], %(children)s::bigint[])
            AS e (relation, parent, child)
    ),
    of_parents AS (
        DELETE FROM document_link l USING ends e
        WHERE l.relation = e.relation AND l.parent_id = e.parent
    )
    DELETE FROM document_link l USING ends e
    WHERE l.relation = e.relation AND l.child_id = e.child
"""
_SWEEP = """
    DELETE FROM document_link
    WHERE id IN (SELECT id FROM document_link WHERE relation = %s LIMIT %s)
"""


#: One side of a relationship, and a document there by number.
End = tuple[int, str, int]


class Link(NamedTuple):
    """Two linked documents, by number."""

    relation: int
    parent: int
    child: int

    def ends(self) -> tuple[tuple[End, int], tuple[End, int]]:
        """Return both ends, each with the document at the other one."""
        return (
            ((self.relation, PARENT, self.parent), self.child),
            ((self.relation, CHILD, self.child), self.parent),
        )


class ClaimedError(Exception):
    """A document that can have one link has another."""


def new_relation_id() -> int:
    """Return a number that no relationship had before."""
    row = sql.fetch_one(_NEW_ID)
    return int(row[0]) if row else 0


def lock_documents(
    schema: CollectionSchema,
    *,
    uids: Iterable[str] = (),
    ids: Iterable[int] = (),
    strength: LiteralString,
) -> list[StoredDocument]:
    """Lock documents by their ids, or by their numbers; return those that exist.

    Raises:
        StaleSchemaError: The collection has another version.
    """
    values = {"collection": schema.id, "uids": list(uids), "ids": list(ids)}
    text = _lock_template(strength, by_number=bool(values["ids"]))
    with guarded(is_part=True):
        rows = sql.fetch_all(partitions.placed(text, schema.place), values)
    check_version(schema, rows[0] if rows else None)
    return [document(row[1:]) for row in rows if row[1] is not None]


def lock_relations(relation_ids: Iterable[int]) -> None:
    """Let nobody else change many documents by these relationships until the transaction ends."""
    ordered = sorted(set(relation_ids))
    if ordered:
        with guarded(is_part=True):
            sql.fetch_all(_LOCK_RELATIONS, (LOCK_SPACE, ordered))


def links_of(ends: Iterable[End], *, most: int) -> list[Link]:
    """Return the links that have one of some ends, `most` at most. In a transaction."""
    values = _end_columns(ends)
    if not values["relations"]:
        return []
    with guarded(is_part=True):
        rows = sql.fetch_all(_AROUND, values | {"most": most})
    return [Link(*row) for row in rows]


def link(links: Mapping[Link, Relation]) -> None:
    """Link documents; those that are linked stay so.

    Raises:
        ClaimedError: One of them can have one link only, and has another.
    """
    if not links:
        return
    values = _columns(links) | {
        "one_parent": [relation.has_one_parent for relation in links.values()],
        "one_child": [relation.has_one_child for relation in links.values()],
    }
    try:
        with guarded(is_part=True):
            sql.execute(_LINK, values)
    except DuplicateIdError as error:
        raise ClaimedError from error


def unlink(links: Iterable[Link]) -> None:
    """Take links away, those that are there."""
    values = _columns(list(links))
    if values["relations"]:
        with guarded(is_part=True):
            sql.execute(_UNLINK, values)


def unlink_ends(ends: Iterable[End]) -> None:
    """Take every link away that has one of some ends. In a transaction."""
    with guarded(is_part=True):
        sql.execute(_UNLINK_ENDS, _end_columns(ends))


def sweep_links(relation_id: int) -> None:
    """Delete all links of a relationship that is gone, in batches."""
    while sql.execute(_SWEEP, (relation_id, SWEEP_BATCH)):
        pass


def _end_columns(ends: Iterable[End]) -> dict[str, list[Any]]:
    return _columns(
        (relation, number, None) if side == PARENT else (relation, None, number)
        for relation, side, number in ends
    )


def _columns(rows: Iterable[tuple[Any, Any, Any]]) -> dict[str, list[Any]]:
    listed = list(rows)
    return {
        "relations": [row[0] for row in listed],
        "parents": [row[1] for row in listed],
        "children": [row[2] for row in listed],
    }


@cache
def _lock_template(strength: LiteralString, *, by_number: bool) -> sql.Numbered:
    chosen: LiteralString = "d.uid = ANY(%(uids)s::text[])"
    if by_number:
        chosen = "d.id = ANY(%(ids)s::bigint[])"
    return _template(_LOCKED, chosen=psql.SQL(chosen), strength=psql.SQL(strength))


def _template(text: LiteralString, **parts: psql.Composable) -> sql.Numbered:
    partition = partitions.identifier(partitions.TEMPLATE)
    whole = psql.SQL(text).format(partition=partition, columns=psql.SQL(COLUMNS), **parts)
    return sql.numbered(whole.as_string(None))
