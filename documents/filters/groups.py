"""Groups of documents, and what is computed from each."""

from collections.abc import Mapping
from typing import LiteralString, NamedTuple

from psycopg import sql as psql

from documents.attributes import Attribute
from documents.filters.columns import Column, column, refusal
from documents.filters.orders import Sorting
from kernel.query import EVERYTHING, Aggregate, ListQuery

_NUMBERS = frozenset({"bigint", "double precision"})
_FUNCTIONS: Mapping[str, LiteralString] = {
    "count": "count({})",
    "countDistinct": "count(DISTINCT {})",
    "sum": "sum({})",
    "avg": "avg({})::double precision",
    "min": "min({})",
    "max": "max({})",
}


class Grouping(NamedTuple):
    """The parts of a statement that groups documents, and the names of its values in order."""

    names: list[str]
    values: psql.Composable
    groups: psql.Composable
    order: psql.Composable


def grouping(schema: Mapping[str, Attribute], query: ListQuery) -> Grouping:
    """Return how documents are grouped. Groups are in the order of what they are grouped by.

    Raises: QUERY_INVALID
    """
    names = _groups(query)
    known: dict[str, Column] = {name: _scalar(schema, name) for name in names}
    groups = list(known.values())
    for aggregate in query.aggregates:
        if aggregate.alias in known:
            raise refusal(f'Two results have the name "{aggregate.alias}"; give one an alias.')
        known[aggregate.alias] = _computed(schema, aggregate)
    for order in query.orders:
        if order.attribute not in known:
            raise refusal(f"Cannot order groups by {order.attribute[:64]}")
    steps = [Sorting(known[order.attribute], order.is_descending) for order in query.orders]
    steps += [Sorting(each, is_descending=False) for each in groups]
    return Grouping(
        list(known),
        psql.SQL(", ").join(
            psql.SQL("{} AS {}").format(each.expression, psql.Identifier(f"v{place}"))
            for place, each in enumerate(known.values())
        ),
        _listed("GROUP BY ", [each.expression for each in groups]),
        _listed("ORDER BY ", [step.clause() for step in steps]),
    )


def _groups(query: ListQuery) -> tuple[str, ...]:
    if query.cursor is not None or query.is_random:
        raise refusal("Groups have no random order and no cursor; use limit and offset.")
    if not query.is_distinct:
        if query.select is not None:
            raise refusal("Groups are what they are grouped by; select is not offered.")
        return query.groups
    if query.groups or query.aggregates:
        raise refusal("distinct is not offered with groups: they are distinct.")
    if not query.select or EVERYTHING in query.select:
        raise refusal("distinct needs a select of attributes.")
    return query.select


def _scalar(schema: Mapping[str, Attribute], name: str) -> Column:
    found = column(schema, name)
    attribute = schema.get(name)
    if found.is_array or found.is_geometry or (attribute and attribute.relation is not None):
        raise refusal(f'Cannot group by attribute "{name}" or compute with it.')
    return found


def _computed(schema: Mapping[str, Attribute], aggregate: Aggregate) -> Column:
    expression: psql.Composable = psql.SQL(EVERYTHING)
    type_: LiteralString = "bigint"
    if aggregate.attribute != EVERYTHING:
        found = _scalar(schema, aggregate.attribute)
        expression, type_ = found.expression, found.type
    elif aggregate.function != "count":
        raise refusal(f"{aggregate.function} needs an attribute")
    function = aggregate.function
    if function in ("sum", "avg") and type_ not in _NUMBERS:
        raise refusal(f'Cannot compute {function} of "{aggregate.attribute}": it is no number.')
    if function in ("min", "max") and type_ == "boolean":
        raise refusal(f'Cannot compute {function} of "{aggregate.attribute}": it is a boolean.')
    computed = psql.SQL(_FUNCTIONS[function]).format(expression)
    return Column(aggregate.alias, computed, type_, read=str)


def _listed(clause: LiteralString, parts: list[psql.Composable]) -> psql.Composable:
    return psql.SQL(clause) + psql.SQL(", ").join(parts) if parts else psql.SQL("")
