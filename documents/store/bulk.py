"""Many documents at once: each kind of write is one statement, however many rows it touches."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString, NamedTuple

from psycopg import sql as psql

from documents import filters, partitions
from documents.catalog import CollectionSchema
from documents.operators import Operation
from documents.store.many import Many
from documents.store.rows import (
    NO_GRANTS,
    Grants,
    Log,
    StoredDocument,
    check_version,
    document,
    guarded,
)
from documents.store.single import json_text, log_values
from documents.store.statements import own_parts
from kernel import sql
from kernel.arrays import number_array, text_array
from kernel.clock import api_time
from kernel.limits import MAX_BULK_ROWS
from kernel.permissions import READ, roles_for
from kernel.query import ListQuery

Parts = Mapping[str, psql.Composable]
_NONE: Parts = {}
_BY_NUMBER: Parts = {
    "where": psql.SQL("d.id = ANY(%(numbers)s::bigint[])"),
    "order": psql.SQL("d.id"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What a bulk write does to one document, or to each that it picks if it names none.

    Grants of None stay as they are. Documents that exist keep a time that is None.
    """

    uid: str | None
    data: Mapping[str, Any]
    dropped: Sequence[str] = ()
    operations: Sequence[Operation] = ()
    grants: Grants | None
    created_at: datetime | None
    updated_at: datetime
    has_own_time: bool


class Written(NamedTuple):
    """A document of a bulk write, and the row of its event unless nothing changed."""

    document: StoredDocument
    event_id: int | None


class TooManyRowsError(Exception):
    """A write would touch more documents than it may."""


class LateRowError(Exception):
    """A document changed after the time that a write allows."""


class FaultyRowError(Exception):
    """A stored value does not allow an operation of a write."""

    def __init__(self, uid: str, fault: str) -> None:
        super().__init__(fault)
        self.uid = uid
        self.fault = fault


def create_many(
    schema: CollectionSchema, rows: Sequence[Row], log: Log, *, is_part: bool = False
) -> list[Written]:
    """Insert documents with their grants and events, all or none.

    `is_part` says that this is done in a transaction which fails as a whole.

    Raises:
        StaleSchemaError: The collection has another version.
        DuplicateIdError: An id is taken.
        UniqueValueError: A unique index refuses the values.
        OversizedValueError: A value is too long for an index on it.
        GrantTargetError: They come with grants, and one names a role that is gone.
        FaultyRowError: An operation is not possible without a value. Undo what was written.
    """
    if any(row.operations for row in rows):
        values = _values(schema, rows, log)
        return _written(schema, Many.CREATE_BY_OPERATIONS, values, is_part=is_part)
    with guarded(is_part=is_part):
        found = sql.fetch_one(_text(schema, Many.CREATE), _columns(schema, rows, log))
    check_version(schema, found)
    _, numbers, events, _ = found or (0, (), (), "")
    return [
        Written(StoredDocument(number, *_known(row)), event)
        for row, number, event in zip(rows, numbers, events, strict=True)
    ]


def change_many(
    schema: CollectionSchema, rows: Sequence[Row], log: Log, *, unless_after: datetime | None
) -> list[Written]:
    """Change documents by their ids, in a transaction; return those that exist.

    Raises: as `create_many`, and LateRowError
    """
    statement = Many.UPDATE_NAMED
    if any(row.grants is not None for row in rows):
        statement = Many.UPDATE_NAMED_WITH_GRANTS
    values = _values(schema, rows, log) | {"unless_after": unless_after}
    return _written(schema, statement, values, is_part=True)


def change_found(
    schema: CollectionSchema, query: ListQuery, row: Row, log: Log, *, unless_after: datetime | None
) -> list[Written]:
    """Change every document that fits a query, all or none.

    Raises: as `change_many`, and TooManyRowsError, ApiError (QUERY_INVALID)
    """
    parts = _parts(schema, query)
    values = _values(schema, [row], log) | _picks(schema, query)
    values["unless_after"] = unless_after
    if row.grants is None:
        return _written(schema, Many.UPDATE_PICKED, values, parts=parts)
    # A statement of its own, so that the next one sees every grant that was made meanwhile.
    with guarded(), sql.together():
        sql.execute(_text(schema, Many.LOCK_PICKED, parts), values)
        return _written(schema, Many.UPDATE_PICKED_WITH_GRANTS, values, parts=parts)


def delete_found(
    schema: CollectionSchema, query: ListQuery, log: Log, *, unless_after: datetime | None
) -> list[Written]:
    """Delete every document that fits a query, all or none.

    Raises:
        StaleSchemaError: The collection has another version.
        TooManyRowsError, LateRowError
        ApiError: QUERY_INVALID
    """
    values = _values(schema, [], log) | _picks(schema, query)
    values["unless_after"] = unless_after
    return _written(schema, Many.DELETE_PICKED, values, parts=_parts(schema, query))


def touch(schema: CollectionSchema, numbers: Iterable[int], log: Log) -> list[Written]:
    """Give documents a new time, in a transaction.

    Raises:
        StaleSchemaError: The collection has another version.
    """
    row = Row(uid=None, data={}, grants=None, created_at=None, updated_at=log.at, has_own_time=True)
    values = _values(schema, [row], log) | _numbered(numbers)
    return _written(schema, Many.UPDATE_PICKED, values, parts=_BY_NUMBER, is_part=True)


def delete_many(schema: CollectionSchema, numbers: Iterable[int], log: Log) -> list[Written]:
    """Delete documents with their grants, in a transaction.

    Raises:
        StaleSchemaError: The collection has another version.
    """
    values = _values(schema, [], log) | _numbered(numbers)
    return _written(schema, Many.DELETE_PICKED, values, parts=_BY_NUMBER, is_part=True)


def lock_existing(schema: CollectionSchema, uids: Iterable[str]) -> set[str]:
    """Lock the documents that have these ids; return which exist. In a transaction."""
    values = {"collection": schema.id, "uids": list(uids)}
    with guarded(is_part=True):
        return {row[0] for row in sql.fetch_all(_text(schema, Many.LOCK_NAMED), values)}


def _text(schema: CollectionSchema, statement: Many, parts: Parts = _NONE) -> LiteralString:
    own = own_parts(is_schemaless=schema.is_schemaless)
    return statement.text(partition=partitions.identifier(schema.place), **own, **parts)


def _parts(schema: CollectionSchema, query: ListQuery) -> Parts:
    steps = filters.sortings(schema.attributes, query.orders)
    return {
        "where": filters.where(schema.attributes, query.conditions),
        "order": psql.SQL(", ").join(step.clause() for step in steps),
    }


def _numbered(numbers: Iterable[int]) -> dict[str, Any]:
    listed = list(numbers)
    return {"numbers": listed, "limit": len(listed), "offset": 0}


def _picks(schema: CollectionSchema, query: ListQuery) -> dict[str, Any]:
    most = MAX_BULK_ROWS + 1
    return filters.values(schema, query.conditions) | {
        "limit": min(query.limit, most) if query.has_limit else most,
        "offset": query.offset,
    }


def _written(
    schema: CollectionSchema,
    statement: Many,
    values: Mapping[str, Any],
    *,
    parts: Parts = _NONE,
    is_part: bool = False,
) -> list[Written]:
    with guarded(is_part=is_part):
        rows = sql.fetch_all(_text(schema, statement, parts), values)
    check_version(schema, rows[0] if rows else None)
    found = [row for row in rows if row[4] is not None]
    if len(found) > MAX_BULK_ROWS:
        raise TooManyRowsError
    for row in found:
        if row[1]:
            raise LateRowError
        if row[2] is not None:
            fault, _, uid = row[2].partition("@")
            raise FaultyRowError(uid or row[5], fault)
    return [Written(document(row[4:10]), row[3]) for row in found]


def _values(schema: CollectionSchema, rows: Sequence[Row], log: Log) -> dict[str, Any]:
    before, _, after = log.name.partition("*")
    return log_values(schema, log) | {
        "before": before,
        "after": after,
        "rows": json_text([_input(place, row) for place, row in enumerate(rows)]),
        "most": MAX_BULK_ROWS,
        "unless_after": None,
    }


def _columns(schema: CollectionSchema, rows: Sequence[Row], log: Log) -> dict[str, Any]:
    """Return new documents as arrays, each list of permissions but once."""
    lists: dict[tuple[str, ...], int] = {}
    distinct: list[Grants] = []
    chosen = []
    for row in rows:
        grants = row.grants or NO_GRANTS
        place = lists.setdefault(tuple(grants.texts), len(lists) + 1)
        if place > len(distinct):
            distinct.append(grants)
        chosen.append(place)
    before, _, after = log.name.partition("*")
    return log_values(schema, log) | {
        "before": before,
        "after": after,
        "uids": text_array(row.uid or "" for row in rows),
        "datas": text_array(json_text(row.data) for row in rows),
        "lists": number_array(chosen),
        "created": text_array(api_time(row.created_at or log.at) for row in rows),
        "updated": text_array(api_time(row.updated_at) for row in rows),
        "permissions": text_array(text_array(each.texts) for each in distinct),
        "readers": text_array(text_array(roles_for(READ, each.texts)) for each in distinct),
        "granted": number_array(
            place for place, each in enumerate(distinct, start=1) for _ in each.group_ids
        ),
        "groups": number_array(group for each in distinct for group in each.group_ids),
        "grants": number_array(grant for each in distinct for grant in each.permission_ids),
    }


def _known(row: Row) -> tuple[str, Mapping[str, Any], Sequence[str], str, str]:
    """Return what is known of a new document before it is there: all but its number."""
    created, updated = api_time(row.created_at), api_time(row.updated_at)
    return row.uid or "", row.data, (row.grants or NO_GRANTS).texts, created, updated


def _input(place: int, row: Row) -> dict[str, Any]:
    grants = row.grants
    return {
        "place": place,
        "new_uid": row.uid,
        "new_data": row.data,
        "dropped": list(row.dropped),
        "operations": [each.arguments for each in row.operations] or None,
        "new_permissions": None if grants is None else grants.texts,
        "readers": None if grants is None else roles_for(READ, grants.texts),
        "groups": [] if grants is None else grants.group_ids,
        "grants": [] if grants is None else grants.permission_ids,
        "created": row.created_at,
        "updated": row.updated_at,
        "has_own_time": row.has_own_time,
    }
