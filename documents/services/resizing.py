"""Sizes of attributes that get smaller: whether the values there are still fit."""

from typing import LiteralString

from psycopg import sql as psql

from documents import attributes as attribute_types
from documents import partitions
from documents.attributes import Attribute
from documents.models import Collection
from documents.vocabulary import Vocabulary
from kernel import sql
from kernel.errors import ApiError

_NEWEST = "SELECT coalesce(max(id), 0) FROM {partition} WHERE collection_id = %s"
_LONGER = """
    SELECT EXISTS (
        SELECT 1 FROM {partition}
        WHERE collection_id = %s AND id > %s AND char_length({value}) > %s
    )
"""
_LONGER_ITEM = """
    SELECT EXISTS (
        SELECT 1 FROM {partition}
        CROSS JOIN LATERAL jsonb_array_elements_text(
            CASE jsonb_typeof({value}) WHEN 'array' THEN {value} END
        ) item
        WHERE collection_id = %s AND id > %s AND char_length(item) > %s
    )
"""
# Sealed values tell how long they are.
_LONGER_SEALED = """
    SELECT EXISTS (
        SELECT 1 FROM {partition}
        WHERE collection_id = %s AND id > %s
            AND split_part(data -> {name} ->> '$sealed', ':', 2)::int > %s
    )
"""
_LONGER_SEALED_ITEM = """
    SELECT EXISTS (
        SELECT 1 FROM {partition}
        CROSS JOIN LATERAL jsonb_array_elements(
            CASE jsonb_typeof({value}) WHEN 'array' THEN {value} END
        ) item
        WHERE collection_id = %s AND id > %s
            AND split_part(item ->> '$sealed', ':', 2)::int > %s
    )
"""


def is_smaller(old: Attribute, new: Attribute) -> bool:
    return old.kind.has_size and new.size < old.size


def newest_document(collection: Collection) -> int:
    """Return the number of the document that was made last."""

    def read(place: int) -> int:
        statement = psql.SQL(_NEWEST).format(partition=partitions.identifier(place))
        row = sql.fetch_one(statement, (collection.id,))
        return int(row[0]) if row else 0

    return partitions.at_place(collection.id, read)


def check_size(
    collection: Collection, old: Attribute, new: Attribute, names: Vocabulary, *, after: int = 0
) -> None:
    """Check that no value of a document behind another is too long for an attribute.

    Raises: ATTRIBUTE_INVALID_RESIZE
    """
    if old.encrypt:
        query: LiteralString = _LONGER_SEALED_ITEM if old.array else _LONGER_SEALED
    else:
        query = _LONGER_ITEM if old.array else _LONGER
    parts = {"name": psql.Literal(old.name), "value": attribute_types.expression(old)}

    def read(place: int) -> bool:
        statement = psql.SQL(query).format(partition=partitions.identifier(place), **parts)
        row = sql.fetch_one(statement, (collection.id, after, new.size))
        return bool(row and row[0])

    if partitions.at_place(collection.id, read):
        raise ApiError(names.attribute_invalid_resize)
