"""Update operators: what a text in the data of a change may ask for instead of a value.

An operator is the JSON text `{"method", "values"}`. The statement that writes does it to the stored
value, so that two of them at once both count (reference: operators.json). The database has a
function for them (`document_operated`), which `Operation.arguments` are made for.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from documents.attributes import (
    FREE,
    MAX_ARRAY_ITEMS,
    MAX_FIELD_BYTES,
    Attribute,
    NumberType,
    StructureError,
    check_fields,
    is_field_key,
)
from kernel import clock
from kernel.limits import MAX_BODY_BYTES, MAX_INTEGER

MAX_DAYS = 3_660_000
MAX_FLOAT = 1.7976931348623157e308
CONDITIONS = frozenset(
    {"equal", "notEqual", "greaterThan", "greaterThanEqual", "lessThan", "lessThanEqual"}
)
#: The fault of a stored value that a step would take past its bound.
PAST_BOUND = "bound"
#: The fault of a free field that holds something else than the operator needs.
WRONG_TYPE = "type"
#: The entry that stands in place of all data where an operation is not possible.
FAULT = "$fault"

#: The type of attributes that know an operator, and what a free field has to hold for it, if any.
_OF_FIELDS: Final[Mapping[str, tuple[str, str | None]]] = {
    **dict.fromkeys(
        ("step", "increment", "decrement", "multiply", "divide", "modulo", "power"),
        ("float", "number"),
    ),
    **dict.fromkeys(("stringConcat", "stringReplace"), ("longtext", "string")),
    "toggle": ("boolean", "boolean"),
    "dateSetNow": ("datetime", None),
    **dict.fromkeys(
        ("arrayAppend", "arrayPrepend", "arrayInsert", "arrayRemove", "arrayDiff"), (FREE, "array")
    ),
    **dict.fromkeys(("arrayIntersect", "arrayUnique", "arrayFilter"), (FREE, "array")),
}

Arguments = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator for one attribute, checked."""

    attribute: Attribute
    arguments: Mapping[str, Any]

    def refusal(self, fault: str) -> str:
        """Return what a client is told where the stored value does not allow the operation."""
        attribute = self.attribute
        reasons = {
            "length": f"has invalid type. The result is longer than {attribute.size}",
            "items": f"holds more than {MAX_ARRAY_ITEMS} items",
            "place": f"has no place {self.arguments.get('index')}",
            "range": f"has invalid format. {self._range_text()}",
        }
        return f'Invalid document structure: Attribute "{attribute.key}" {reasons[fault]}'

    def _range_text(self) -> str:
        kind = self.attribute.kind
        low, high = self.arguments.get("low"), self.arguments.get("high")
        if isinstance(kind, NumberType):
            return kind.range_text(low, high)
        return "Value must be valid date between 1000-01-01 00:00:00 and 9999-12-31 23:59:59."


def fault_of(operations: Sequence[Operation], fault: str) -> tuple[Operation, str]:
    """Return the operation that a fault speaks of, and what is the matter."""
    place, _, reason = fault.partition(":")
    return operations[int(place)], reason


def find_operator(value: Any) -> tuple[str, list[Any]] | None:
    """Return method and values where a value is an operator's text, None for every other value."""
    if not isinstance(value, str) or not value.startswith("{"):
        return None
    try:
        decoded = orjson.loads(value)
    except orjson.JSONDecodeError:
        return None
    method, values = decoded.get("method"), decoded.get("values", [])
    if not isinstance(method, str) or method not in _READERS or not isinstance(values, list):
        return None
    return method, values


def read_operation(attribute: Attribute, method: str, values: Sequence[Any]) -> Operation:
    """Check an operator against the attribute it is for.

    Raises:
        StructureError: It does not suit the attribute, or its values are wrong.
    """
    try:
        if attribute.encrypt:
            raise ValueError("it is encrypted")
        if attribute.is_free:
            return _on_field(attribute, method, values)
        return _operation(attribute, method, _READERS[method](attribute, method, values))
    except ValueError as error:
        raise StructureError(
            f'Invalid document structure: Cannot apply {method} to attribute "{attribute.key}":'
            f" {error}"
        ) from None


def read_step(attribute: Attribute, by: float, bound: float | None) -> Operation:
    """Return the operation that adds `by`, and is refused where it would go past the bound.

    The bound is a maximum for a positive step, a minimum for a negative one.

    Raises:
        ValueError: The attribute is no number, or not of the kind that the step would make it.
    """
    if attribute.is_free:
        return _on_field(attribute, "step", [by], {"bound": bound})
    arguments = _number(attribute, "increment", [by])
    return _operation(attribute, "step", {**arguments, "bound": bound})


def _on_field(
    field: Attribute, method: str, values: Sequence[Any], more: Arguments | None = None
) -> Operation:
    """Return an operation for a free field: that of an attribute of the type the operator needs."""
    if not is_field_key(field.key):
        raise ValueError("a part of a field cannot be changed by itself")
    if method not in _OF_FIELDS:
        raise ValueError("it is not a datetime attribute")
    check_fields({field.key: [list(values)]})
    type_, holds = _OF_FIELDS[method]
    stand_in = replace(field, type=type_, array=holds == "array", size=MAX_FIELD_BYTES)
    read = _number if method == "step" else _READERS[method]
    arguments = read(stand_in, "increment" if method == "step" else method, values)
    return _operation(stand_in, method, {**arguments, "holds": holds, **(more or {})})


def _operation(attribute: Attribute, method: str, arguments: Arguments) -> Operation:
    return Operation(attribute, {"name": attribute.name, "method": method, **arguments})


def _number(attribute: Attribute, method: str, values: Sequence[Any]) -> Arguments:
    if not attribute.kind.has_range or attribute.array:
        raise ValueError("it is not a number")
    is_step = method in ("increment", "decrement")
    values = values or ([1] if is_step else [])
    if not 1 <= len(values) <= (1 if method == "modulo" else 2):
        raise ValueError("wrong number of values")
    by = _finite(values[0])
    bound = _finite(values[1]) if len(values) > 1 and values[1] is not None else None
    is_whole = attribute.kind.cast == "bigint"
    if is_step and is_whole and by != int(by):
        raise ValueError("the value must be a whole number")
    if method in ("divide", "modulo") and not by:
        raise ValueError("division by zero")
    return {"by": by, "bound": bound, "whole": is_whole, **_range(attribute)}


def _range(attribute: Attribute) -> Arguments:
    """Return the limits of an attribute's numbers, its type's where it has none of its own."""
    least, most = -MAX_FLOAT, MAX_FLOAT
    if attribute.kind.cast == "bigint":
        least, most = -MAX_INTEGER - 1, MAX_INTEGER
    low, high = attribute.min, attribute.max
    return {"low": least if low is None else low, "high": most if high is None else high}


def _finite(value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("the value must be a number")
    return value


def _text(attribute: Attribute, method: str, values: Sequence[Any]) -> Arguments:
    if not attribute.kind.is_encryptable or attribute.array:
        raise ValueError("it is not a text")
    if len(values) != (1 if method == "stringConcat" else 2):
        raise ValueError("wrong number of values")
    texts = [_typed(attribute, value) for value in values]
    return {
        "texts": texts,
        "size": attribute.size,
        "in_bytes": not attribute.kind.has_size,
        "most_bytes": MAX_BODY_BYTES,
    }


def _flag(attribute: Attribute, method: str, values: Sequence[Any]) -> Arguments:
    if attribute.kind.public_type != "boolean" or attribute.array:
        raise ValueError("it is not a boolean")
    _check_none(values)
    return {}


def _days(attribute: Attribute, method: str, values: Sequence[Any]) -> Arguments:
    _check_time(attribute)
    if len(values) != 1 or type(values[0]) is not int or abs(values[0]) > MAX_DAYS:
        raise ValueError("it takes one number of days")
    return {"days": values[0]}


def _now(attribute: Attribute, method: str, values: Sequence[Any]) -> Arguments:
    _check_time(attribute)
    _check_none(values)
    return {"now": clock.api_time(clock.now())}


def _check_time(attribute: Attribute) -> None:
    if attribute.kind.public_type != "datetime" or attribute.array:
        raise ValueError("it is not a datetime")


def _check_none(values: Sequence[Any]) -> None:
    if values:
        raise ValueError("it takes no values")


def _added(attribute: Attribute, method: str, values: Sequence[Any]) -> Arguments:
    items = [_valid(attribute, value) for value in _items(attribute, values)]
    return {"items": items, "most_items": MAX_ARRAY_ITEMS}


def _inserted(attribute: Attribute, method: str, values: Sequence[Any]) -> Arguments:
    if len(_items(attribute, values)) != 2 or type(values[0]) is not int:
        raise ValueError("it takes a place and a value")
    index = values[0]
    if not 0 <= index <= MAX_ARRAY_ITEMS:
        raise ValueError("there is no such place")
    item = _valid(attribute, values[1])
    return {"index": index, "items": [item], "most_items": MAX_ARRAY_ITEMS}


def _compared(attribute: Attribute, method: str, values: Sequence[Any]) -> Arguments:
    items = [_typed(attribute, value) for value in _items(attribute, values)]
    if method == "arrayRemove" and len(items) != 1:
        raise ValueError("it takes one value")
    return {"items": items}


def _unique(attribute: Attribute, method: str, values: Sequence[Any]) -> Arguments:
    _check_none(_items(attribute, values))
    return {}


def _filtered(attribute: Attribute, method: str, values: Sequence[Any]) -> Arguments:
    if not 1 <= len(_items(attribute, values)) <= 2:
        raise ValueError("it takes a condition and perhaps a value")
    condition = values[0]
    if condition in ("isNull", "isNotNull"):
        return {"condition": condition}
    if condition not in CONDITIONS or len(values) < 2:
        raise ValueError("it takes a known condition and a value")
    if attribute.kind.cast == "boolean" and condition not in ("equal", "notEqual"):
        raise ValueError("the condition does not suit its items")
    return {"condition": condition, "value": _typed(attribute, values[1])}


def _items(attribute: Attribute, values: Sequence[Any]) -> Sequence[Any]:
    if not attribute.array:
        raise ValueError("it is not an array")
    if len(values) > MAX_ARRAY_ITEMS:
        raise ValueError(f"more than {MAX_ARRAY_ITEMS} values")
    return values


def _typed(attribute: Attribute, value: Any) -> Any:
    return attribute.kind.parse(value)


def _valid(attribute: Attribute, value: Any) -> Any:
    return attribute.kind.validate(value, attribute)


_READERS: Final[Mapping[str, Callable[[Attribute, str, Sequence[Any]], Arguments]]] = {
    "increment": _number,
    "decrement": _number,
    "multiply": _number,
    "divide": _number,
    "modulo": _number,
    "power": _number,
    "stringConcat": _text,
    "stringReplace": _text,
    "toggle": _flag,
    "dateAddDays": _days,
    "dateSubDays": _days,
    "dateSetNow": _now,
    "arrayAppend": _added,
    "arrayPrepend": _added,
    "arrayInsert": _inserted,
    "arrayRemove": _compared,
    "arrayDiff": _compared,
    "arrayIntersect": _compared,
    "arrayUnique": _unique,
    "arrayFilter": _filtered,
}
