"""Attributes in SQL: the expressions of their values, and what queries compare them with."""

from typing import Any, LiteralString

import orjson
from psycopg import sql as psql

from documents.attributes.definition import Attribute


def expression(attribute: Attribute) -> psql.Composed:
    """Return the SQL of an attribute's value, null where a document has none.

    Filters, orders and indexes all take it from here: an index is used only where the texts are
    the same. Text is compared by code points, so that no change of a locale breaks an index.
    """
    if attribute.is_free:
        return psql.SQL("document_ranked({})").format(field_value(attribute))
    name = psql.Literal(attribute.name)
    if attribute.array or attribute.kind.is_geometry:
        return psql.SQL("NULLIF(data -> {}, 'null'::jsonb)").format(name)
    if attribute.kind.cast == "text":
        return psql.SQL('((data ->> {}) COLLATE "C")').format(name)
    return psql.SQL("((data ->> {})::{})").format(name, psql.SQL(attribute.kind.cast))


def field_value(field: Attribute) -> psql.Composed:
    """Return the SQL of a free field's value, null where a document has none."""
    first, *rest = field.name.split(".")
    if not rest:
        return psql.SQL("NULLIF(data -> {}, 'null'::jsonb)").format(_text(first))
    path = psql.SQL(", ").join(map(_text, [first, *rest]))
    return psql.SQL("NULLIF(data #> ARRAY[{}]::text[], 'null'::jsonb)").format(path)


def _text(text: str) -> psql.Composable:
    """Return the SQL of a text, without what could be taken for a part of the statement."""
    plain = "".join(each for each in text if each.isalnum() or each in ":_-")
    if plain == text:
        return psql.Literal(text)
    return psql.SQL("U&'" + "".join(f"\\+{ord(each):06x}" for each in text) + "'")


def leading(text: psql.Composable, length: int) -> psql.Composed:
    """Return the SQL of the first characters of a text."""
    return psql.SQL("left({}, {})").format(text, psql.Literal(length))


def words(value: psql.Composable) -> psql.Composed:
    """Return the SQL of the words that a search finds in a text."""
    return psql.SQL("document_words({})").format(value)


def box(value: psql.Composable) -> psql.Composed:
    """Return the SQL of the box around a geometry."""
    return psql.SQL("document_geometry_box({})").format(value)


def trigrams(value: psql.Composable) -> psql.Composed:
    """Return the SQL of a text in an index of trigrams."""
    return psql.SQL("{} gin_trgm_ops").format(value)


def sql_type(attribute: Attribute) -> LiteralString:
    """Return the SQL type of one value of an attribute."""
    if attribute.is_free:
        return "document_rank"
    return attribute.kind.cast


def read_query_value(attribute: Attribute, value: Any) -> Any:
    """Return a query's value in the form that `expression` gives.

    Raises:
        ValueError: The value is of another type.
    """
    return attribute.kind.parse(value)


def json_text(value: Any) -> str:
    return orjson.dumps(value).decode()
