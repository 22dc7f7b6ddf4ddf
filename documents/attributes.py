"""Attribute types: how a value is checked, stored, compared in SQL, and what it costs.

A document holds each value under the `name` of its attribute. That is its key, unless the
attribute was renamed or an earlier one had used the key: a name is never used twice, so a rename
moves no data and a new attribute never finds values of an old one.
"""

import dataclasses
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, LiteralString

import orjson
from psycopg import sql as psql

from kernel import clock, fields
from kernel.limits import MAX_INTEGER

PROCESSING = "processing"
AVAILABLE = "available"
DELETING = "deleting"
FAILED = "failed"

MAX_ATTRIBUTES = 1017
MAX_ROW_BYTES = 65_535
MAX_STRING_SIZE = 1_073_741_824
MAX_ARRAY_ITEMS = 10_000
_SYSTEM_ROW_BYTES = 1067
_OUT_OF_ROW_BYTES = 20
_MAX_IN_ROW_CHARACTERS = 16_381
_BYTES_PER_CHARACTER = 4

Number = int | float


class InvalidTypeError(ValueError):
    """A value of the wrong type; the text says which is right."""


class InvalidFormatError(ValueError):
    """A value of the right type that breaks the attribute's format; the text says which."""


class StructureError(ValueError):
    """Data that does not fit its collection; the text is shown to the client."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """One attribute of a collection, as every process reads it from the collection's JSON.

    `type` names a class of this module. Times are written as in answers.
    """

    key: str
    type: str
    name: str
    status: str = PROCESSING
    error: str = ""
    required: bool = False
    array: bool = False
    default: Any = None
    size: int = 0
    min: Number | None = None
    max: Number | None = None
    encrypt: bool = False
    description: str = ""
    created_at: str = ""
    updated_at: str = ""

    @property
    def is_available(self) -> bool:
        return self.status == AVAILABLE

    @property
    def is_array(self) -> bool:
        return self.array

    @property
    def is_encrypted(self) -> bool:
        return self.encrypt

    @property
    def blank(self) -> list[Any] | None:
        """What answers show where a document has no value."""
        return [] if self.array else None

    @property
    def kind(self) -> "AttributeType":
        return ATTRIBUTE_TYPES[self.type]

    def changed(self, **changes: Any) -> "Attribute":
        """Return the attribute with some fields changed, and the time of the change."""
        return dataclasses.replace(self, updated_at=clock.api_time(clock.now()), **changes)


def load(entry: Mapping[str, Any]) -> Attribute:
    """Read an attribute from the collection's JSON."""
    return Attribute(**entry)


def dump(attribute: Attribute) -> dict[str, Any]:
    """Write an attribute for the collection's JSON."""
    return dataclasses.asdict(attribute)


class AttributeType:
    """One type: `public_type` and `format` tell it apart in answers, `cast` is its SQL type."""

    public_type: ClassVar[str]
    format: ClassVar[str] = ""
    cast: ClassVar[LiteralString] = "text"
    has_range: ClassVar[bool] = False
    has_size: ClassVar[bool] = False

    def parse(self, value: Any) -> Any:
        """Return one value in its stored form, whatever the limits of the attribute.

        Raises:
            InvalidTypeError: The value is of another type.
            InvalidFormatError: The value breaks the type's own format.
        """
        raise NotImplementedError

    def validate(self, value: Any, attribute: Attribute) -> Any:
        """Return one value in its stored form, checked against the attribute.

        Raises: InvalidTypeError, InvalidFormatError
        """
        return self.parse(value)

    def row_bytes(self, attribute: Attribute) -> int:
        """Return what a value counts against the budget of a row."""
        raise NotImplementedError


class StringType(AttributeType):
    public_type = "string"
    has_size = True

    def parse(self, value: Any) -> str:
        if not isinstance(value, str) or "\x00" in value:
            raise InvalidTypeError("Value must be a valid string")
        return value

    def validate(self, value: Any, attribute: Attribute) -> str:
        if not isinstance(value, str) or "\x00" in value or len(value) > attribute.size:
            raise InvalidTypeError(
                f"Value must be a valid string and no longer than {attribute.size} chars"
            )
        return value

    def row_bytes(self, attribute: Attribute) -> int:
        if attribute.size > _MAX_IN_ROW_CHARACTERS:
            return _OUT_OF_ROW_BYTES
        return attribute.size * _BYTES_PER_CHARACTER + (1 if attribute.size <= 255 else 2)


class EmailType(StringType):
    """Kept as sent; the check is that of account addresses."""

    format = "email"
    has_size = False

    def validate(self, value: Any, attribute: Attribute) -> str:
        text = super().validate(value, attribute)
        try:
            fields.email(text)
        except ValueError as error:
            raise InvalidFormatError(str(error)) from None
        return text


class NumberType(AttributeType):
    """A number, in a range where the attribute names one."""

    has_range = True

    def validate(self, value: Any, attribute: Attribute) -> Number:
        number: Number = self.parse(value)
        low, high = attribute.min, attribute.max
        if (low is not None and number < low) or (high is not None and number > high):
            raise InvalidFormatError(self.range_text(low, high))
        return number

    def range_text(self, low: Number | None, high: Number | None) -> str:
        raise NotImplementedError


class IntegerType(NumberType):
    public_type = "integer"
    cast = "bigint"

    def parse(self, value: Any) -> int:
        if type(value) is not int or not -MAX_INTEGER - 1 <= value <= MAX_INTEGER:
            raise InvalidTypeError("Value must be a valid integer")
        return value

    def range_text(self, low: Number | None, high: Number | None) -> str:
        least = -MAX_INTEGER - 1 if low is None else low
        most = MAX_INTEGER if high is None else high
        return f"Value must be a valid range between {least:,} and {most:,}"

    def row_bytes(self, attribute: Attribute) -> int:
        return 8


class FloatType(NumberType):
    public_type = "double"
    cast = "double precision"

    def parse(self, value: Any) -> float:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        try:
            number = float(value) if is_number else math.nan
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise InvalidTypeError("Value must be a valid float")
        return number

    def range_text(self, low: Number | None, high: Number | None) -> str:
        if low is None:
            return f"Value must be less than or equal to {_plain(high)}"
        if high is None:
            return f"Value must be greater than or equal to {_plain(low)}"
        return f"Value must be a valid range between {_plain(low)} and {_plain(high)}"

    def row_bytes(self, attribute: Attribute) -> int:
        return 8


class BooleanType(AttributeType):
    public_type = "boolean"
    cast = "boolean"

    def parse(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise InvalidTypeError("Value must be a valid boolean")
        return value

    def row_bytes(self, attribute: Attribute) -> int:
        return 1


class DatetimeType(AttributeType):
    """Stored as text of fixed width in UTC, whose order is that of the times."""

    public_type = "datetime"
    format = "datetime"

    _DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)

    def parse(self, value: Any) -> str:
        try:
            if not isinstance(value, str) or self._DATE.match(value) is None:
                raise ValueError
            return clock.api_time(clock.parse_time(value))
        except ValueError:
            raise InvalidTypeError(
                "Value must be valid date between 1000-01-01 00:00:00 and 9999-12-31 23:59:59."
            ) from None

    def row_bytes(self, attribute: Attribute) -> int:
        return 19


ATTRIBUTE_TYPES: Final[Mapping[str, AttributeType]] = {
    "string": StringType(),
    "integer": IntegerType(),
    "float": FloatType(),
    "boolean": BooleanType(),
    "datetime": DatetimeType(),
    "email": EmailType(),
}


def _plain(value: Number | None) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    return f"{value:,}"


# Documents


def stored_value(attribute: Attribute, value: Any) -> Any:
    """Return a value, not null, as the document holds it.

    Raises: StructureError
    """
    if not attribute.array:
        return _checked(attribute, value, attribute.key)
    if not isinstance(value, list):
        raise StructureError(_invalid(f'Attribute "{attribute.key}" must be an array'))
    if len(value) > MAX_ARRAY_ITEMS:
        raise StructureError(
            _invalid(f'Attribute "{attribute.key}" holds more than {MAX_ARRAY_ITEMS} items')
        )
    return [
        _checked(attribute, item, f"{attribute.key}['{place}']") for place, item in enumerate(value)
    ]


def unknown(key: str) -> StructureError:
    return StructureError(_invalid(f'Unknown attribute: "{key[:64]}"'))


def missing(attribute: Attribute) -> StructureError:
    return StructureError(_invalid(f'Missing required attribute "{attribute.key}"'))


def _checked(attribute: Attribute, value: Any, place: str) -> Any:
    try:
        return attribute.kind.validate(value, attribute)
    except InvalidTypeError as error:
        raise StructureError(_invalid(f'Attribute "{place}" has invalid type. {error}')) from None
    except InvalidFormatError as error:
        raise StructureError(_invalid(f'Attribute "{place}" has invalid format. {error}')) from None


def _invalid(reason: str) -> str:
    return f"Invalid document structure: {reason}"


# Queries


def expression(attribute: Attribute) -> psql.Composed:
    """Return the SQL of an attribute's value, null where a document has none.

    Filters, orders and indexes all take it from here: an index is used only where the texts are
    the same. Text is compared by code points, so that no change of a locale breaks an index.
    """
    name = psql.Literal(attribute.name)
    if attribute.array:
        return psql.SQL("NULLIF(data -> {}, 'null'::jsonb)").format(name)
    if attribute.kind.cast == "text":
        return psql.SQL('((data ->> {}) COLLATE "C")').format(name)
    return psql.SQL("((data ->> {})::{})").format(name, psql.SQL(attribute.kind.cast))


def sql_type(attribute: Attribute) -> LiteralString:
    """Return the SQL type of one value of an attribute."""
    return attribute.kind.cast


def read_query_value(attribute: Attribute, value: Any) -> Any:
    """Return a query's value in the form that `expression` gives.

    Raises:
        ValueError: The value is of another type.
    """
    return attribute.kind.parse(value)


def json_text(value: Any) -> str:
    return orjson.dumps(value).decode()


# The budget of a row


def row_bytes(attributes: Iterable[Attribute]) -> int:
    """Return the part of `MAX_ROW_BYTES` that attributes use (reference: `bytesUsed`)."""
    return _SYSTEM_ROW_BYTES + sum(
        _OUT_OF_ROW_BYTES if each.array else each.kind.row_bytes(each) for each in attributes
    )


def is_over_budget(attributes: Sequence[Attribute]) -> bool:
    return len(attributes) > MAX_ATTRIBUTES or row_bytes(attributes) > MAX_ROW_BYTES
