"""List queries over the attributes and indexes of one collection, which are no rows."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kernel.errors import ApiError, ErrorKind, invalid
from kernel.query import (
    CONTAINMENTS,
    RANGES,
    TEXT_TESTS,
    Condition,
    Cursor,
    Filter,
    Group,
    Order,
    QueryError,
    parse_queries,
)

Entry = Mapping[str, Any]

_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "lessThan": lambda value, other: bool(value < other),
    "lessThanEqual": lambda value, other: bool(value <= other),
    "greaterThan": lambda value, other: bool(value > other),
    "greaterThanEqual": lambda value, other: bool(value >= other),
}
_NEGATIONS = {
    "notEqual": "equal",
    "notBetween": "between",
    "notContains": "contains",
    "notStartsWith": "startsWith",
    "notEndsWith": "endsWith",
}


@dataclass(frozen=True, slots=True)
class EntryPage:
    """Some entries of a list, and how many fit the filters."""

    total: int
    entries: list[Entry]


def list_entries(
    entries: Sequence[Entry], queries: Sequence[str], *, queryable: Collection[str], has_total: bool
) -> EntryPage:
    """Return the page of `entries` that `queries` ask for; a cursor is an entry's key.

    Raises: ARGUMENT_INVALID, CURSOR_NOT_FOUND
    """
    try:
        query = parse_queries(queries)
        if query.select is not None:
            raise QueryError("Invalid query method: select")
        unknown = query.attributes() - {*queryable, "$sequence"}
        if unknown:
            raise QueryError(f"Invalid query: Attribute not found in schema: {min(unknown)[:64]}")
        fitting = [each for each in entries if all(_fits(each, test) for test in query.conditions)]
    except QueryError as error:
        raise invalid("queries", str(error)) from None
    ordered = _ordered(fitting, query.orders)
    rest, is_before = _beyond(ordered, query.cursor), bool(query.cursor and query.cursor.is_before)
    if is_before:
        stop = len(rest) - query.offset
        page = rest[max(stop - query.limit, 0) : max(stop, 0)]
    else:
        page = rest[query.offset : query.offset + query.limit]
    return EntryPage(len(fitting) if has_total else 0, page)


def _ordered(entries: list[Entry], orders: Sequence[Order]) -> list[Entry]:
    ordered = entries
    for order in reversed(orders):
        if order.attribute == "$sequence":
            ordered = ordered[::-1] if order.is_descending else ordered
        else:
            ordered = sorted(ordered, key=_sort_key(order), reverse=order.is_descending)
    return ordered


def _sort_key(order: Order) -> Callable[[Entry], tuple[bool, Any]]:
    def key(entry: Entry) -> tuple[bool, Any]:
        value = entry.get(order.attribute)
        return (value is not None, 0 if value is None else value)

    return key


def _beyond(entries: list[Entry], cursor: Cursor | None) -> list[Entry]:
    if cursor is None:
        return entries
    for place, entry in enumerate(entries):
        if entry["key"] == cursor.uid:
            return entries[:place] if cursor.is_before else entries[place + 1 :]
    raise ApiError(ErrorKind.CURSOR_NOT_FOUND, f"Cursor item '{cursor.uid[:64]}' was not found.")


def _fits(entry: Entry, condition: Condition) -> bool:
    if isinstance(condition, Group):
        tests = (_fits(entry, each) for each in condition.conditions)
        return all(tests) if condition.method == "and" else any(tests)
    value = entry.get(condition.attribute)
    if condition.method in ("isNull", "isNotNull"):
        return (value is None) == (condition.method == "isNull")
    if condition.attribute == "$sequence" or not _suits(value, condition):
        raise QueryError(
            f'Invalid query: Query value is invalid for attribute "{condition.attribute}"'
        )
    if value is None:
        return False
    if condition.method in _NEGATIONS:
        return not _test(value, _NEGATIONS[condition.method], condition.values)
    return _test(value, condition.method, condition.values)


def _suits(value: Any, condition: Filter) -> bool:
    """Tell whether a test can be asked of a value, whose own type is the attribute's."""
    if isinstance(value, list):
        return condition.method in CONTAINMENTS
    if value is None:
        return True
    if condition.method in TEXT_TESTS | CONTAINMENTS and not isinstance(value, str):
        return False
    return all(isinstance(other, type(value)) for other in condition.values)


def _test(value: Any, method: str, others: Sequence[Any]) -> bool:
    if method == "equal":
        return value in others
    if method in RANGES:
        return bool(others[0] <= value <= others[1])
    if method in _COMPARISONS:
        return _COMPARISONS[method](value, others[0])
    if method == "startsWith":
        return bool(value.startswith(others[0]))
    if method == "endsWith":
        return bool(value.endswith(others[0]))
    together = all if method == "containsAll" else any
    return together(other in value for other in others)
