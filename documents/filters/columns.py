"""What queries may name: the attributes of a collection, and the columns that all have."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from typing import Any, Final, LiteralString

from psycopg import sql as psql

from documents import attributes
from documents.attributes import Attribute
from kernel import clock
from kernel.errors import ApiError, ErrorKind
from kernel.limits import MAX_INTEGER

CACHED_COLUMNS = 1_000


@dataclass(frozen=True, slots=True)
class Column:
    """Something a query may name: its SQL, the type of its values, and how they are read."""

    name: str
    expression: psql.Composable
    type: LiteralString
    read: Callable[[Any], Any]
    is_array: bool = False
    is_nullable: bool = True
    is_point: bool = False
    #: Of a free field: the value itself. The expression is its place in an order of all values.
    value: psql.Composable | None = None
    #: How many leading characters an index holds of a text; 0 where it holds all, or there is none.
    leading: int = 0

    def shortened(self, value: psql.Composable | None = None) -> psql.Composable:
        """Return the leading characters, as the index holds them, of the column or of a value."""
        return attributes.leading(value or self.expression, self.leading)

    @property
    def is_text(self) -> bool:
        return self.type == "text"

    @property
    def is_geometry(self) -> bool:
        return self.type == "jsonb"


@dataclass(frozen=True, slots=True)
class Operand:
    """A value to be bound, and its SQL type."""

    value: Any
    type: LiteralString


def _sequence(value: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 19:
        value = int(value)
    if type(value) is not int or not -MAX_INTEGER <= value <= MAX_INTEGER:
        raise ValueError("not a sequence number")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or "\x00" in value:
        raise ValueError("not a text")
    return value


def _moment(value: Any) -> datetime:
    return clock.parse_time(_text(value))


_SYSTEM_COLUMNS: Mapping[str, Column] = {
    column.name: column
    for column in (
        Column("$id", psql.SQL("d.uid"), "text", _text, is_nullable=False),
        Column("$sequence", psql.SQL("d.id"), "bigint", _sequence, is_nullable=False),
        Column("$createdAt", psql.SQL("d.created_at"), "timestamptz", _moment, is_nullable=False),
        Column("$updatedAt", psql.SQL("d.updated_at"), "timestamptz", _moment, is_nullable=False),
    )
}
SEQUENCE: Final = _SYSTEM_COLUMNS["$sequence"]


def column(schema: Mapping[str, Attribute], name: str) -> Column:
    """Return what `name` stands for in a query.

    Raises: QUERY_INVALID
    """
    system = _SYSTEM_COLUMNS.get(name)
    if system is not None:
        return system
    attribute = schema.get(name)
    if attribute is None:
        raise refusal(f"Attribute not found in schema: {name[:64]}")
    if attribute.is_encrypted:
        raise refusal(f"Cannot query encrypted attribute: {name}")
    return _attribute_column(attribute)


@lru_cache(maxsize=CACHED_COLUMNS)
def _attribute_column(attribute: Attribute) -> Column:
    return Column(
        attribute.key,
        attributes.expression(attribute),
        attributes.sql_type(attribute),
        partial(attributes.read_query_value, attribute),
        is_array=attribute.is_array,
        is_point=attribute.type == "point",
        value=attributes.field_value(attribute) if attribute.is_free else None,
        leading=attribute.leading,
    )


def refusal(reason: str) -> ApiError:
    return ApiError(ErrorKind.QUERY_INVALID, f"Invalid query: {reason}")


def check_select(schema: Mapping[str, Attribute], names: Sequence[str] | None) -> None:
    """Refuse names that the collection does not have.

    Raises: QUERY_INVALID
    """
    for name in names or ():
        if name == "*" or name in SELECTABLE:
            continue
        attribute = schema.get(name)
        if attribute is None:
            raise refusal(f"Attribute not found in schema: {name[:64]}")
        if attribute.is_free and "." in name:
            raise refusal(f"Fields are selected as a whole, and not {name[:64]}")


SELECTABLE = frozenset(_SYSTEM_COLUMNS) | {
    "$permissions",
    "$databaseId",
    "$collectionId",
    "$tableId",
}
