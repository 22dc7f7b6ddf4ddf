"""Tests that an index of leading characters answers: each lets all through that the exact one does.

Texts are compared by code points, and so are their beginnings: of two texts the smaller one never
has the larger beginning.
"""

from collections.abc import Mapping, Sequence
from typing import LiteralString

from psycopg import sql as psql

from documents.filters.columns import Column
from kernel.query import NULL_TESTS, Filter

_BOUNDS: Mapping[str, LiteralString] = {
    "equal": "=",
    "lessThan": "<=",
    "lessThanEqual": "<=",
    "greaterThan": ">=",
    "greaterThanEqual": ">=",
}
_ANY = psql.SQL("{own} = ANY (ARRAY(SELECT {begin} FROM unnest({listed}) AS each (value)))")


def narrowed(
    test: psql.Composable, tested: Column, condition: Filter, bound: Sequence[psql.Composable]
) -> psql.Composable:
    """Return a test in the form for which an index of leading characters is used."""
    near = _near(tested, condition, bound) if tested.leading else None
    return test if near is None else psql.SQL("({} AND {})").format(near, test)


def _near(
    tested: Column, condition: Filter, bound: Sequence[psql.Composable]
) -> psql.Composable | None:
    method, own = condition.method, tested.shortened()
    if method in NULL_TESTS:
        return own + psql.SQL(" IS NULL" if method == "isNull" else " IS NOT NULL")
    if method == "between":
        low, high = map(tested.shortened, bound)
        return psql.SQL("{} BETWEEN {} AND {}").format(own, low, high)
    if method == "equal" and len(condition.values) > 1:
        begin = tested.shortened(psql.SQL("each.value"))
        return _ANY.format(own=own, begin=begin, listed=bound[0])
    if method in _BOUNDS:
        return psql.SQL("{} {} {}").format(
            own, psql.SQL(_BOUNDS[method]), tested.shortened(bound[0])
        )
    return None
