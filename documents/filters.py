"""The query language as SQL: the one file that composes it from what clients send.

Every value is bound, every name comes from the schema. An attribute without a value fits no test
but `isNull`, the negative ones included, and sorts below every value. Text is compared by code
points, so upper and lower case differ.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, LiteralString

from psycopg import sql as psql

from documents import attributes
from documents.attributes import Attribute
from kernel import clock
from kernel.errors import ApiError, ErrorKind
from kernel.limits import MAX_INTEGER
from kernel.query import Condition, Filter, Group, Order

_COMPARISONS: Mapping[str, LiteralString] = {
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
_ARRAY_METHODS = frozenset(
    {"contains", "containsAny", "containsAll", "notContains", "isNull", "isNotNull"}
)


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


@dataclass(slots=True)
class Bindings:
    """The values of a statement, by the names of their placeholders."""

    values: dict[str, Any] = field(default_factory=dict)

    def add(self, value: Any, type_: LiteralString) -> psql.Composable:
        name = f"p{len(self.values)}"
        self.values[name] = value
        return psql.Placeholder(name) + psql.SQL("::" + type_)


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
    return Column(
        name,
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


def where(
    schema: Mapping[str, Attribute], conditions: Sequence[Condition], bindings: Bindings
) -> psql.Composable:
    """Return the test that rows must pass, `true` where there is none.

    Raises: QUERY_INVALID
    """
    if not conditions:
        return psql.SQL("true")
    return _joined(schema, conditions, bindings, " AND ")


def _joined(
    schema: Mapping[str, Attribute],
    conditions: Sequence[Condition],
    bindings: Bindings,
    word: LiteralString,
) -> psql.Composable:
    tests = [_condition(schema, each, bindings) for each in conditions]
    return psql.SQL("({})").format(psql.SQL(word).join(tests))


def _condition(
    schema: Mapping[str, Attribute], condition: Condition, bindings: Bindings
) -> psql.Composable:
    if isinstance(condition, Group):
        word: LiteralString = " AND " if condition.method == "and" else " OR "
        return _joined(schema, condition.conditions, bindings, word)
    tested = column(schema, condition.attribute)
    if tested.is_array:
        return _array_test(tested, condition, bindings)
    return _test(tested, condition, bindings)


def _test(tested: Column, condition: Filter, bindings: Bindings) -> psql.Composable:
    method = condition.method
    if method in ("isNull", "isNotNull"):
        return _null_test(tested.expression, method)
    values = _values(tested, condition)
    if method == "equal":
        return _compared(tested, "=", values, bindings)
    if method in _COMPARISONS:
        return _compared(tested, _COMPARISONS[method], values, bindings)
    if method in ("between", "notBetween"):
        return _range(tested, values, bindings, is_inside=method == "between")
    if not tested.is_text:
        kind = "an array or a string" if method in _SUBSTRINGS else "a string"
        raise _misplaced(condition, f"it is not {kind}")
    if method in _PATTERNS:
        operator, before, after = _PATTERNS[method]
        pattern = f"{before}{_escaped(values[0])}{after}"
        return _operation(tested, operator, bindings.add(pattern, "text"))
    if method not in _SUBSTRINGS:
        raise _misplaced(condition, "it is not an array")
    patterns = [f"%{_escaped(value)}%" for value in values]
    return _operation(tested, _SUBSTRINGS[method], _listed(bindings.add(patterns, "text[]")))


def _array_test(tested: Column, condition: Filter, bindings: Bindings) -> psql.Composable:
    method = condition.method
    if method not in _ARRAY_METHODS:
        raise _misplaced(condition, "it is an array")
    if method in ("isNull", "isNotNull"):
        return _null_test(tested.expression, method)
    values = _values(tested, condition)
    if method == "containsAll":
        return _operation(tested, "@>", bindings.add(attributes.json_text(values), "jsonb"))
    singles = [attributes.json_text([value]) for value in values]
    fits = _operation(tested, "@> ANY", _listed(bindings.add(singles, "text[]::jsonb[]")))
    return psql.SQL("NOT ") + fits if method == "notContains" else fits


def _null_test(expression: psql.Composable, method: str) -> psql.Composable:
    return expression + psql.SQL(" IS NULL" if method == "isNull" else " IS NOT NULL")


def _compared(
    tested: Column, operator: LiteralString, values: Sequence[Any], bindings: Bindings
) -> psql.Composable:
    if len(values) == 1:
        return _operation(tested, operator, bindings.add(values[0], tested.type))
    listed = _listed(bindings.add(list(values), tested.type + "[]"))
    return _operation(tested, operator + " ANY", listed)


def _range(
    tested: Column, values: Sequence[Any], bindings: Bindings, *, is_inside: bool
) -> psql.Composable:
    low, high = (bindings.add(value, tested.type) for value in values)
    word = psql.SQL(" BETWEEN " if is_inside else " NOT BETWEEN ")
    return psql.SQL("({}{}{} AND {})").format(tested.expression, word, low, high)


def _operation(
    tested: Column, operator: LiteralString, operand: psql.Composable
) -> psql.Composable:
    return psql.SQL("({} {} {})").format(tested.expression, psql.SQL(operator), operand)


def _listed(operand: psql.Composable) -> psql.Composable:
    return psql.SQL("({})").format(operand)


def _escaped(value: str) -> str:
    return value.translate(_WILDCARDS)


def _values(tested: Column, condition: Filter) -> list[Any]:
    try:
        return [tested.read(value) for value in condition.values]
    except ValueError:
        raise refusal(f'Query value is invalid for attribute "{tested.name}"') from None


def _misplaced(condition: Filter, reason: str) -> ApiError:
    return refusal(
        f'Cannot query {condition.method} on attribute "{condition.attribute}" because {reason}.'
    )


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
