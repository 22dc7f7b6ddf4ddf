"""Pages of ORM rows by list queries, for every resource but documents."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q, QuerySet

from kernel import clock
from kernel.errors import ApiError, ErrorKind, invalid
from kernel.limits import MAX_INTEGER, MAX_TOTAL
from kernel.query import (
    CONTAINMENTS,
    RANGES,
    TEXT_TESTS,
    Condition,
    Cursor,
    Filter,
    Group,
    ListQuery,
    Order,
    QueryError,
    parse_queries,
)

Row = TypeVar("Row", bound=models.Model)

#: What every resource can be filtered and ordered by, and the column behind it.
SYSTEM_COLUMNS = {
    "$id": "uid",
    "$sequence": "id",
    "$createdAt": "created_at",
    "$updatedAt": "updated_at",
}
_LOOKUPS = {
    "lessThan": "lt",
    "lessThanEqual": "lte",
    "greaterThan": "gt",
    "greaterThanEqual": "gte",
    "startsWith": "startswith",
    "endsWith": "endswith",
}
_NEGATIONS = {
    "notEqual": "equal",
    "notBetween": "between",
    "notContains": "contains",
    "notStartsWith": "startsWith",
    "notEndsWith": "endsWith",
}
_ARRAY_LOOKUPS = {"contains": "overlap", "containsAny": "overlap", "containsAll": "contains"}


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows of a list, and how many there are in all (at most 5,000 are counted)."""

    total: int
    rows: list[Row]


def list_page(
    rows: QuerySet[Row],
    queries: Sequence[str],
    *,
    columns: Mapping[str, str],
    has_total: bool = True,
) -> Page[Row]:
    """Return the page of `rows` that `queries` ask for.

    `columns` maps the public attributes that may be queried to columns; `$id`, `$sequence`,
    `$createdAt` and `$updatedAt` always may.

    Raises: ARGUMENT_INVALID, CURSOR_NOT_FOUND, DATABASE_QUERY_ORDER_NULL
    """
    schema = _Schema(rows.model, SYSTEM_COLUMNS | dict(columns))
    try:
        query = parse_queries(queries)
        matching = rows.filter(*(schema.condition(each) for each in query.conditions))
        orders = _orders(schema, query.orders)
    except QueryError as error:
        raise invalid("queries", str(error)) from None
    # The limit goes inside the count: what lies beyond it is never visited.
    total = matching.order_by()[:MAX_TOTAL].count() if has_total else 0
    return Page(total, _slice(matching, rows, query, orders))


@dataclass(frozen=True, slots=True)
class _Schema:
    """The queryable columns of a model, and how query values become theirs."""

    model: type[models.Model]
    columns: Mapping[str, str]

    def column(self, attribute: str) -> str:
        column = self.columns.get(attribute)
        if column is None:
            raise QueryError(f"Invalid query: Attribute not found in schema: {attribute[:64]}")
        return column

    def condition(self, condition: Condition) -> Q:
        if isinstance(condition, Group):
            parts = [self.condition(each) for each in condition.conditions]
            joined = parts[0]
            for part in parts[1:]:
                joined = joined & part if condition.method == "and" else joined | part
            return joined
        return self._filter(condition)

    def _filter(self, condition: Filter) -> Q:
        method, column = condition.method, self.column(condition.attribute)
        if method in ("isNull", "isNotNull"):
            return Q(**{f"{column}__isnull": method == "isNull"})
        field = self.model._meta.get_field(column)
        values = self._values(condition, field)
        if method in _NEGATIONS:
            return ~_test(_NEGATIONS[method], column, field, values)
        return _test(method, column, field, values)

    def _values(self, condition: Filter, field: Any) -> list[Any]:
        item = field.base_field if isinstance(field, ArrayField) else field
        if not _suits(condition.method, field):
            raise _mismatch(condition)
        read = _reader(item)
        try:
            return [read(value) for value in condition.values]
        except ValueError:
            raise _mismatch(condition) from None


def _suits(method: str, field: Any) -> bool:
    if isinstance(field, ArrayField):
        return method in CONTAINMENTS
    if isinstance(field, models.CharField | models.TextField):
        return True
    return method not in CONTAINMENTS | TEXT_TESTS


def _mismatch(condition: Filter) -> QueryError:
    return QueryError(
        f'Invalid query: Query value is invalid for attribute "{condition.attribute}"'
    )


def _reader(field: Any) -> Callable[[Any], Any]:
    """Return the function that turns a query's value into one of the column, or ValueError."""
    if isinstance(field, models.DateTimeField):
        return _read_time
    if isinstance(field, models.BooleanField):
        return _read_boolean
    if isinstance(field, models.IntegerField):
        return _read_integer
    return _read_text


def _read_text(value: Any) -> str:
    if not isinstance(value, str) or "\x00" in value:
        raise ValueError("no text")
    return value


def _read_time(value: Any) -> datetime:
    return clock.parse_time(_read_text(value))


def _read_boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("no boolean")
    return value


def _read_integer(value: Any) -> int:
    if isinstance(value, str) and value.isdecimal() and len(value) < 20:
        value = int(value)
    if type(value) is not int or abs(value) > MAX_INTEGER:
        raise ValueError("no integer")
    return value


def _test(method: str, column: str, field: Any, values: list[Any]) -> Q:
    if isinstance(field, ArrayField):
        return Q(**{f"{column}__{_ARRAY_LOOKUPS[method]}": values})
    if method == "equal":
        return Q(**{f"{column}__in": values})
    if method in RANGES:
        return Q(**{f"{column}__range": values})
    if method in _LOOKUPS:
        return Q(**{f"{column}__{_LOOKUPS[method]}": values[0]})
    parts = [Q(**{f"{column}__contains": value}) for value in values]
    joined = parts[0]
    for part in parts[1:]:
        joined = joined & part if method == "containsAll" else joined | part
    return joined


def _orders(schema: _Schema, orders: Iterable[Order]) -> list[tuple[str, bool]]:
    """Return (column, descending) pairs that end in the row's number, so that no ties remain."""
    pairs: list[tuple[str, bool]] = []
    for order in orders:
        column = schema.column(order.attribute)
        if column not in [name for name, _ in pairs]:
            pairs.append((column, order.is_descending))
    if "id" in [name for name, _ in pairs]:
        return pairs
    leads_by_time = bool(pairs) and pairs[0][0] in ("created_at", "updated_at")
    return [*pairs, ("id", pairs[0][1] if leads_by_time else False)]


def _slice(
    matching: QuerySet[Row], rows: QuerySet[Row], query: ListQuery, orders: list[tuple[str, bool]]
) -> list[Row]:
    stop = query.offset + query.limit
    if query.is_random:
        return list(matching.order_by("?")[query.offset : stop])
    is_before = query.cursor is not None and query.cursor.is_before
    if query.cursor is not None:
        matching = matching.filter(
            _beyond(_cursor_values(rows, query.cursor, orders), is_before=is_before)
        )
    names = [f"{'-' if down != is_before else ''}{name}" for name, down in orders]
    page = list(matching.order_by(*names)[query.offset : min(stop, MAX_INTEGER)])
    return page[::-1] if is_before else page


def _cursor_values(
    rows: QuerySet[Row], cursor: Cursor, orders: list[tuple[str, bool]]
) -> list[tuple[str, bool, Any]]:
    names = [name for name, _ in orders]
    found = None
    if "\x00" not in cursor.uid:
        found = rows.filter(uid=cursor.uid).values_list(*names).first()
    if found is None:
        raise ApiError(
            ErrorKind.CURSOR_NOT_FOUND, f"Cursor item '{cursor.uid[:64]}' was not found."
        )
    if None in found:
        raise ApiError(ErrorKind.DATABASE_QUERY_ORDER_NULL)
    return [(name, down, value) for (name, down), value in zip(orders, found, strict=True)]


def _beyond(values: list[tuple[str, bool, Any]], *, is_before: bool) -> Q:
    """Rows that come after the cursor's in the order, or before it."""
    condition, tied = Q(pk__in=[]), Q()
    for name, down, value in values:
        lookup = "lt" if down != is_before else "gt"
        condition |= tied & Q(**{f"{name}__{lookup}": value})
        tied &= Q(**{name: value})
    return condition
