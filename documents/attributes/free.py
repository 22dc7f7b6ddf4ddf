"""Free fields: what documents of a schema-less collection hold beside its attributes.

A row holds a field under its key behind a mark that no attribute's name has, so that neither ever
finds a value of the other. A key with dots leads into objects and lists, for reading alone.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, ClassVar, LiteralString

import orjson

from documents.attributes.types import AttributeType, InvalidTypeError, Limits, StructureError
from kernel.limits import MAX_INTEGER

FREE = "any"
MARK = ":"
MAX_FIELDS = 1000
MAX_FIELD_BYTES = 1024 * 1024
MAX_FIELD_DEPTH = 32
MAX_FIELD_KEY_LENGTH = 255
MAX_PATH_LENGTH = 1024
#: What the database says in place of the number of an operation where fields got too large.
FAULT_OF_FIELDS = "fields"
_SEPARATORS = 2

Scalar = str | int | float | bool


class FreeType(AttributeType):
    """Any JSON value, kept as it came. What a write brings is checked as a whole."""

    public_type = FREE
    cast: ClassVar[LiteralString] = "jsonb"
    is_free = True

    def parse(self, value: Any) -> Any:
        return value

    def row_bytes(self, limits: Limits) -> int:
        return 0


def is_field_key(key: str) -> bool:
    """Tell whether a field may be called so. What begins with a dollar is the server's."""
    return (
        0 < len(key) <= MAX_FIELD_KEY_LENGTH
        and key[0] != "$"
        and "." not in key
        and key != "*"
        and key.isprintable()
    )


def is_field_path(path: str) -> bool:
    """Tell whether a query may name a field, or a part of one, so."""
    first, *rest = path.split(".")
    return (
        is_field_key(first)
        and len(path) <= MAX_PATH_LENGTH
        and len(rest) < MAX_FIELD_DEPTH
        and all(part and part.isprintable() for part in rest)
    )


def free_values(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a row by key."""
    return {name[1:]: value for name, value in data.items() if name[0] == MARK}


def check_fields(fields: Mapping[str, Any]) -> None:
    """Check the fields that a write brings, by key.

    Raises: StructureError
    """
    if len(fields) > MAX_FIELDS:
        raise too_large("count")
    size = 0
    for key, value in fields.items():
        if not is_field_key(key):
            raise StructureError(_invalid(f'"{key[:64]}" cannot be the key of a field'))
        try:
            size += len(key.encode()) + _size(value, MAX_FIELD_DEPTH)
        except (InvalidTypeError, UnicodeEncodeError) as error:
            reason = error if isinstance(error, InvalidTypeError) else "A text is no Unicode"
            raise StructureError(_invalid(f'Field "{key}": {reason}')) from None
    if size > MAX_FIELD_BYTES:
        raise too_large("bytes")


def too_large(fault: str) -> StructureError:
    """Return the refusal of a document whose fields are too many, or take too many bytes."""
    most = f"{MAX_FIELDS:,}" if fault == "count" else f"{MAX_FIELD_BYTES:,} bytes of"
    return StructureError(_invalid(f"A document holds at most {most} fields without an attribute"))


def _size(value: Any, depth: int) -> int:
    """Return how long the database writes a value.

    Raises: InvalidTypeError
    """
    match value:
        case dict():
            return 2 + _sizes(_below(depth), _checked_keys(value), value.values())
        case list():
            return 2 + _sizes(_below(depth), value)
        case str():
            return _text_size(value)
        case float():
            # Numbers are written without an exponent.
            text = repr(value)
            return len(format(Decimal(text), "f")) if "e" in text else len(text)
        case bool() | None:
            return len("false")
        case int():
            if not -MAX_INTEGER - 1 <= value <= 2 * MAX_INTEGER + 1:
                raise InvalidTypeError("An integer has more than 64 bits")
            return len(str(value))
    raise InvalidTypeError("Value must be JSON")


def _sizes(depth: int, *lists: Iterable[Any]) -> int:
    return sum(_size(each, depth) + _SEPARATORS for values in lists for each in values)


def _below(depth: int) -> int:
    if not depth:
        raise InvalidTypeError(f"It is nested deeper than {MAX_FIELD_DEPTH}")
    return depth - 1


def _checked_keys(value: Mapping[Any, Any]) -> Iterable[str]:
    for key in value:
        if not isinstance(key, str) or key.startswith("$") or len(key) > MAX_FIELD_KEY_LENGTH:
            raise InvalidTypeError(f'"{str(key)[:64]}" cannot be a key')
    return value


def _text_size(text: str) -> int:
    if "\x00" in text:
        raise InvalidTypeError("A text holds a NUL character")
    if text.isalnum() and text.isascii():
        return len(text) + 2
    try:
        return len(orjson.dumps(text))
    except orjson.JSONEncodeError:
        raise InvalidTypeError("A text is no Unicode") from None


def _invalid(reason: str) -> str:
    return f"Invalid document structure: {reason}"
