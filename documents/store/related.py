"""Documents that are linked to others, as answers show them."""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from psycopg import sql as psql

from documents import filters, partitions
from documents.catalog import CollectionSchema
from documents.relations import PARENT, Relation
from documents.store.rows import StoredDocument, check_version, document, guarded
from documents.store.statements import COLUMNS
from kernel import sql
from kernel.query import ListQuery

_WHOLE = psql.SQL("""
    WITH found AS MATERIALIZED ({found} LIMIT %(most)s::bigint)
    SELECT c.version, found.* FROM document_collection c LEFT JOIN found ON true
    WHERE c.id = %(collection)s::bigint AND c.deleted_at IS NULL
""")
_ROWS = psql.SQL("""
    FROM document_link l
    JOIN {partition} d ON d.collection_id = %(collection)s::bigint AND d.id = l.{other}
    WHERE l.relation = %(relation)s::bigint AND l.{own} = ANY(%(owners)s::bigint[])
        AND {visible}
""")
_ALL = psql.SQL("SELECT l.{own} AS owner, {columns} {rows} ORDER BY d.id")
# Each owner has a list of its own to be ordered and cut.
_SOME = psql.SQL("""
    SELECT ranked.* FROM (
        SELECT l.{own} AS owner, {columns},
            row_number() OVER (PARTITION BY l.{own} ORDER BY {order}) AS place
        {rows} AND {where}
    ) AS ranked
    WHERE place > %(offset)s::bigint AND (%(limit)s::bigint IS NULL
        OR place <= %(offset)s::bigint + %(limit)s::bigint)
    ORDER BY place, owner
""")


class Linked(NamedTuple):
    """A document, and the number of one that it is linked to."""

    owner: int
    document: StoredDocument


def linked(
    schema: CollectionSchema,
    relation: Relation,
    owners: Sequence[int],
    *,
    readable_by: Sequence[str] | None,
    most: int,
    query: ListQuery | None = None,
) -> list[Linked]:
    """Return the documents of `schema` that are linked to `owners`, which see `relation`.

    `readable_by` are roles of which a document must grant read to one; None means every document.
    A query says which of them, in what order, and how many for each owner.

    Raises: QUERY_INVALID
        StaleSchemaError: The collection has another version.
    """
    values: dict[str, Any] = {
        "collection": schema.id,
        "relation": relation.id,
        "owners": list(owners),
        "roles": list(readable_by or ()),
        "most": most,
    }
    is_open = readable_by is None
    statement: sql.Statement = partitions.placed(
        _template(relation.side, is_open=is_open), schema.place
    )
    if query is not None:
        values |= filters.values(schema, query.conditions)
        values |= {"offset": query.offset, "limit": query.limit if query.has_limit else None}
        statement = _constrained(schema, relation.side, query, is_open=is_open)
    with guarded():
        rows = sql.fetch_all(statement, values)
    check_version(schema, rows[0] if rows else None)
    return [Linked(row[1], document(row[2:8])) for row in rows if row[1] is not None]


@cache
def _template(side: str, *, is_open: bool) -> sql.Numbered:
    found = _ALL.format(**_parts(partitions.TEMPLATE, side, is_open=is_open))
    return sql.numbered(_WHOLE.format(found=found).as_string(None))


def _constrained(
    schema: CollectionSchema, side: str, query: ListQuery, *, is_open: bool
) -> psql.Composed:
    steps = filters.sortings(schema.attributes, query.orders)
    order: psql.Composable = psql.SQL("random()")
    if not query.is_random:
        order = psql.SQL(", ").join(step.clause() for step in steps)
    found = _SOME.format(
        **_parts(schema.place, side, is_open=is_open),
        order=order,
        where=filters.where(schema.attributes, query.conditions),
    )
    return _WHOLE.format(found=found)


def _parts(place: int, side: str, *, is_open: bool) -> dict[str, psql.Composable]:
    own, other = ("parent_id", "child_id") if side == PARENT else ("child_id", "parent_id")
    rows = _ROWS.format(
        partition=partitions.identifier(place),
        own=psql.Identifier(own),
        other=psql.Identifier(other),
        visible=psql.SQL("true" if is_open else "d.read_roles && %(roles)s::text[]"),
    )
    return {"own": psql.Identifier(own), "columns": psql.SQL(COLUMNS), "rows": rows}
