"""Groups of documents, and what is computed from each."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, LiteralString, NamedTuple

from psycopg import sql as psql

from documents.attributes import Attribute
from documents.filters.columns import Column, column, refusal
from documents.filters.conditions import having
from documents.filters.orders import Sorting
from kernel.query import BITS, DEVIATIONS, EVERYTHING, Aggregate, ListQuery

_INTEGER: Final = "bigint"
_FLOAT: Final = "double precision"
_NUMBERS = frozenset({_INTEGER, _FLOAT})
#: The plain names of deviations mean those of all documents, and not of a sample.
_FUNCTIONS: Mapping[str, LiteralString] = {
    "count": "count({})",
    "countDistinct": "count(DISTINCT {})",
    "sum": "sum({})",
    "avg": "avg({})::double precision",
    "min": "min({})",
    "max": "max({})",
    "stddev": "stddev_pop({})::double precision",
    "stddevPop": "stddev_pop({})::double precision",
    "stddevSamp": "stddev_samp({})::double precision",
    "variance": "var_pop({})::double precision",
    "varPop": "var_pop({})::double precision",
    "varSamp": "var_samp({})::double precision",
    "bitAnd": "bit_and({})",
    "bitOr": "bit_or({})",
    "bitXor": "bit_xor({})",
}
_NUMBER: LiteralString = "CASE jsonb_typeof({value}) WHEN 'number' THEN {value}::numeric END"
_TEXT: LiteralString = (
    "CASE jsonb_typeof({value}) WHEN 'string' THEN {value} #>> '{{}}' END COLLATE \"C\""
)


class Grouping(NamedTuple):
    """The parts of a statement that groups documents.

    `names` are those of its values in order, and `bound` what its placeholders stand for.
    """

    names: list[str]
    #: The names of those that are JSON's texts.
    json: frozenset[str]
    values: psql.Composable
    groups: psql.Composable
    order: psql.Composable
    bound: dict[str, Any]


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
            reason = "only by what they are answered with"
            raise refusal(f"Cannot order groups by {order.attribute[:64]}: {reason}.")
    steps = [Sorting(known[order.attribute], order.is_descending) for order in query.orders]
    steps += [Sorting(each, is_descending=False) for each in groups]
    grouped = _listed("GROUP BY ", [each.value or each.expression for each in groups])
    bound: dict[str, Any] = {}
    if query.having:
        test, bound = having(known, query.having)
        grouped += psql.SQL(" HAVING ") + test
    return Grouping(
        list(known),
        frozenset(name for name, each in known.items() if each.value is not None),
        psql.SQL(", ").join(
            psql.SQL("{} AS {}").format(each.value or each.expression, psql.Identifier(f"v{place}"))
            for place, each in enumerate(known.values())
        ),
        grouped,
        _listed("ORDER BY ", [step.clause() for step in steps]),
        bound,
    )


def _groups(query: ListQuery) -> tuple[str, ...]:
    if query.cursor is not None or query.is_random:
        raise refusal("Groups have no random order and no cursor; use limit and offset.")
    if not query.is_distinct:
        if query.select is not None:
            raise refusal("Groups are what they are grouped by; select is not offered.")
        if not (query.groups or query.aggregates):
            raise refusal("having needs groups: groupBy, or something that is computed.")
        return query.groups
    if query.groups or query.aggregates or query.having:
        raise refusal("distinct is not offered with groups: they are distinct.")
    if not query.select or EVERYTHING in query.select:
        raise refusal("distinct needs a select of attributes.")
    return query.select


def _scalar(schema: Mapping[str, Attribute], name: str) -> Column:
    found = column(schema, name)
    attribute = schema.get(name)
    if found.is_array or found.is_geometry or (attribute and attribute.relation is not None):
        reason = "it is an array, a shape or a relationship"
        raise refusal(f'Cannot group by attribute "{name}" or compute with it: {reason}.')
    return replace(found, leading=0)


def _computed(schema: Mapping[str, Attribute], aggregate: Aggregate) -> Column:
    if (field := schema.get(aggregate.attribute)) is not None and field.is_free:
        return _computed_of_field(column(schema, aggregate.attribute), aggregate)
    function = aggregate.function
    form = psql.SQL(_FUNCTIONS[function])
    if aggregate.attribute == EVERYTHING:
        if function != "count":
            raise refusal(f"{function} needs an attribute")
        return _number(aggregate.alias, form.format(psql.SQL(EVERYTHING)))
    found = _scalar(schema, aggregate.attribute)
    reason = _misfit(function, found.type)
    if reason:
        raise refusal(f'Cannot compute {function} of "{aggregate.attribute}": {reason}.')
    expression = form.format(found.expression)
    if function in ("min", "max"):
        return Column(aggregate.alias, expression, found.type, found.read)
    is_exact = function in BITS or "ount" in function
    is_exact = is_exact or (function == "sum" and found.type == _INTEGER)
    return _number(aggregate.alias, expression, is_exact=is_exact)


def _misfit(function: str, type_: str) -> str:
    if function in BITS:
        return "" if type_ == _INTEGER else "it is no whole number"
    if function in DEVIATIONS or function in ("sum", "avg"):
        return "" if type_ in _NUMBERS else "it is no number"
    return "it is a boolean" if function in ("min", "max") and type_ == "boolean" else ""


def _number(alias: str, expression: psql.Composable, *, is_exact: bool = True) -> Column:
    return Column(alias, expression, "numeric" if is_exact else _FLOAT, _read_number)


def _read_number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("not a number")
    return value


def _computed_of_field(field: Column, aggregate: Aggregate) -> Column:
    """Return what is computed of a free field: of its numbers, or of all values where these count.

    The ends are of texts where there are no numbers.
    """
    function, value = aggregate.function, field.value
    if function in BITS:
        raise refusal(f'Cannot compute {function} of "{field.name}": declare it as an integer.')
    form = psql.SQL(_FUNCTIONS[function])
    if "ount" in function:
        return _number(aggregate.alias, form.format(value))
    number = psql.SQL(_NUMBER).format(value=value)
    if function not in ("min", "max"):
        return _number(aggregate.alias, form.format(number), is_exact=function == "sum")
    text = psql.SQL(_TEXT).format(value=value)
    end = psql.SQL("coalesce(to_jsonb({}), to_jsonb({}))").format(
        form.format(number), form.format(text)
    )
    rank = psql.SQL("document_ranked({})").format(end)
    return replace(field, name=aggregate.alias, expression=rank, value=end)


def _listed(clause: LiteralString, parts: list[psql.Composable]) -> psql.Composable:
    return psql.SQL(clause) + psql.SQL(", ").join(parts) if parts else psql.SQL("")
