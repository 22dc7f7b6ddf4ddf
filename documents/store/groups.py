"""What is computed from many documents at once: one row for each group of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from math import isinf
from typing import Any, NamedTuple

import orjson
from django.db import DataError
from psycopg import errors as pg_errors
from psycopg import sql as psql

from documents import filters, partitions
from documents.catalog import CollectionSchema
from documents.store.listings import visible_to
from documents.store.rows import check_version, guarded
from kernel import sql
from kernel.clock import api_time
from kernel.errors import ApiError
from kernel.limits import MAX_INTEGER, MAX_TOTAL
from kernel.query import ListQuery


class Groups(NamedTuple):
    """Some groups, by the names of their attributes and aggregates, and how many there are."""

    rows: Sequence[Mapping[str, Any]]
    total: int


_GROUPS = psql.SQL("""
    WITH page AS MATERIALIZED (
        SELECT {values} FROM {documents} {groups} {order}
        LIMIT %(limit)s::bigint OFFSET %(offset)s::bigint
    )
    SELECT c.version, {total}, page.* FROM document_collection c
    LEFT JOIN (SELECT true, page.* FROM page) AS page ON true
    WHERE c.id = %(collection)s::bigint AND c.deleted_at IS NULL
""")
_DOCUMENTS = psql.SQL("""
    {partition} d WHERE d.collection_id = %(collection)s::bigint
        AND {visible} AND {where}
""")
_TOTAL = psql.SQL("""
    (SELECT count(*) FROM (SELECT 1 FROM {documents} {groups} LIMIT %(most)s::bigint) AS counted)
""")


def find_groups(
    schema: CollectionSchema,
    query: ListQuery,
    *,
    readable_by: Sequence[str] | None,
    counts_total: bool,
) -> Groups:
    """Group the documents that fit a query, compute what it asks for, and return a page of it.

    Raises:
        StaleSchemaError: The collection has another version.
        ApiError: QUERY_INVALID
    """
    grouping = filters.grouping(schema.attributes, query)
    documents = _DOCUMENTS.format(
        partition=partitions.identifier(schema.place),
        visible=visible_to(schema, readable_by),
        where=filters.where(schema.attributes, query.conditions),
    )
    total: psql.Composable = psql.SQL("0")
    if counts_total and not (query.groups or query.having or query.is_distinct):
        total = psql.SQL("1")
    elif counts_total:
        total = _TOTAL.format(documents=documents, groups=grouping.groups)
    statement = _GROUPS.format(
        values=grouping.values,
        documents=documents,
        groups=grouping.groups,
        order=grouping.order,
        total=total,
    )
    values = filters.values(schema, query.conditions) | grouping.bound
    values |= {
        "collection": schema.id,
        "roles": readable_by or [],
        "limit": query.limit,
        "offset": query.offset,
        "most": MAX_TOTAL,
    }
    try:
        with guarded():
            found = sql.fetch_all(statement, values)
    except DataError as error:
        if isinstance(error.__cause__, pg_errors.NumericValueOutOfRange):
            raise _too_large() from error
        raise
    check_version(schema, found[0] if found else None)
    rows = [
        {
            name: orjson.loads(value) if name in grouping.json and value else _value(value)
            for name, value in zip(grouping.names, row[3:], strict=True)
        }
        for row in found
        if row[2]
    ]
    return Groups(rows, found[0][1])


def _value(value: Any) -> Any:
    """Return a value as answers write it: sums are exact as long as JSON's readers take them.

    Raises: QUERY_INVALID
    """
    if isinstance(value, datetime):
        return api_time(value)
    if isinstance(value, Decimal):
        is_exact = abs(value) <= MAX_INTEGER and value == value.to_integral_value()
        number = int(value) if is_exact else float(value)
        if isinf(number):
            raise _too_large()
        return number
    return value


def _too_large() -> ApiError:
    return filters.refusal("The result is more than a number can hold.")
