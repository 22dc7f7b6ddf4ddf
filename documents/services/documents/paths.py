"""Filters that reach related documents: `author.name`, or `author` for whether and which one."""

from collections.abc import Iterable

from documents import filters
from documents.catalog import CollectionSchema, Neighbours
from documents.filters import Related
from documents.relations import MAX_DEPTH
from documents.services.documents.access import readers_of
from kernel.query import NULL_TESTS, Condition, Filter, Group


def followed(
    neighbours: Neighbours, schema: CollectionSchema, conditions: Iterable[Condition]
) -> tuple[Condition, ...]:
    """Return conditions whose paths have found the collections that they lead to.

    Raises: QUERY_INVALID
    """
    return tuple(
        Group(each.method, followed(neighbours, schema, each.conditions))
        if isinstance(each, Group)
        else _followed(neighbours, schema, each, depth=0)
        for each in conditions
    )


def _followed(
    neighbours: Neighbours, schema: CollectionSchema, condition: Filter, *, depth: int
) -> Filter:
    key, _, rest = condition.attribute.partition(".")
    relation = schema.relations.get(key)
    if relation is None:
        return condition
    if not rest and relation.is_list:
        raise filters.refusal(f"Cannot query on virtual relationship attribute: {key}")
    if depth == MAX_DEPTH:
        raise filters.refusal(f"Relationships are followed to a depth of {MAX_DEPTH}")
    related = neighbours.of(relation)
    readers = readers_of(neighbours.caller, related, neighbours.names)
    tests: tuple[Filter, ...] = ()
    if rest or condition.method not in NULL_TESTS:
        inner = Filter(condition.method, rest or "$id", condition.values)
        tests = (_followed(neighbours, related, inner, depth=depth + 1),)
    return Related(
        condition.method,
        condition.attribute,
        condition.values,
        relation=relation,
        schema=related,
        roles=None if readers is None else tuple(readers),
        tests=tests,
        is_negative=not tests and condition.method == "isNull",
    )
