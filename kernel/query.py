"""The query language of list operations: JSON texts to frozen dataclasses. Knows no SQL."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from kernel.limits import (
    DEFAULT_PAGE_SIZE,
    MAX_INTEGER,
    MAX_PAGE_SIZE,
    MAX_QUERIES,
    MAX_QUERY_DEPTH,
    MAX_QUERY_LENGTH,
    MAX_QUERY_VALUES,
)

COMPARISONS = frozenset(
    {"equal", "notEqual", "lessThan", "lessThanEqual", "greaterThan", "greaterThanEqual"}
)
RANGES = frozenset({"between", "notBetween"})
NULL_TESTS = frozenset({"isNull", "isNotNull"})
TEXT_TESTS = frozenset({"startsWith", "notStartsWith", "endsWith", "notEndsWith"})
CONTAINMENTS = frozenset({"contains", "notContains", "containsAny", "containsAll"})
LOGICAL = frozenset({"and", "or"})
SEARCHES = frozenset({"search", "notSearch"})
REGEX = "regex"
DISTANCES = frozenset(
    {"distanceEqual", "distanceNotEqual", "distanceLessThan", "distanceGreaterThan"}
)
RELATIONS = frozenset(
    {
        *("intersects", "notIntersects", "crosses", "notCrosses", "overlaps", "notOverlaps"),
        *("touches", "notTouches", "covers", "notCovers", "spatialEquals", "notSpatialEquals"),
    }
)
VECTORS = frozenset({"vectorDot", "vectorCosine", "vectorEuclidean"})
#: What is computed from many documents at once, and what says from which.
DEVIATIONS = frozenset({"stddev", "stddevPop", "stddevSamp", "variance", "varPop", "varSamp"})
BITS = frozenset({"bitAnd", "bitOr", "bitXor"})
AGGREGATES = DEVIATIONS | BITS | {"count", "countDistinct", "sum", "avg", "min", "max"}
GROUPINGS = AGGREGATES | {"groupBy", "having", "distinct"}
RELATIONSHIP = "relationship"
EVERYTHING = "*"
ORDERS = {"orderAsc": "asc", "orderDesc": "desc"}

_MANY_VALUES = CONTAINMENTS | {"equal"}
#: What tests of computed values may be.
_GROUP_FILTERS = COMPARISONS | RANGES | NULL_TESTS
#: The tests that name attributes by their values, and the one of each attribute that they mean.
_EXISTENCE = {"exists": "isNotNull", "notExists": "isNull"}
#: The tests that every listing knows, and those that only documents have.
FILTERS = COMPARISONS | RANGES | NULL_TESTS | TEXT_TESTS | CONTAINMENTS
DOCUMENT_FILTERS = FILTERS | {REGEX} | SEARCHES | DISTANCES | RELATIONS | VECTORS | {*_EXISTENCE}
#: The tests whose values may be lists, where attributes are geometries or vectors.
_LISTED = DISTANCES | RELATIONS | VECTORS | {"equal", "notEqual", "contains", "notContains"}
#: What else clients may ask for that knows queries of documents, and what to do instead.
_REFUSALS = {
    "elemMatch": "elemMatch is not supported by the database: the elements of an array are no"
    " objects; test them by contains, containsAny or containsAll",
    **dict.fromkeys(
        ("join", "leftJoin", "rightJoin", "fullOuterJoin", "crossJoin", "on"),
        "joins are not offered; relate both by a relationship, then select and filter by a path,"
        " such as author.name",
    ),
}
_SEQUENCE = "$sequence"
_ALIAS = re.compile(r"\w[\w.-]{0,63}", re.ASCII)


class QueryError(ValueError):
    """A query that cannot be understood; the text is shown to the client."""


@dataclass(frozen=True, slots=True)
class Filter:
    """One test of one attribute."""

    method: str
    attribute: str
    values: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions joined by `and` or `or`."""

    method: str
    conditions: "tuple[Condition, ...]"


Condition = Filter | Group


@dataclass(frozen=True, slots=True)
class Order:
    attribute: str
    is_descending: bool = False


@dataclass(frozen=True, slots=True)
class Cursor:
    """The id of the item that the page starts after, or ends before."""

    uid: str
    is_before: bool = False


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A value computed from each group of documents, and the name it is answered under."""

    function: str
    attribute: str
    alias: str


@dataclass(frozen=True, slots=True)
class ListQuery:
    """A whole list request. `select` is None where no select was given.

    `has_limit` tells a limit that was asked for from the usual size of a page. `related` are the
    keys of relationships, and which documents of each are shown.
    """

    conditions: tuple[Condition, ...] = ()
    orders: tuple[Order, ...] = ()
    is_random: bool = False
    limit: int = DEFAULT_PAGE_SIZE
    has_limit: bool = False
    offset: int = 0
    cursor: Cursor | None = None
    select: tuple[str, ...] | None = None
    aggregates: tuple[Aggregate, ...] = ()
    groups: tuple[str, ...] = ()
    having: tuple[Condition, ...] = ()
    related: "tuple[tuple[str, ListQuery], ...]" = ()
    is_distinct: bool = False

    @property
    def is_grouped(self) -> bool:
        """Tell whether groups are asked for, and not the documents themselves."""
        return self.is_distinct or bool(self.aggregates or self.groups or self.having)

    def attributes(self) -> set[str]:
        """Return every attribute that is filtered or ordered by."""
        filtered = {each.attribute for each in leaves(self.conditions)}
        return filtered | {order.attribute for order in self.orders}


def parse_queries(
    texts: Sequence[str], *, methods: Collection[str] = FILTERS, more: Collection[str] = ()
) -> ListQuery:
    """Read the `queries` parameter of a list operation that knows some filter methods.

    `more` are those of `GROUPINGS` that it knows, and `RELATIONSHIP`.

    Raises:
        QueryError: Too many or too long, not JSON, an unknown method, or wrong values.
    """
    if len(texts) > MAX_QUERIES:
        raise QueryError(f"Invalid query: No more than {MAX_QUERIES} queries are allowed")
    builder = _Builder(methods, more)
    for text in texts:
        builder.add(_decode(text))
    return builder.build()


def parse_condition(text: str) -> Condition:
    """Read one filter or group.

    Raises:
        QueryError: The text is no filter.
    """
    return _condition(_decode(text), FILTERS, depth=0)


def _decode(text: str) -> Mapping[str, Any]:
    if len(text) > MAX_QUERY_LENGTH:
        raise QueryError(f"Invalid query: Longer than {MAX_QUERY_LENGTH} characters")
    try:
        query = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise QueryError("Invalid query: Syntax error") from None
    return _checked(query)


def _checked(query: object) -> Mapping[str, Any]:
    if not isinstance(query, dict) or not isinstance(query.get("method"), str):
        raise QueryError("Invalid query: Must be an object with a method")
    if not isinstance(query.get("attribute", ""), str):
        raise QueryError("Invalid query: The attribute must be a string")
    if not isinstance(query.get("values", []), list):
        raise QueryError("Invalid query: The values must be a list")
    texts = (query.get("attribute", ""), *_values(query))
    if any(isinstance(text, str) and "\x00" in text for text in texts):
        raise QueryError("Invalid query: Text must not hold a NUL character")
    return query


def _values(query: Mapping[str, Any]) -> list[Any]:
    values: list[Any] = query.get("values", [])
    return values


def _condition(query: Mapping[str, Any], methods: Collection[str], *, depth: int) -> Condition:
    method = query["method"]
    if method in LOGICAL:
        return _group(query, methods, depth=depth)
    if method not in methods:
        raise _unknown(method, methods, depth=depth)
    if method in _EXISTENCE:
        return _existence(query)
    attribute, values = query.get("attribute", ""), _values(query)
    if not attribute:
        raise QueryError(f"Invalid query: {method} needs an attribute")
    _check_values(method, attribute, values)
    if methods is FILTERS or method not in _LISTED:
        _check_scalars(attribute, values)
    return Filter(method, attribute, tuple(values))


def _unknown(method: str, methods: Collection[str], *, depth: int) -> QueryError:
    if methods is DOCUMENT_FILTERS and method in _REFUSALS:
        return QueryError(f"Invalid query: {method}: {_REFUSALS[method]}.")
    reason = ". Other queries can only contain filters" if depth else ""
    return QueryError(f"Invalid query method: {method[:64]}{reason}")


def _existence(query: Mapping[str, Any]) -> Condition:
    """Read a test of whether documents have a value for each of some attributes, or for none."""
    method = query["method"]
    names = _names(method, _values(query))
    if len(names) > MAX_QUERY_VALUES:
        raise QueryError(f"Invalid query: {method} takes at most {MAX_QUERY_VALUES} values")
    tests = tuple(Filter(_EXISTENCE[method], name) for name in names)
    return tests[0] if len(tests) == 1 else Group("and", tests)


def _names(method: str, values: list[Any]) -> list[str]:
    if not values or any(not isinstance(value, str) or not value for value in values):
        raise QueryError(f"Invalid query: {method} takes at least one attribute name")
    return list(dict.fromkeys(values))


def _group(query: Mapping[str, Any], methods: Collection[str], *, depth: int) -> Group:
    method, values = query["method"], _values(query)
    if depth >= MAX_QUERY_DEPTH:
        raise QueryError(f"Invalid query: Nested deeper than {MAX_QUERY_DEPTH}")
    if len(values) < 2:
        raise QueryError(f"Invalid query: {method} requires at least two queries")
    if len(values) > MAX_QUERIES:
        raise QueryError(f"Invalid query: {method} takes at most {MAX_QUERIES} queries")
    nested = (_condition(_checked(each), methods, depth=depth + 1) for each in values)
    return Group(method, tuple(nested))


def _check_values(method: str, attribute: str, values: list[Any]) -> None:
    if len(values) > MAX_QUERY_VALUES:
        raise QueryError(
            f"Invalid query: Query on attribute has greater than {MAX_QUERY_VALUES} values:"
            f" {attribute}"
        )
    expected = 0 if method in NULL_TESTS else 2 if method in RANGES else 1
    if method in _MANY_VALUES:
        is_right = len(values) >= 1
    else:
        is_right = len(values) == expected
    if not is_right:
        count = _how_many(method, expected)
        raise QueryError(f'Invalid query: {method} takes {count}: "{attribute[:64]}"')


def _check_scalars(attribute: str, values: list[Any]) -> None:
    if any(not isinstance(value, str | int | float | bool) for value in values):
        raise QueryError(f'Invalid query: Query value is invalid for attribute "{attribute}"')


def _how_many(method: str, expected: int) -> str:
    if method in _MANY_VALUES:
        return "at least one value"
    return {0: "no value", 1: "exactly one value", 2: "exactly two values"}[expected]


class _Builder:
    """Collects the queries of one request; each paging method may come once."""

    def __init__(self, methods: Collection[str], more: Collection[str] = ()) -> None:
        self.methods = methods
        self.more = more
        self.aggregates: list[Aggregate] = []
        self.groups: list[str] = []
        self.having: list[Condition] = []
        self.related: dict[str, ListQuery] = {}
        self.is_distinct = False
        self.conditions: list[Condition] = []
        self.orders: list[Order] = []
        self.page: dict[str, Any] = {}
        self.select: list[str] | None = None
        self.is_random = False

    def add(self, query: Mapping[str, Any]) -> None:
        method = query["method"]
        if method in ORDERS:
            attribute = query.get("attribute", "") or _SEQUENCE
            self.orders.append(Order(attribute, ORDERS[method] == "desc"))
        elif method == "orderRandom":
            self.is_random = True
        elif method == "select":
            self._add_select(_values(query))
        elif method in ("limit", "offset"):
            self._add_number(method, _values(query))
        elif method in ("cursorAfter", "cursorBefore"):
            self._add_cursor(method, _values(query))
        elif method in self.more:
            self._add_grouping(query)
        else:
            self.conditions.append(_condition(query, self.methods, depth=0))

    def _add_select(self, values: list[Any]) -> None:
        self.select = list(dict.fromkeys([*(self.select or []), *_names("select", values)]))

    def _add_number(self, method: str, values: list[Any]) -> None:
        least, most = (1, MAX_PAGE_SIZE) if method == "limit" else (0, MAX_INTEGER)
        if len(values) != 1 or type(values[0]) is not int or not least <= values[0] <= most:
            raise QueryError(
                f"Invalid query: Invalid {method}: Value must be a valid range between"
                f" {least:,} and {most:,}"
            )
        self.page[method] = values[0]

    def _add_cursor(self, method: str, values: list[Any]) -> None:
        if len(values) != 1 or not isinstance(values[0], str) or not values[0]:
            raise QueryError(f"Invalid query: {method} takes the id of an item")
        if "cursor" in self.page:
            raise QueryError("Invalid query: Only one cursor is allowed")
        self.page["cursor"] = Cursor(values[0], method == "cursorBefore")

    def _add_grouping(self, query: Mapping[str, Any]) -> None:
        method, values = query["method"], _values(query)
        if method == "distinct":
            self.is_distinct = True
        elif method == "groupBy":
            self.groups = list(dict.fromkeys([*self.groups, *_names(method, values)]))
        elif method == "having":
            self._add_having(values)
        elif method == RELATIONSHIP:
            self._add_related(query.get("attribute", ""), values)
        else:
            alias = values[0] if len(values) == 1 else method
            if len(values) > 1 or not isinstance(alias, str) or not _ALIAS.fullmatch(alias):
                raise QueryError(f"Invalid query: {method} takes one alias, a word")
            self.aggregates.append(Aggregate(method, query.get("attribute", "") or "*", alias))

    def _add_having(self, values: list[Any]) -> None:
        if not 1 <= len(values) <= MAX_QUERIES:
            raise QueryError(f"Invalid query: having takes 1 to {MAX_QUERIES} queries")
        tests = (_condition(_checked(each), _GROUP_FILTERS, depth=1) for each in values)
        self.having.extend(tests)

    def _add_related(self, key: str, values: list[Any]) -> None:
        if not key or not 1 <= len(values) <= MAX_QUERIES:
            raise QueryError(
                f"Invalid query: {RELATIONSHIP} takes an attribute and 1 to {MAX_QUERIES} queries"
            )
        builder = _Builder(self.methods)
        for value in values:
            builder.add(_checked(value))
        if "cursor" in builder.page:
            raise QueryError(f"Invalid query: {RELATIONSHIP} has no cursor; use limit and offset")
        if key in self.related:
            raise QueryError(f'Invalid query: {RELATIONSHIP} "{key[:64]}" is there twice')
        self.related[key] = builder.build()

    def build(self) -> ListQuery:
        return ListQuery(
            conditions=tuple(self.conditions),
            orders=tuple(self.orders),
            is_random=self.is_random,
            has_limit="limit" in self.page,
            select=None if self.select is None else tuple(self.select),
            aggregates=tuple(self.aggregates),
            groups=tuple(self.groups),
            having=tuple(self.having),
            related=tuple(self.related.items()),
            is_distinct=self.is_distinct,
            **self.page,
        )


def leaves(conditions: Iterable[Condition]) -> Iterable[Filter]:
    for condition in conditions:
        if isinstance(condition, Group):
            yield from leaves(condition.conditions)
        else:
            yield condition
