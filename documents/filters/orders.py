"""The order of a listing, and the place in it where a page begins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from psycopg import sql as psql

from documents.attributes import Attribute
from documents.filters.columns import SEQUENCE, Column, column, refusal
from kernel.query import Order

_UNIQUE_COLUMNS = frozenset({"$id", "$sequence"})
_TIMES = frozenset({"$createdAt", "$updatedAt"})


@dataclass(frozen=True, slots=True)
class Sorting:
    """One step of an order. Missing values come first ascending, last descending."""

    column: Column
    is_descending: bool

    def clause(self, *, by_index: bool = True) -> psql.Composable:
        """Return the step of an `ORDER BY`, one that no index has unless it may be walked."""
        value = self.column.expression
        if not by_index:
            value = psql.SQL("(SELECT {})").format(value)
        direction = psql.SQL(" DESC" if self.is_descending else " ASC")
        if not self.column.is_nullable:
            return value + direction
        nulls = psql.SQL(" NULLS LAST" if self.is_descending else " NULLS FIRST")
        if not (by_index and self.column.leading):
            return value + direction + nulls
        # Of texts that begin alike the database sorts as many as it needs.
        return (
            self.column.shortened() + direction + nulls + psql.SQL(", ") + value + direction + nulls
        )

    def reversed(self) -> "Sorting":
        return Sorting(self.column, not self.is_descending)


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
        if ordered.is_geometry:
            raise refusal(f'Cannot order by attribute "{ordered.name}" because it is a geometry.')
        steps.append(Sorting(ordered, order.is_descending))
    if any(step.column.name in _UNIQUE_COLUMNS for step in steps):
        return steps
    follows = bool(steps) and steps[0].column.name in _TIMES
    return [*steps, Sorting(SEQUENCE, follows and steps[0].is_descending)]


def beyond(steps: Sequence[Sorting]) -> list[psql.Composable]:
    """Return tests of which rows that come after the row of the statement's `edge` pass just one.

    Column `k{n}` of `edge` holds that row's value for step n, never null. An index finds the rows
    of each test; those with a value and those without are far apart in it.
    """
    either: list[psql.Composable] = []
    ties: list[psql.Composable] = []
    for place, step in enumerate(steps):
        value = psql.SQL("(SELECT {} FROM edge)").format(psql.Identifier(f"k{place}"))
        either.append(psql.SQL(" AND ").join([*ties, _past(step, value)]))
        ties.append(psql.SQL("{} = {}").format(step.column.expression, value))
    first = steps[0]
    operator = psql.SQL(" <= " if first.is_descending else " >= ")
    edge = psql.SQL("(SELECT k0 FROM edge)")
    bound = first.column.expression + operator + edge
    if first.column.leading:
        bound += (
            psql.SQL(" AND ") + first.column.shortened() + operator + first.column.shortened(edge)
        )
    test = psql.SQL("({} AND (({})))").format(bound, psql.SQL(") OR (").join(either))
    if not (first.is_descending and first.column.is_nullable):
        return [test]
    lacking = first.column.shortened() if first.column.leading else first.column.expression
    return [test, psql.SQL("({} IS NULL)").format(lacking)]


def _past(step: Sorting, value: psql.Composable) -> psql.Composable:
    if not step.is_descending:
        return psql.SQL("{} > {}").format(step.column.expression, value)
    test = psql.SQL("{} < {}").format(step.column.expression, value)
    if not step.column.is_nullable:
        return test
    return psql.SQL("({} OR {} IS NULL)").format(test, step.column.expression)


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
