"""The tests that documents must pass, and the values these bind."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import count
from typing import Any, LiteralString

from psycopg import sql as psql

from documents import attributes, partitions
from documents.attributes import Attribute
from documents.catalog import CollectionSchema
from documents.filters import free, geometry
from documents.filters.columns import Column, Operand, column, refusal
from documents.filters.leading import narrowed
from documents.filters.patterns import PATTERNS, check_regex, pattern, substring
from documents.filters.related import Related
from documents.relations import CHILD
from kernel.query import (
    CONTAINMENTS,
    DISTANCES,
    NULL_TESTS,
    RANGES,
    REGEX,
    RELATIONS,
    SEARCHES,
    TEXT_TESTS,
    VECTORS,
    Condition,
    Filter,
    Group,
    Order,
    leaves,
)

_COMPARISONS: Mapping[str, LiteralString] = {
    "equal": "=",
    "notEqual": "<>",
    "lessThan": "<",
    "lessThanEqual": "<=",
    "greaterThan": ">",
    "greaterThanEqual": ">=",
    REGEX: "~",
}
_SUBSTRINGS: Mapping[str, LiteralString] = {
    "contains": "LIKE ANY",
    "containsAny": "LIKE ANY",
    "notContains": "NOT LIKE ALL",
}
_LINKED = psql.SQL("""
    ({negation} d.id IN (
        SELECT l.{own} FROM document_link l
        JOIN {partition} d ON d.collection_id = {collection} AND d.id = l.{other}
        WHERE l.relation = {relation} AND {tests}
    ))
""")
_ARRAY_METHODS = CONTAINMENTS | NULL_TESTS
_TEXT_METHODS = TEXT_TESTS | SEARCHES | {REGEX}
#: All of a test but its values: the method first, then the attribute, and whether it has one value.
Shape = tuple[Hashable, ...]
#: How the placeholders of a statement's values begin, in tests of documents and of groups.
_PLACES, _GROUP_PLACES = "p", "h"


def shape(conditions: Sequence[Condition]) -> tuple[Shape, ...]:
    """Return what the SQL of conditions depends on besides the schema: all but their values."""
    return tuple(_shape(each) for each in conditions)


def _shape(condition: Condition) -> Shape:
    if isinstance(condition, Group):
        return condition.method, shape(condition.conditions)
    is_single = len(condition.values) == 1
    own = condition.method, condition.attribute, is_single, geometry.form(condition)
    if isinstance(condition, Related):
        relation, schema = condition.relation, condition.schema
        place = relation.id, relation.side, schema.id, schema.version
        return (*own, *place, condition.roles is None, shape(condition.tests))
    return own


def footing(
    schema: Mapping[str, Attribute], conditions: Sequence[Condition], orders: Sequence[Order]
) -> tuple[Hashable, ...]:
    """Return what the SQL of conditions and orders depends on in the schema."""
    named = [each.attribute for each in leaves(conditions)] + [each.attribute for each in orders]
    found = ((name, schema.get(name)) for name in dict.fromkeys(named))
    return tuple(
        (name, each and (each.name, each.type, each.array, each.encrypt, each.leading))
        for name, each in found
    )


def are_of_own_row(conditions: Sequence[Condition]) -> bool:
    """Tell whether documents fit by what they hold themselves, whatever else changes."""
    return not any(isinstance(each, Related) for each in leaves(conditions))


def values(schema: CollectionSchema, conditions: Sequence[Condition]) -> dict[str, Any]:
    """Check conditions; return their values by the names of their placeholders in `where`.

    Raises: QUERY_INVALID
    """
    operands = (each for test in leaves(conditions) for each in _checked(schema, test))
    return dict(zip(_places(_PLACES), (each.value for each in operands), strict=False))


def where(schema: Mapping[str, Attribute], conditions: Sequence[Condition]) -> psql.Composable:
    """Return the test that rows must pass, `true` where there is none.

    Raises: QUERY_INVALID
    """
    if not conditions:
        return psql.SQL("true")
    return _joined(partial(column, schema), conditions, _places(_PLACES), " AND ")


def having(
    columns: Mapping[str, Column], conditions: Sequence[Condition]
) -> tuple[psql.Composable, dict[str, Any]]:
    """Return the test that groups must pass, of what is computed from each, and its values.

    Raises: QUERY_INVALID
    """

    def computed(name: str) -> Column:
        if name not in columns:
            raise refusal(f"having tests what groups are answered with, not {name[:64]}.")
        return columns[name]

    tests = leaves(conditions)
    operands = (each for test in tests for each in _operands(computed(test.attribute), test))
    values = dict(zip(_places(_GROUP_PLACES), (each.value for each in operands), strict=False))
    return _joined(computed, conditions, _places(_GROUP_PLACES), " AND "), values


def _checked(schema: CollectionSchema, condition: Filter) -> list[Operand]:
    if isinstance(condition, Related):
        inner = [each for test in condition.tests for each in _checked(condition.schema, test)]
        return [*_role_operands(condition), *inner]
    tested = column(schema.attributes, condition.attribute)
    if condition.method in SEARCHES and tested.name not in schema.searchable:
        raise refusal(f'Searching by attribute "{tested.name}" requires a fulltext index.')
    return _operands(tested, condition)


def _role_operands(condition: Related) -> list[Operand]:
    return [] if condition.roles is None else [Operand(list(condition.roles), "text[]")]


def _places(prefix: str) -> Iterator[str]:
    """Return the names of placeholders, one after the other."""
    return (f"{prefix}{place}" for place in count())


def _joined(
    named: Callable[[str], Column],
    conditions: Sequence[Condition],
    places: Iterator[str],
    word: LiteralString,
) -> psql.Composable:
    tests = [_condition(named, each, places) for each in conditions]
    return psql.SQL("({})").format(psql.SQL(word).join(tests))


def _condition(
    named: Callable[[str], Column], condition: Condition, places: Iterator[str]
) -> psql.Composable:
    if isinstance(condition, Group):
        word: LiteralString = " AND " if condition.method == "and" else " OR "
        return _joined(named, condition.conditions, places, word)
    if isinstance(condition, Related):
        return _related(condition, places)
    tested = named(condition.attribute)
    bound = _bound(_operands(tested, condition), places)
    return narrowed(_test(tested, condition, bound), tested, condition, bound)


def _related(condition: Related, places: Iterator[str]) -> psql.Composable:
    """Return whether a linked document fits; within, `d` is that one."""
    relation = condition.relation
    own, other = "parent_id", "child_id"
    if relation.side == CHILD:
        own, other = other, own
    roles = _bound(_role_operands(condition), places)
    tests: list[psql.Composable] = [psql.SQL("true")]
    tests += [psql.SQL("d.read_roles && ") + each for each in roles]
    named = partial(column, condition.schema.attributes)
    tests += [_condition(named, each, places) for each in condition.tests]
    return _LINKED.format(
        negation=psql.SQL("NOT " if condition.is_negative else ""),
        own=psql.Identifier(own),
        other=psql.Identifier(other),
        partition=partitions.identifier(condition.schema.place),
        collection=psql.Literal(condition.schema.id),
        relation=psql.Literal(relation.id),
        tests=psql.SQL(" AND ").join(tests),
    )


def _bound(operands: Iterable[Operand], places: Iterator[str]) -> list[psql.Composable]:
    return [psql.Placeholder(next(places)) + psql.SQL("::" + operand.type) for operand in operands]


def _test(tested: Column, condition: Filter, bound: Sequence[psql.Composable]) -> psql.Composable:
    method = condition.method
    if tested.value is not None:
        return free.test(tested, tested.value, condition, bound)
    if method in NULL_TESTS:
        return tested.expression + psql.SQL(" IS NULL" if method == "isNull" else " IS NOT NULL")
    if tested.is_geometry:
        return geometry.test(tested, condition, bound)
    if method in RANGES:
        word = psql.SQL(" BETWEEN " if method == "between" else " NOT BETWEEN ")
        return psql.SQL("({}{}{} AND {})").format(tested.expression, word, *bound)
    if tested.is_array:
        return _containment(tested, method, bound[0])
    if method in SEARCHES:
        return _search(tested, method, bound[0])
    if method in _SUBSTRINGS:
        return _operation(tested, _SUBSTRINGS[method], _listed(bound[0]))
    if method in PATTERNS:
        return _operation(tested, PATTERNS[method][0], bound[0])
    if method == "equal" and len(condition.values) > 1:
        return _operation(tested, "= ANY", _listed(bound[0]))
    return _operation(tested, _COMPARISONS[method], bound[0])


def _containment(tested: Column, method: str, bound: psql.Composable) -> psql.Composable:
    if method == "containsAll":
        return _operation(tested, "@>", bound)
    fits = _operation(tested, "@> ANY", _listed(bound))
    return psql.SQL("NOT ") + fits if method == "notContains" else fits


def _search(tested: Column, method: str, bound: psql.Composable) -> psql.Composable:
    found = psql.SQL("({} @@ document_search({}))").format(
        attributes.words(tested.expression), bound
    )
    return psql.SQL("(NOT {})").format(found) if method == "notSearch" else found


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
    if tested.value is not None:
        return free.operands(tested, condition)
    _check_place(tested, condition)
    if tested.is_geometry:
        return geometry.operands(tested, condition)
    try:
        found = [tested.read(value) for value in condition.values]
    except ValueError:
        raise refusal(f'Query value is invalid for attribute "{tested.name}"') from None
    if method == REGEX:
        check_regex(tested.name, found[0])
    if tested.is_array and found:
        return [_array_operand(method, found)]
    if method in _SUBSTRINGS:
        return [Operand([substring(value) for value in found], "text[]")]
    if method in PATTERNS:
        return [Operand(pattern(method, found[0]), "text")]
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
    if method in VECTORS:
        raise refusal("Vector queries can only be used on vector attributes")
    if tested.is_geometry:
        reason = "" if method in geometry.METHODS else "it is a point, a line or a polygon"
    elif method in DISTANCES | RELATIONS:
        reason = "it is not a point, a line or a polygon"
    elif tested.is_array:
        reason = "" if method in _ARRAY_METHODS else "it is an array"
    elif method == "containsAll":
        reason = "it is not an array"
    elif method in _SUBSTRINGS and not tested.is_text:
        reason = "it is not an array or a string"
    elif method in _TEXT_METHODS and not tested.is_text:
        reason = "it is not a string"
    else:
        return
    if reason:
        raise refusal(f'Cannot query {method} on attribute "{tested.name}" because {reason}.')
