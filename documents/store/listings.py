"""Pages of documents: filtered, ordered, from a place on, and counted."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django.db import connection
from psycopg import sql as psql

from documents import filters, partitions
from documents.attributes import Attribute
from documents.catalog import CollectionSchema
from documents.store import totals
from documents.store.rows import StoredDocument, check_version, document, guarded
from documents.store.statements import COLUMNS
from documents.store.statistics import readable_share
from documents.store.templates import Templates
from documents.store.walks import is_one_walk
from kernel import sql
from kernel.ids import is_valid_id
from kernel.limits import MAX_INTEGER, MAX_TOTAL
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


class _Form(NamedTuple):
    """What the text of a listing depends on besides the attributes and the rest of its query.

    The roles are tested by the index or by walking, or not at all where everything is readable.
    `fixed_limit` is that of a page for which one plan is right, whatever the values.
    """

    shape: tuple[filters.Shape, ...]
    is_open: bool
    finds_page_by_index: bool
    finds_total_by_index: bool
    counts_total: bool
    fixed_limit: int | None


_PAGE = psql.SQL("""
    WITH edge AS MATERIALIZED ({edge}), page AS (
        SELECT {columns} FROM {rows} ORDER BY {order} LIMIT {limit}
    )
    SELECT c.version, page.*{state}
    FROM document_collection c LEFT JOIN page ON true
    WHERE c.id = %(collection)s::bigint AND c.deleted_at IS NULL
""")
_ROWS = psql.SQL("""
    {partition} d WHERE d.collection_id = %(collection)s::bigint
        AND {visible} AND {where} AND {beyond}
""")
# The second part is read only where the first leaves room for it.
_PARTS = psql.SQL("""
    (
        WITH near AS MATERIALIZED (
            SELECT d.* FROM {near} ORDER BY {order} LIMIT {reach}
        )
        SELECT * FROM near UNION ALL (
            SELECT d.* FROM {far} AND (SELECT count(*) FROM near) < {reach}
            ORDER BY {order} LIMIT {reach}
        )
    ) d
""")
_EDGE = psql.SQL("""
    SELECT {values} FROM {partition} d WHERE d.collection_id = %(collection)s::bigint
        AND d.uid = %(edge)s::text AND {visible}
""")
# What is told of a page besides its documents, where there is more to tell than its version.
_STATE = psql.SQL(", {total}, {snapshot}, {edge_state}")
_NO_STATE = (0, None, 1, False)
_EDGE_STATE = psql.SQL("(SELECT count(*) FROM edge), (SELECT {lacks_value} FROM edge)")
_COUNT = psql.SQL("""
    (SELECT count(*) FROM (
        SELECT 1 FROM {partition} d
        WHERE d.collection_id = %(collection)s::bigint AND {visible} AND {where}
        LIMIT %(most)s::bigint
    ) AS counted)
""")
_KEPT = psql.SQL("CASE WHEN {holds} THEN %(kept)s::bigint ELSE {count} END")
_SNAPSHOT = psql.SQL("pg_current_snapshot()::text")
# A page that is not full tells the total without counting.
_TOTAL = psql.SQL("""
    CASE WHEN (SELECT count(*) FROM page) BETWEEN {least} AND %(limit)s::bigint - 1
    THEN least(%(offset)s::bigint + (SELECT count(*) FROM page), %(most)s::bigint)
    ELSE {count} END
""")
_LIMIT = psql.SQL("%(limit)s::bigint OFFSET %(offset)s::bigint")
_REACH = psql.SQL("%(reach)s::bigint")
_TRUE = psql.SQL("true")
_READABLE = psql.SQL("(d.read_roles && %(roles)s::text[])")
# The index on the roles is essential where they may read few documents, and ruinous where they may
# read many: walking the order then meets them soon. `IS TRUE` hides the index.
_READABLE_ON_THE_WAY = psql.SQL("((d.read_roles && %(roles)s::text[]) IS TRUE)")
# The same, for which the planner takes a half to be readable, whatever the roles.
_READABLE_AT_ALL = psql.SQL("coalesce(d.read_roles && %(roles)s::text[], false)")

_ALL = ListQuery()
_templates = Templates()


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
    form = _form(schema, readable_by, query, counts_total=counts_total)
    text = partitions.placed(_template(schema.attributes, query, form), schema.place)
    keeper = _Keeper(schema, query, readable_by) if counts_total else None
    values = _values(schema, query, readable_by=readable_by)
    if keeper is not None:
        values |= keeper.values
    with guarded():
        rows = sql.fetch_all(text, values)
    check_version(schema, rows[0] if rows else None)
    total, snapshot, edge_count, lacks_value = rows[0][7:] or _NO_STATE
    if edge_count == 0:
        raise CursorNotFoundError
    if lacks_value:
        raise CursorWithoutValueError
    documents = [document(row[1:7]) for row in rows if row[1] is not None]
    if keeper is not None:
        keeper.keep(total, snapshot)
    if query.cursor is not None and query.cursor.is_before:
        documents.reverse()
    return Page(documents, total)


class _Keeper:
    """Finds and keeps the total of one listing.

    A transaction of one's own sees what it wrote and may yet undo it: in one all is counted.
    """

    def __init__(
        self, schema: CollectionSchema, query: ListQuery, readable_by: Sequence[str] | None
    ) -> None:
        self._key = b""
        if not connection.in_atomic_block and filters.are_of_own_row(query.conditions):
            self._key = totals.key(schema, query.conditions, readable_by)
        kept = totals.find(self._key)
        # As texts, so that the statement's types are the same with and without.
        self.values = {"kept": kept and str(kept.total), "seen": kept and kept.snapshot}

    def keep(self, total: int, snapshot: str) -> None:
        if self._key:
            totals.keep(self._key, total, snapshot)


def _form(
    schema: CollectionSchema,
    readable_by: Sequence[str] | None,
    query: ListQuery,
    *,
    counts_total: bool,
) -> _Form:
    share = 1.0 if readable_by is None else readable_share(schema.place, readable_by)
    is_walked = share > WIDEST_SHARE_OF_PAGE
    shape = filters.shape(query.conditions)
    is_plain = not (counts_total or query.offset or query.is_random)
    has_one_plan = is_walked and is_plain and is_one_walk(schema.walks, shape, query.orders)
    return _Form(
        shape=shape,
        is_open=readable_by is None,
        finds_page_by_index=not is_walked,
        finds_total_by_index=share <= WIDEST_SHARE_OF_TOTAL,
        counts_total=counts_total,
        fixed_limit=query.limit if has_one_plan else None,
    )


def visible_to(schema: CollectionSchema, readable_by: Sequence[str] | None) -> psql.SQL:
    """Return the test for the documents that roles may read, where all of those are wanted."""
    form = _form(schema, readable_by, _ALL, counts_total=True)
    return _visible(form, by_index=form.finds_total_by_index)


def _values(
    schema: CollectionSchema, query: ListQuery, *, readable_by: Sequence[str] | None
) -> dict[str, Any]:
    return filters.values(schema, query.conditions) | {
        "collection": schema.id,
        "limit": query.limit,
        "offset": query.offset,
        "reach": min(query.limit + query.offset, MAX_INTEGER),
        "edge": query.cursor.uid if query.cursor else "",
        "roles": readable_by or [],
        "most": MAX_TOTAL,
    }


def _template(schema: Mapping[str, Attribute], query: ListQuery, form: _Form) -> sql.Numbered:
    """Compose the statement, once for all listings that differ in values and partitions only."""
    key = (
        form,
        filters.footing(schema, query.conditions, query.orders),
        query.orders,
        query.is_random,
        query.cursor and query.cursor.is_before,
        query.offset > 0,
    )
    template = _templates.find(key)
    if template is None:
        template = sql.numbered(_composed(schema, query, form).as_string(None))
        _templates.keep(key, template)
    return template


def _composed(schema: Mapping[str, Attribute], query: ListQuery, form: _Form) -> psql.Composed:
    partition = partitions.identifier(partitions.TEMPLATE)
    steps = filters.sortings(schema, query.orders)
    if query.cursor is not None and query.cursor.is_before:
        steps = [step.reversed() for step in steps]
    where = filters.where(schema, query.conditions)
    visible = _visible(form, by_index=form.finds_page_by_index)
    edge: psql.Composable = psql.SQL("SELECT 1")
    edge_state: psql.Composable = psql.SQL("1, false")
    beyond: list[psql.Composable] = [_TRUE]
    if query.cursor is not None:
        edge = _EDGE.format(values=filters.edge_values(steps), partition=partition, visible=visible)
        edge_state = _EDGE_STATE.format(lacks_value=filters.edge_has_null(steps))
        beyond = filters.beyond(steps)
    order: psql.Composable = psql.SQL("random()")
    if not query.is_random:
        # Of few documents to be found by their roles the planner thinks too well of a walk.
        walks = not form.finds_page_by_index
        order = psql.SQL(", ").join(step.clause(by_index=walks) for step in steps)
    parts = [
        _ROWS.format(partition=partition, visible=visible, where=where, beyond=each)
        for each in beyond
    ]
    limit: psql.Composable = _LIMIT
    reach: psql.Composable = _REACH
    if form.fixed_limit is not None:
        limit = reach = psql.Literal(form.fixed_limit)
    return _PAGE.format(
        columns=psql.SQL(COLUMNS),
        rows=_together(parts, order, reach),
        edge=edge,
        edge_state=edge_state,
        order=order,
        limit=limit,
        state=_state(query, form, where, edge_state),
    )


def _together(
    parts: Sequence[psql.Composable], order: psql.Composable, reach: psql.Composable
) -> psql.Composable:
    """Return what a page is read from: of each part, no more than the page can reach."""
    if len(parts) == 1:
        return parts[0]
    near, far = parts
    return _PARTS.format(near=near, far=far, order=order, reach=reach)


def _visible(form: _Form, *, by_index: bool) -> psql.SQL:
    if form.is_open:
        return _TRUE
    if form.fixed_limit is not None:
        return _READABLE_AT_ALL
    return _READABLE if by_index else _READABLE_ON_THE_WAY


def _state(
    query: ListQuery, form: _Form, where: psql.Composable, edge_state: psql.Composable
) -> psql.Composable:
    if not form.counts_total and query.cursor is None:
        return psql.SQL("")
    return _STATE.format(
        total=_total(query, form, where),
        snapshot=_SNAPSHOT if form.counts_total else psql.SQL("NULL"),
        edge_state=edge_state,
    )


def _total(query: ListQuery, form: _Form, where: psql.Composable) -> psql.Composable:
    if not form.counts_total:
        return psql.SQL("0")
    counted = _COUNT.format(
        partition=partitions.identifier(partitions.TEMPLATE),
        visible=_visible(form, by_index=form.finds_total_by_index),
        where=where,
    )
    counted = _KEPT.format(holds=totals.HOLDS, count=counted)
    if query.cursor is not None:
        return counted
    return _TOTAL.format(least=psql.SQL("1" if query.offset else "0"), count=counted)
