"""The query language as SQL: the one file that composes it from what clients send.

Every value is bound, every name comes from the schema. An attribute without a value fits no test
but `isNull`, the negative ones included, and sorts below every value. Text is compared by code
points, so upper and lower case differ.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from itertools import count
from typing import Any, LiteralString

from psycopg import sql as psql

from documents import attributes
from documents.attributes import Attribute
from kernel import clock
from kernel.errors import ApiError, ErrorKind
from kernel.limits import MAX_INTEGER
from kernel.query import (
    CONTAINMENTS,
    NULL_TESTS,
    RANGES,
    Condition,
    Filter,
    Group,
    Order,
    leaves,
)

CACHED_COLUMNS = 10_000

_COMPARISONS: Mapping[str, LiteralString] = {
    "equal": "=",
    "notEqual": "<>",
    "lessThan": "<",
    "lessThanEqual": "<=",
    "greaterThan": ">",
    "greaterThanEqual": ">=",
}
_PATTERNS: Mapping[str, tuple[LiteralString, str, str]] = {
    "startsWith": ("LIKE", "", "%"),
    "notStartsWith": ("NOT LIKE", "", "%"),
    "endsWith": ("LIKE", "%", ""),
    "notEndsWith": ("NOT LIKE", "%", ""),
}
_SUBSTRINGS: Mapping[str, LiteralString] = {
    "contains": "LIKE ANY",
    "containsAny": "LIKE ANY",
    "notContains": "NOT LIKE ALL",
}
_WILDCARDS = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})
_ARRAY_METHODS = CONTAINMENTS | NULL_TESTS


@dataclass(frozen=True, slots=True)
class Column:
    """Something a query may name: its SQL, the type of its values, and how they are read."""

    name: str
    expression: psql.Composable
    type: LiteralString
    read: Callable[[Any], Any]
    is_array: bool = False
    is_nullable: bool = True

    @property
    def is_text(self) -> bool:
        return self.type == "text"


@dataclass(frozen=True, slots=True)
class Sorting:
    """One step of an order. Missing values come first ascending, last descending."""

    column: Column
    is_descending: bool

    def clause(self) -> psql.Composable:
        direction = psql.SQL(" DESC" if self.is_descending else " ASC")
        if not self.column.is_nullable:
            return self.column.expression + direction
        nulls = psql.SQL(" NULLS LAST" if self.is_descending else " NULLS FIRST")
        return self.column.expression + direction + nulls

    def reversed(self) -> "Sorting":
        return Sorting(self.column, not self.is_descending)


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
_SEQUENCE = _SYSTEM_COLUMNS["$sequence"]
_UNIQUE_COLUMNS = frozenset({"$id", "$sequence"})
_TIMES = frozenset({"$createdAt", "$updatedAt"})


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
    )


def refusal(reason: str) -> ApiError:
    return ApiError(ErrorKind.QUERY_INVALID, f"Invalid query: {reason}")


def check_select(schema: Mapping[str, Attribute], names: Sequence[str] | None) -> None:
    """Refuse names that the collection does not have.

    Raises: QUERY_INVALID
    """
    for name in names or ():
        if name != "*" and name not in schema and name not in SELECTABLE:
            raise refusal(f"Attribute not found in schema: {name[:64]}")


SELECTABLE = frozenset(_SYSTEM_COLUMNS) | {
    "$permissions",
    "$databaseId",
    "$collectionId",
    "$tableId",
}


# Conditions


def shape(conditions: Sequence[Condition]) -> tuple[Hashable, ...]:
    """Return what the SQL of conditions depends on, which is everything but their values."""
    return tuple(
        (each.method, shape(each.conditions))
        if isinstance(each, Group)
        else (each.method, each.attribute, len(each.values) == 1)
        for each in conditions
    )


def values(schema: Mapping[str, Attribute], conditions: Sequence[Condition]) -> dict[str, Any]:
    """Check conditions; return their values by the names of their placeholders in `where`.

    Raises: QUERY_INVALID
    """
    found: dict[str, Any] = {}
    for condition in leaves(conditions):
        for operand in _operands(column(schema, condition.attribute), condition):
            found[_placeholder(len(found))] = operand.value
    return found


def where(schema: Mapping[str, Attribute], conditions: Sequence[Condition]) -> psql.Composable:
    """Return the test that rows must pass, `true` where there is none.

    Raises: QUERY_INVALID
    """
    if not conditions:
        return psql.SQL("true")
    return _joined(schema, conditions, count(), " AND ")


def _placeholder(place: int) -> str:
    return f"p{place}"


def _joined(
    schema: Mapping[str, Attribute],
    conditions: Sequence[Condition],
    places: Iterator[int],
    word: LiteralString,
) -> psql.Composable:
    tests = [_condition(schema, each, places) for each in conditions]
    return psql.SQL("({})").format(psql.SQL(word).join(tests))


def _condition(
    schema: Mapping[str, Attribute], condition: Condition, places: Iterator[int]
) -> psql.Composable:
    if isinstance(condition, Group):
        word: LiteralString = " AND " if condition.method == "and" else " OR "
        return _joined(schema, condition.conditions, places, word)
    tested = column(schema, condition.attribute)
    bound = [
        psql.Placeholder(_placeholder(next(places))) + psql.SQL("::" + operand.type)
        for operand in _operands(tested, condition)
    ]
    return _test(tested, condition, bound)


def _test(tested: Column, condition: Filter, bound: Sequence[psql.Composable]) -> psql.Composable:
    method = condition.method
    if method in NULL_TESTS:
        return tested.expression + psql.SQL(" IS NULL" if method == "isNull" else " IS NOT NULL")
    if method in RANGES:
        word = psql.SQL(" BETWEEN " if method == "between" else " NOT BETWEEN ")
        return psql.SQL("({}{}{} AND {})").format(tested.expression, word, *bound)
    if tested.is_array:
        return _containment(tested, method, bound[0])
    if method in _SUBSTRINGS:
        return _operation(tested, _SUBSTRINGS[method], _listed(bound[0]))
    if method in _PATTERNS:
        return _operation(tested, _PATTERNS[method][0], bound[0])
    if method == "equal" and len(condition.values) > 1:
        return _operation(tested, "= ANY", _listed(bound[0]))
    return _operation(tested, _COMPARISONS[method], bound[0])


def _containment(tested: Column, method: str, bound: psql.Composable) -> psql.Composable:
    if method == "containsAll":
        return _operation(tested, "@>", bound)
    fits = _operation(tested, "@> ANY", _listed(bound))
    return psql.SQL("NOT ") + fits if method == "notContains" else fits


def _operation(
    tested: Column, operator: LiteralString, operand: psql.Composable
) -> psql.Composable:
    return psql.SQL("({} {} {})").format(tested.expression, psql.SQL(operator), operand)


def _listed(operand: psql.Composable) -> psql.Composable:
    return psql.SQL("({})").format(operand)


def _operands(tested: Column, condition: Filter) -> list[Operand]:
    """Check a test and return the values it binds.

    Raises: QUERY_INVALID
    """
    method = condition.method
    _check_place(tested, condition)
    try:
        found = [tested.read(value) for value in condition.values]
    except ValueError:
        raise refusal(f'Query value is invalid for attribute "{tested.name}"') from None
    if tested.is_array and found:
        return [_array_operand(method, found)]
    if method in _SUBSTRINGS:
        return [Operand([f"%{_escaped(value)}%" for value in found], "text[]")]
    if method in _PATTERNS:
        _, before, after = _PATTERNS[method]
        return [Operand(f"{before}{_escaped(found[0])}{after}", "text")]
    if method == "equal" and len(found) > 1:
        return [Operand(found, tested.type + "[]")]
    return [Operand(value, tested.type) for value in found]


def _array_operand(method: str, found: list[Any]) -> Operand:
    if method == "containsAll":
        return Operand(attributes.json_text(found), "jsonb")
    return Operand([attributes.json_text([value]) for value in found], "text[]::jsonb[]")


def _check_place(tested: Column, condition: Filter) -> None:
    """Refuse tests that make no sense for the type of their attribute."""
    method = condition.method
    if tested.is_array:
        reason = "" if method in _ARRAY_METHODS else "it is an array"
    elif method == "containsAll":
        reason = "it is not an array"
    elif method in _SUBSTRINGS and not tested.is_text:
        reason = "it is not an array or a string"
    elif method in _PATTERNS and not tested.is_text:
        reason = "it is not a string"
    else:
        return
    if reason:
        raise refusal(f'Cannot query {method} on attribute "{tested.name}" because {reason}.')


def _escaped(value: str) -> str:
    return value.translate(_WILDCARDS)


# Order and place


def sortings(schema: Mapping[str, Attribute], orders: Sequence[Order]) -> list[Sorting]:
    """Return the whole order: what was asked for, then what makes it total.

    Ties fall back to `$sequence` ascending; after a leading time, in the direction of that time.

    Raises: QUERY_INVALID
    """
    steps = []
    for order in orders:
        ordered = column(schema, order.attribute)
        if ordered.is_array:
            raise refusal(f'Cannot order by attribute "{ordered.name}" because it is an array.')
        steps.append(Sorting(ordered, order.is_descending))
    if any(step.column.name in _UNIQUE_COLUMNS for step in steps):
        return steps
    follows = bool(steps) and steps[0].column.name in _TIMES
    return [*steps, Sorting(_SEQUENCE, follows and steps[0].is_descending)]


def beyond(steps: Sequence[Sorting]) -> psql.Composable:
    """Return the test for rows that come after the row of the statement's `edge` in an order.

    Column `k{n}` of `edge` holds that row's value for step n, never null.
    """
    either: list[psql.Composable] = []
    ties: list[psql.Composable] = []
    for place, step in enumerate(steps):
        value = psql.SQL("(SELECT {} FROM edge)").format(psql.Identifier(f"k{place}"))
        either.append(psql.SQL(" AND ").join([*ties, _past(step, value)]))
        ties.append(psql.SQL("{} = {}").format(step.column.expression, value))
    test = psql.SQL("(({}))").format(psql.SQL(") OR (").join(either))
    return _bounded(steps[0], test)


def _past(step: Sorting, value: psql.Composable) -> psql.Composable:
    if not step.is_descending:
        return psql.SQL("{} > {}").format(step.column.expression, value)
    test = psql.SQL("{} < {}").format(step.column.expression, value)
    if not step.column.is_nullable:
        return test
    return psql.SQL("({} OR {} IS NULL)").format(test, step.column.expression)


def _bounded(first: Sorting, test: psql.Composable) -> psql.Composable:
    """Say again, in a form an index can use, where the first step must lie."""
    if first.is_descending and first.column.is_nullable:
        return test
    operator = psql.SQL(" <= " if first.is_descending else " >= ")
    bound = first.column.expression + operator + psql.SQL("(SELECT k0 FROM edge)")
    return psql.SQL("({} AND {})").format(bound, test)


def edge_values(steps: Sequence[Sorting]) -> psql.Composable:
    """Return the columns `k0`, `k1`, ... of `edge`."""
    return psql.SQL(", ").join(
        psql.SQL("{} AS {}").format(step.column.expression, psql.Identifier(f"k{place}"))
        for place, step in enumerate(steps)
    )


def edge_has_null(steps: Sequence[Sorting]) -> psql.Composable:
    """Return the test whether a row of `edge` lacks a value that the order needs."""
    names = [
        psql.SQL("{} IS NULL").format(psql.Identifier(f"k{place}"))
        for place, step in enumerate(steps)
        if step.column.is_nullable
    ]
    return psql.SQL(" OR ").join(names) if names else psql.SQL("false")
