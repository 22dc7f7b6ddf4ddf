"""Pages of Django rows for list operations: queries, search, cursor and the capped total.

Documents have a language of their own for this; everything else is listed here.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any, TypeVar

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models import F, Q

from kernel import clock
from kernel.errors import ApiError, ErrorKind, invalid
from kernel.ids import is_valid_id
from kernel.limits import MAX_INTEGER, MAX_TOTAL
from kernel.query import (
    TEXT_TESTS,
    Condition,
    Cursor,
    Filter,
    Group,
    ListQuery,
    QueryError,
    parse_queries,
)

ModelT = TypeVar("ModelT", bound=models.Model)
ItemT = TypeVar("ItemT")

#: The attributes every resource can be filtered and ordered by, and their columns.
SYSTEM_COLUMNS = {
    "$id": "uid",
    "$sequence": "id",
    "$createdAt": "created_at",
    "$updatedAt": "updated_at",
}
_TIE_BREAK = "id"
_TIMES = ("$createdAt", "$updatedAt")

_LOOKUPS = {
    "notEqual": "exact",
    "lessThan": "lt",
    "lessThanEqual": "lte",
    "greaterThan": "gt",
    "greaterThanEqual": "gte",
    "startsWith": "startswith",
    "notStartsWith": "startswith",
    "endsWith": "endswith",
    "notEndsWith": "endswith",
}


def list_page(
    queryset: "models.QuerySet[ModelT]",
    texts: Sequence[str],
    *,
    columns: Mapping[str, str],
    search: str = "",
    search_columns: Sequence[str] = (),
    has_total: bool = True,
) -> tuple[list[ModelT], int]:
    """Return the rows of a page and how many there are in all, at most 5,000 (0 when not wanted).

    `columns` maps the attributes that may be filtered and ordered by to columns or annotations;
    usually it holds `SYSTEM_COLUMNS`. Two statements, and a third one for a cursor.

    Raises: ARGUMENT_INVALID, CURSOR_NOT_FOUND, DATABASE_QUERY_ORDER_NULL
    """
    try:
        query = parse_queries(texts)
        if query.select is not None:
            raise QueryError("Invalid query method: select")
        listing = _Listing(queryset.model, columns)
        found = queryset.filter(listing.matching(query.conditions))
        orders = listing.orders(query)
    except QueryError as error:
        raise invalid("queries", str(error)) from None
    if search:
        found = found.filter(_searched(search, search_columns))
    rows = _page(found, query, orders, whole=queryset)
    return rows, _total(found, query, rows) if has_total else 0


def cut_page(
    items: Sequence[ItemT], texts: Sequence[str], *, has_total: bool = True
) -> tuple[list[ItemT], int]:
    """Return the page of a short list, which queries may only limit and skip, and its length.

    Raises: ARGUMENT_INVALID
    """
    try:
        query = parse_queries(texts)
        if query.select is not None or query.conditions or query.orders or query.cursor:
            raise QueryError("Invalid query: only limit and offset can be used here")
    except QueryError as error:
        raise invalid("queries", str(error)) from None
    page = items[query.offset : query.offset + query.limit]
    return list(page), len(items) if has_total else 0


def _searched(search: str, columns: Sequence[str]) -> Q:
    tests = (Q(**{f"{column}__icontains": search}) for column in columns)
    return reduce(operator.or_, tests, Q())


def _total(found: "models.QuerySet[ModelT]", query: ListQuery, rows: list[ModelT]) -> int:
    is_whole = not query.cursor and not query.offset and len(rows) < query.limit
    if is_whole:
        return min(len(rows), MAX_TOTAL)
    return found.order_by()[:MAX_TOTAL].count()


class _Listing:
    """Conditions and orders of one model's rows, as Django takes them."""

    def __init__(self, model: type[models.Model], columns: Mapping[str, str]) -> None:
        self.model = model
        self.columns = columns

    def matching(self, conditions: Sequence[Condition]) -> Q:
        return reduce(operator.and_, map(self._condition, conditions), Q())

    def orders(self, query: ListQuery) -> list[tuple[str, bool]]:
        """Return the columns to order by and whether each descends, the tie-break last."""
        orders = [(self._column(each.attribute), each.is_descending) for each in query.orders]
        if any(column == _TIE_BREAK for column, _ in orders):
            return orders
        leads_by_time = bool(query.orders) and query.orders[0].attribute in _TIMES
        return [*orders, (_TIE_BREAK, leads_by_time and query.orders[0].is_descending)]

    def _column(self, attribute: str) -> str:
        if attribute not in self.columns:
            raise QueryError(f"Invalid query: Attribute not found in schema: {attribute[:64]}")
        return self.columns[attribute]

    def _condition(self, condition: Condition) -> Q:
        if isinstance(condition, Filter):
            return self._filter(condition)
        return self._group(condition)

    def _group(self, group: Group) -> Q:
        join = operator.and_ if group.method == "and" else operator.or_
        return reduce(join, map(self._condition, group.conditions))

    def _filter(self, condition: Filter) -> Q:
        column = self._column(condition.attribute)
        method = condition.method
        if method in ("isNull", "isNotNull"):
            return Q(**{f"{column}__isnull": method == "isNull"})
        field = self._field(column)
        values = [_value(field, condition, value) for value in condition.values]
        test = _test(column, field, condition, values)
        return ~test if method.startswith("not") else test

    def _field(self, column: str) -> "models.Field[Any, Any]":
        try:
            field = self.model._meta.get_field(column.partition("__")[0])
            for part in column.split("__")[1:]:
                field = field.related_model._meta.get_field(part)  # type: ignore[union-attr]  # of a relation
        except FieldDoesNotExist:
            return models.BigIntegerField()  # an annotation: a count
        return field  # type: ignore[return-value]  # of our own model


def _test(column: str, field: "models.Field[Any, Any]", condition: Filter, values: list[Any]) -> Q:
    method = condition.method
    is_array = isinstance(field, ArrayField)
    if "ontains" in method:
        return _containment(column, condition, values, is_array=is_array)
    if is_array:
        raise QueryError(
            f'Invalid query: Cannot query {method} on attribute "{condition.attribute}" because'
            " it is an array."
        )
    if method == "equal":
        return Q(**{f"{column}__in": values})
    if method in ("between", "notBetween"):
        return Q(**{f"{column}__range": values})
    return Q(**{f"{column}__{_LOOKUPS[method]}": values[0]})


def _containment(column: str, condition: Filter, values: list[Any], *, is_array: bool) -> Q:
    if is_array:
        lookup = "contains" if condition.method == "containsAll" else "overlap"
        return Q(**{f"{column}__{lookup}": values})
    if condition.method in ("containsAny", "containsAll") or not all(
        isinstance(value, str) for value in values
    ):
        raise QueryError(
            f"Invalid query: Cannot query {condition.method} on attribute"
            f' "{condition.attribute}" because it is not an array.'
        )
    return reduce(operator.or_, (Q(**{f"{column}__contains": value}) for value in values))


def _value(field: "models.Field[Any, Any]", condition: Filter, value: Any) -> Any:
    """Return a value as its column takes it."""
    while isinstance(field, ArrayField):
        field = field.base_field
    if condition.method in TEXT_TESTS and not isinstance(field, models.CharField):
        raise _wrong_value(condition)
    read = next((read for kind, read in _READERS if isinstance(field, kind)), None)
    if read is None:
        raise _wrong_value(condition)
    try:
        return read(value)
    except ValueError:
        raise _wrong_value(condition) from None


def _wrong_value(condition: Filter) -> QueryError:
    return QueryError(
        f'Invalid query: Query value is invalid for attribute "{condition.attribute}"'
    )


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("no boolean")
    return value


def _integer(value: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 19:
        value = int(value)
    if type(value) is not int or abs(value) > MAX_INTEGER:
        raise ValueError("no whole number")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or "\x00" in value:
        raise ValueError("no text")
    return value


def _time(value: Any) -> Any:
    return clock.parse_time(_text(value))


_READERS: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (models.BooleanField, _boolean),
    (models.IntegerField, _integer),
    (models.DateTimeField, _time),
    (models.CharField, _text),
    (models.TextField, _text),
)


def _page(
    found: "models.QuerySet[ModelT]",
    query: ListQuery,
    orders: list[tuple[str, bool]],
    *,
    whole: "models.QuerySet[ModelT]",
) -> list[ModelT]:
    if query.is_random:
        return list(found.order_by("?")[query.offset : query.offset + query.limit])
    is_reversed = False
    if query.cursor is not None:
        found = found.filter(_beyond(whole, query.cursor, orders))
        is_reversed = query.cursor.is_before
    # NULL sorts below every value, as the cursor's comparisons take it.
    ordered = found.order_by(
        *(
            F(column).desc(nulls_last=True)
            if is_descending != is_reversed
            else F(column).asc(nulls_first=True)
            for column, is_descending in orders
        )
    )
    rows = list(ordered[query.offset : query.offset + query.limit])
    return rows[::-1] if is_reversed else rows


def _beyond(whole: "models.QuerySet[ModelT]", cursor: Cursor, orders: list[tuple[str, bool]]) -> Q:
    """Return the test for rows past the cursor's: later in one order, equal in those before."""
    names = [column for column, _ in orders]
    if not is_valid_id(cursor.uid):
        raise ApiError(ErrorKind.CURSOR_NOT_FOUND)
    values = whole.order_by().filter(uid=cursor.uid).values_list(*names).first()
    if values is None:
        raise ApiError(ErrorKind.CURSOR_NOT_FOUND)
    if None in values:
        raise ApiError(ErrorKind.DATABASE_QUERY_ORDER_NULL)
    test, equal = Q(), Q()
    for (column, is_descending), value in zip(orders, values, strict=True):
        if is_descending == cursor.is_before:
            past = Q(**{f"{column}__gt": value})
        else:
            past = Q(**{f"{column}__lt": value}) | Q(**{f"{column}__isnull": True})
        test |= equal & past
        equal &= Q(**{column: value})
    return test
