"""Free fields that become an attribute's values, where it has the key that they had."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, LiteralString

import orjson
from django.db import transaction
from psycopg import sql as psql

from documents import encryption, indexes, partitions
from documents.attributes import (
    MARK,
    Attribute,
    StructureError,
    json_text,
    stored_value,
)
from documents.models import Collection
from kernel import sql

BATCH = 1000
BATCH_BYTES = 4 * 1024 * 1024
MAX_EXAMPLE_LENGTH = 300

# A batch is of documents and not of values, so that none takes long where values are rare. All
# but its last value take less than `bytes` together.
_READ: LiteralString = """
    WITH next AS (
        SELECT id, uid, data -> %(name)s::text AS value FROM {partition}
        WHERE collection_id = %(collection)s::bigint AND id > %(last)s
        ORDER BY id LIMIT %(limit)s
    ), sized AS (
        SELECT *, sum(octet_length(value::text)) OVER (ORDER BY id ROWS BETWEEN
            UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before
        FROM next
    ), batch AS (
        SELECT * FROM sized WHERE bytes_before IS NULL OR bytes_before < %(bytes)s
    )
    SELECT b.last, v.id, v.uid, v.value FROM (SELECT max(id) AS last FROM batch) b
    LEFT JOIN batch v ON v.value IS NOT NULL ORDER BY v.id
"""
_WRITE: LiteralString = """
    UPDATE {partition} d SET data = d.data || jsonb_build_object(%(name)s::text, i.value)
    FROM jsonb_to_recordset(%(rows)s::jsonb) AS i (id bigint, value jsonb)
    WHERE d.collection_id = %(collection)s::bigint AND d.id = i.id
"""
_EXISTS: LiteralString = """
    SELECT EXISTS (
        SELECT 1 FROM {partition}
        WHERE collection_id = %s AND age(xmin) <= age(%s::xid) AND jsonb_exists(data, %s::text)
    )
"""
_OLDEST_WRITER = "SELECT pg_snapshot_xmin(pg_current_snapshot())::xid::text"
#: Older than every writer.
_NOBODY = "2"
Found = tuple[int, str, Any]


def adopt_fields(collection: Collection, attribute: Attribute) -> str:
    """Give a new attribute the fields of its key; return why that is not possible, if so.

    While the attribute is processing nobody writes the fields. They stay as they are until it is
    available, so that readers find the one or the other, and this can be done once more.

    Raises:
        BusyError: Another process works on the collection.
    """
    with partitions.alone(indexes.LOCK_SPACE, collection.id), transaction.atomic():
        hold_writers(collection)  # who may know of no new attribute yet; later ones do
    count = misfits = 0
    example = ""
    for batch in _batches(collection.id, attribute):
        for _id, uid, value in batch:
            count += 1
            try:
                _adopted(attribute, value)
            except StructureError as error:
                misfits += 1
                example = example or f"{uid}: {error}"
    if misfits:
        return (
            f"{misfits:,} of {count:,} documents hold a value that does not fit, the first is"
            f" {example[:MAX_EXAMPLE_LENGTH]}"
        )
    for batch in _batches(collection.id, attribute):
        _write(collection, attribute, batch)
    return ""


def holds_field(collection: Collection, key: str, *, since: str = _NOBODY) -> bool:
    """Tell whether a document holds a field of this key, of those written `since` a moment."""
    if not collection.has_free_fields:
        return False
    values = (collection.id, since, MARK + key)
    return partitions.at_place(collection.id, partial(_exists, values))


def _exists(values: Sequence[Any], place: int) -> bool:
    text = psql.SQL(_EXISTS).format(partition=partitions.identifier(place))
    row = sql.fetch_one(text, values)
    return bool(row and row[0])


def moment() -> str:
    """Return what tells documents that were written before now from those written later."""
    row = sql.fetch_one(_OLDEST_WRITER)
    return row[0] if row else _NOBODY


def hold_writers(collection: Collection) -> None:
    """Wait for the writes of fields under way; others wait until the transaction ends.

    Those read the collection's version when they go on, so that they know of every change.
    """
    if collection.has_free_fields:
        partitions.at_place(collection.id, partitions.hold_writers)


def _adopted(attribute: Attribute, value: Any) -> Any:
    if attribute.relation is not None:
        raise StructureError("A value is no link to a document")
    return stored_value(attribute, value)


def _batches(collection_id: int, attribute: Attribute) -> Iterator[Sequence[Found]]:
    last = 0
    while last is not None:
        values = {
            "collection": collection_id,
            "last": last,
            "limit": BATCH,
            "bytes": BATCH_BYTES,
            "name": MARK + attribute.key,
        }
        rows = partitions.at_place(collection_id, partial(_read, values))
        last = rows[0][0]
        yield [(id_, uid, orjson.loads(value)) for _, id_, uid, value in rows if id_ is not None]


def _read(values: Mapping[str, Any], place: int) -> list[sql.Row]:
    text = psql.SQL(_READ).format(partition=partitions.identifier(place))
    return sql.fetch_all(text, values)


def _write(collection: Collection, attribute: Attribute, batch: Sequence[Found]) -> None:
    if not batch:
        return
    rows = [
        {"id": id_, "value": _sealed(collection, attribute, _adopted(attribute, value))}
        for id_, _uid, value in batch
    ]
    values = {"collection": collection.id, "name": attribute.name, "rows": json_text(rows)}

    def write(place: int) -> None:
        text = psql.SQL(_WRITE).format(partition=partitions.identifier(place))
        sql.execute(text, values)

    partitions.at_place(collection.id, write)


def _sealed(collection: Collection, attribute: Attribute, value: Any) -> Any:
    sealed = encryption.seal_values(
        {attribute.name: value},
        [attribute],
        project_id=collection.project_id,
        place=(collection.database.uid, collection.uid),
    )
    return sealed[attribute.name]
