"""Values of Firestore, from the two ways in which they are written as JSON.

Texts, numbers, truth values, lists and maps become Python's; times become datetimes, vectors lists
of numbers.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from kernel import clock
from kernel.limits import MAX_INTEGER

MAX_DEPTH = 32
_DATATYPE = "__datatype__"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class GeoPoint:
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Reference:
    """A document's path, such as `("users", "ann")`."""

    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Binary:
    """Bytes, as the base64 they are written in."""

    base64: str


def read_typed(value: object, depth: int = 0) -> Any:
    """Read a value as the REST API writes it: `{"stringValue": "x"}`.

    Raises:
        ValueError: It is no such value.
    """
    if not isinstance(value, Mapping) or len(value) != 1:
        raise ValueError("A value must be an object that names its type")
    if depth > MAX_DEPTH:
        raise ValueError(f"Values lie within one another more than {MAX_DEPTH} times")
    (kind, content), *_ = value.items()
    if kind == "arrayValue":
        return [read_typed(each, depth + 1) for each in _list(_map(content).get("values", []))]
    if kind == "mapValue":
        return _vector_or_map(read_fields(_map(content).get("fields", {}), depth + 1))
    read = _TYPED.get(kind)
    if read is None:
        raise ValueError(f"The type {str(kind)[:64]!r} is not known")
    return _read(read, content, kind)


def read_fields(fields: object, depth: int = 0) -> dict[str, Any]:
    """Read the fields of a document or a map as the REST API writes them.

    Raises: ValueError
    """
    return {read_text(key): read_typed(value, depth) for key, value in _map(fields).items()}


def read_plain(value: object, depth: int = 0) -> Any:
    """Read a value of JSON, where `{"__datatype__": ...}` stands for what JSON does not have.

    Raises: ValueError
    """
    if depth > MAX_DEPTH:
        raise ValueError(f"Values lie within one another more than {MAX_DEPTH} times")
    if isinstance(value, str):
        return read_text(value)
    if isinstance(value, list):
        return [read_plain(each, depth + 1) for each in value]
    if not isinstance(value, dict):
        return value if isinstance(value, bool | None) else _plain_number(value)
    read = _PLAIN.get(str(value.get(_DATATYPE)))
    if read is not None and "value" in value:
        return _read(read, value["value"], str(value[_DATATYPE]))
    return _vector_or_map(
        {read_text(key): read_plain(each, depth + 1) for key, each in value.items()}
    )


def read_reference(name: object) -> tuple[str, ...]:
    """Read a path, or the REST API's name of a document, which a database is named before.

    Raises: ValueError
    """
    parts = tuple(read_text(name).strip("/").split("/"))
    if len(parts) > 5 and (parts[0], parts[2], parts[4]) == ("projects", "databases", "documents"):
        parts = parts[5:]
    if len(parts) % 2 or not all(parts):
        raise ValueError(f"{'/'.join(parts)[:200]!r} is no path of a document")
    return parts


def read_time(value: object) -> datetime:
    """Read a time in ISO 8601.

    Raises: ValueError
    """
    try:
        return clock.parse_time(read_text(value))
    except ValueError:
        raise ValueError(
            f"{str(value)[:64]!r} is no time between the years 1000 and 9999"
        ) from None


def _read(read: Callable[[Any], Any], content: object, kind: str) -> Any:
    try:
        return read(content)
    except (AttributeError, KeyError, TypeError, OverflowError):
        raise ValueError(f"A value of the type {kind!r} cannot be read") from None


def read_text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("A text is missing")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ValueError("A text holds half a character (a lone surrogate)") from None
    return value


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _number(value: object) -> float | None:
    number = float(value)  # type: ignore[arg-type]  # what is no number raises
    return number if math.isfinite(number) else None


def _plain_number(value: Any) -> int | float | None:
    """Return a number; whole ones past 64 bits are floating ones, as in Firestore."""
    if isinstance(value, int) and -MAX_INTEGER - 1 <= value <= MAX_INTEGER:
        return value
    try:
        return _number(value)
    except OverflowError:
        return None


def _geo_point(value: Any) -> GeoPoint:
    prefix = "_" if "_latitude" in value or "_longitude" in value else ""
    # The REST API leaves out zeros.
    return GeoPoint(
        float(value.get(f"{prefix}latitude", 0)), float(value.get(f"{prefix}longitude", 0))
    )


def _timestamp(value: Any) -> datetime:
    if isinstance(value, str):
        return read_time(value)
    moment = _EPOCH + timedelta(
        seconds=value["_seconds"], microseconds=value.get("_nanoseconds", 0) // 1000
    )
    return read_time(moment.isoformat())


def _list(value: object) -> Sequence[Any]:
    if not isinstance(value, list):
        raise ValueError("A list is missing")
    return value


def _map(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("A map is missing")
    return value


def _vector_or_map(value: dict[str, Any]) -> Any:
    is_vector = value.get("__type__") == "__vector__" and "value" in value
    return value["value"] if is_vector else value


#: NaN and the infinities are no values here.
_TYPED: Mapping[str, Callable[[Any], Any]] = {
    "nullValue": lambda _value: None,
    "booleanValue": _boolean,
    "integerValue": lambda value: _plain_number(int(value)),
    "doubleValue": _number,
    "stringValue": read_text,
    "timestampValue": read_time,
    "bytesValue": lambda value: Binary(read_text(value)),
    "referenceValue": lambda value: Reference(read_reference(value)),
    "geoPointValue": _geo_point,
}
_PLAIN: Mapping[str, Callable[[Any], Any]] = {
    "timestamp": _timestamp,
    "geopoint": _geo_point,
    "documentReference": lambda value: Reference(read_reference(value)),
}
