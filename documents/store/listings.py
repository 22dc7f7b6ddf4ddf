"""Pages of documents: filtered, ordered, from a place on, and counted."""

from collections.abc import Sequence
from typing import NamedTuple

from psycopg import sql as psql

from documents import filters, partitions
from documents.catalog import CollectionSchema
from documents.store.rows import StoredDocument, check_version, document, guarded
from documents.store.statistics import readable_share
from kernel import sql
from kernel.ids import is_valid_id
from kernel.limits import MAX_TOTAL
from kernel.query import ListQuery

# Up to these shares of readable documents an index finds them faster than a walk: a walk to a page
# ends early, a walk to a total seldom does.
WIDEST_SHARE_OF_PAGE = 0.01
WIDEST_SHARE_OF_TOTAL = 0.3


class CursorNotFoundError(Exception):
    """The caller sees no document with the id of the cursor."""


class CursorWithoutValueError(Exception):
    """The document of the cursor lacks a value that the order needs."""


class Page(NamedTuple):
    """One page of a listing, in the order that was asked for."""

    documents: list[StoredDocument]
    total: int


_PAGE = psql.SQL("""
    WITH edge AS MATERIALIZED ({edge}), page AS MATERIALIZED (
        SELECT d.id, d.uid, d.data, d.permissions, d.created_at, d.updated_at
        FROM {partition} d WHERE d.collection_id = %(collection)s::bigint AND {where} AND {beyond}
        ORDER BY {order} LIMIT {limit} OFFSET {offset}
    )
    SELECT c.version, {total}, {edge_state}, page.*
    FROM document_collection c LEFT JOIN page ON true
    WHERE c.id = %(collection)s::bigint AND c.deleted_at IS NULL
""")
_EDGE = psql.SQL(
    "SELECT {values} FROM {partition} d WHERE d.collection_id = %(collection)s::bigint"
    " AND d.uid = {uid} AND {visible}"
)
_EDGE_STATE = psql.SQL("(SELECT count(*) FROM edge), (SELECT {lacks_value} FROM edge)")
_COUNT = psql.SQL(
    "(SELECT count(*) FROM (SELECT 1 FROM {partition} d"
    " WHERE d.collection_id = %(collection)s::bigint AND {where} LIMIT {most}) AS counted)"
)
# A page that is not full tells the total without counting.
_TOTAL = psql.SQL(
    "CASE WHEN (SELECT count(*) FROM page) BETWEEN {least} AND {limit} - 1"
    " THEN least({offset} + (SELECT count(*) FROM page), {most}) ELSE {count} END"
)
_TRUE = psql.SQL("true")


def _listing(
    schema: CollectionSchema,
    query: ListQuery,
    bindings: filters.Bindings,
    *,
    readable_by: Sequence[str] | None,
    counts_total: bool,
) -> psql.Composed:
    steps = filters.sortings(schema.attributes, query.orders)
    if query.cursor is not None and query.cursor.is_before:
        steps = [step.reversed() for step in steps]
    tests = filters.where(schema.attributes, query.conditions, bindings)
    visible = _visible(schema, readable_by, bindings, widest_share=WIDEST_SHARE_OF_PAGE)
    total: psql.Composable = psql.SQL("0")
    if counts_total:
        counted = _visible(schema, readable_by, bindings, widest_share=WIDEST_SHARE_OF_TOTAL)
        total = _total(schema, query, psql.SQL("{} AND {}").format(counted, tests), bindings)
    edge, edge_state, beyond = _from_cursor(schema, query, steps, visible, bindings)
    order: psql.Composable = psql.SQL("random()")
    if not query.is_random:
        order = psql.SQL(", ").join(step.clause() for step in steps)
    limit = bindings.add(query.limit, "bigint")
    offset = bindings.add(query.offset, "bigint")
    return _PAGE.format(
        partition=partitions.identifier(schema.id),
        edge=edge,
        edge_state=edge_state,
        where=psql.SQL("{} AND {}").format(visible, tests),
        beyond=beyond,
        order=order,
        limit=limit,
        offset=offset,
        total=total,
    )


def _from_cursor(
    schema: CollectionSchema,
    query: ListQuery,
    steps: Sequence[filters.Sorting],
    visible: psql.Composable,
    bindings: filters.Bindings,
) -> tuple[psql.Composable, psql.Composable, psql.Composable]:
    """The row of the cursor, what is wrong with it, and the test for rows beyond it."""
    if query.cursor is None:
        return psql.SQL("SELECT 1"), psql.SQL("1, false"), _TRUE
    edge = _EDGE.format(
        values=filters.edge_values(steps),
        partition=partitions.identifier(schema.id),
        uid=bindings.add(query.cursor.uid, "text"),
        visible=visible,
    )
    state = _EDGE_STATE.format(lacks_value=filters.edge_has_null(steps))
    return edge, state, filters.beyond(steps)


def _total(
    schema: CollectionSchema, query: ListQuery, where: psql.Composable, bindings: filters.Bindings
) -> psql.Composable:
    most = bindings.add(MAX_TOTAL, "bigint")
    count = _COUNT.format(partition=partitions.identifier(schema.id), where=where, most=most)
    if query.cursor is not None:
        return count
    return _TOTAL.format(
        least=psql.SQL("1" if query.offset else "0"),
        limit=bindings.add(query.limit, "bigint"),
        offset=bindings.add(query.offset, "bigint"),
        most=most,
        count=count,
    )


def _visible(
    schema: CollectionSchema,
    readable_by: Sequence[str] | None,
    bindings: filters.Bindings,
    *,
    widest_share: float,
) -> psql.Composable:
    """The test whether a document grants read to one of some roles.

    The index on the roles is essential where they may read few documents, and ruinous where they
    may read many: walking the order then meets them soon. `IS TRUE` hides the index.
    """
    if readable_by is None:
        return _TRUE
    test = psql.SQL("d.read_roles && {}").format(bindings.add(list(readable_by), "text[]"))
    if readable_share(schema.id, readable_by) > widest_share:
        return psql.SQL("(({}) IS TRUE)").format(test)
    return psql.SQL("({})").format(test)


def find(
    schema: CollectionSchema,
    query: ListQuery,
    *,
    readable_by: Sequence[str] | None,
    counts_total: bool,
) -> Page:
    """Return a page of the documents that fit a query, and how many fit in all, at most 5,000.

    `readable_by` are roles of which a document must grant read to one; None means every document.
    A total that is not wanted is 0.

    Raises:
        StaleSchemaError: The collection has another version.
        CursorNotFoundError: The caller sees no document with the cursor's id.
        CursorWithoutValueError: That document lacks a value that the order needs.
        ApiError: QUERY_INVALID
    """
    if query.cursor is not None and not is_valid_id(query.cursor.uid):
        raise CursorNotFoundError
    bindings = filters.Bindings()
    statement = _listing(
        schema, query, bindings, readable_by=readable_by, counts_total=counts_total
    )
    with guarded():
        rows = sql.fetch_all(statement, bindings.values | {"collection": schema.id})
    check_version(schema, rows[0] if rows else None)
    _version, total, edge_count, lacks_value = rows[0][:4]
    if edge_count == 0:
        raise CursorNotFoundError
    if lacks_value:
        raise CursorWithoutValueError
    documents = [document(row[4:]) for row in rows if row[4] is not None]
    if query.cursor is not None and query.cursor.is_before:
        documents.reverse()
    return Page(documents, total)
