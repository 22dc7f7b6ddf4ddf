"""Tests of free fields: of values of the type that the test names, whatever others there are.

Numbers are compared with numbers and texts with texts. What is of another type passes no test, not
even a negative one.
"""

from collections.abc import Mapping, Sequence
from typing import Any, LiteralString

from psycopg import sql as psql

from documents import attributes
from documents.attributes.free import Scalar
from documents.filters.columns import Column, Operand, refusal
from documents.filters.patterns import PATTERNS, check_regex, pattern, substring
from kernel.query import (
    COMPARISONS,
    CONTAINMENTS,
    NULL_TESTS,
    RANGES,
    REGEX,
    TEXT_TESTS,
    Filter,
)

METHODS = COMPARISONS | RANGES | NULL_TESTS | TEXT_TESTS | CONTAINMENTS | {REGEX}

# The ranks of all values of one type lie between two ends, the upper one of which is its own.
_TESTS: Mapping[str, psql.SQL] = {
    "isNull": psql.SQL("({value} IS NULL)"),
    "isNotNull": psql.SQL("({value} IS NOT NULL)"),
    "equal": psql.SQL("({rank} = document_ranked({first}))"),
    "notEqual": psql.SQL(
        "({rank} <> document_ranked({first}) AND {rank} > document_rank_end({first}, -1)"
        " AND {rank} < document_rank_end({first}, 0))"
    ),
    "lessThan": psql.SQL(
        "({rank} < document_ranked({first}) AND {rank} > document_rank_end({first}, -1))"
    ),
    "lessThanEqual": psql.SQL(
        "({rank} <= document_ranked({first}) AND {rank} > document_rank_end({first}, -1))"
    ),
    "greaterThan": psql.SQL(
        "({rank} > document_ranked({first}) AND {rank} < document_rank_end({first}, 0))"
    ),
    "greaterThanEqual": psql.SQL(
        "({rank} >= document_ranked({first}) AND {rank} < document_rank_end({first}, 0))"
    ),
    "between": psql.SQL("({rank} BETWEEN document_ranked({first}) AND document_ranked({second}))"),
    "notBetween": psql.SQL(
        "({rank} NOT BETWEEN document_ranked({first}) AND document_ranked({second})"
        " AND {rank} > document_rank_end({first}, -1) AND {rank} < document_rank_end({first}, 0))"
    ),
    "containsAll": psql.SQL("(jsonb_typeof({value}) = 'array' AND {value} @> {first})"),
}
_ANY = psql.SQL(
    "({rank} = ANY (ARRAY(SELECT document_ranked(e.value) FROM jsonb_array_elements({first}) e)))"
)
_TEXT = psql.SQL("((CASE jsonb_typeof({value}) WHEN 'string' THEN {value} #>> '{{}}' END)")
_CONTAINS = psql.SQL("""
    ({negation} CASE jsonb_typeof({value}) WHEN 'array' THEN {value} @> ANY ({first})
    WHEN 'string' THEN ({value} #>> '{{}}') LIKE ANY ({second}) END)
""")


def operands(tested: Column, condition: Filter) -> list[Operand]:
    """Check a test and return the values it binds.

    Raises: QUERY_INVALID
    """
    method, values = condition.method, condition.values
    if method not in METHODS:
        raise refusal(
            f'Cannot query {method} on "{tested.name}": it is not an attribute. Declare it.'
        )
    if method in NULL_TESTS:
        return []
    is_text = method in TEXT_TESTS or method == REGEX
    if any(not isinstance(each, str if is_text else Scalar) for each in values):
        raise refusal(f'Query value is invalid for "{tested.name}"')
    if is_text:
        return [_text_operand(tested, condition)]
    if method in CONTAINMENTS:
        return _contained(condition)
    if method in RANGES and len({_kind(each) for each in values}) > 1:
        raise refusal(f'{method} takes two values of one type for "{tested.name}"')
    if method == "equal" and len(values) > 1:
        return [_json(list(values))]
    return [_json(each) for each in values]


def test(
    tested: Column,
    value: psql.Composable,
    condition: Filter,
    bound: Sequence[psql.Composable],
) -> psql.Composable:
    """Return the test of a field's value, or of its rank."""
    method = condition.method
    first, second, *_ = [*bound, psql.SQL(""), psql.SQL("")]
    parts = {"rank": tested.expression, "value": value, "first": first, "second": second}
    if method in TEXT_TESTS or method == REGEX:
        operator: LiteralString = "~" if method == REGEX else PATTERNS[method][0]
        return psql.SQL("{} {} {})").format(_TEXT.format(**parts), psql.SQL(operator), first)
    if method == "equal" and len(condition.values) > 1:
        return _ANY.format(**parts)
    if method in CONTAINMENTS and method not in _TESTS:
        negation = psql.SQL("NOT" if method == "notContains" else "")
        return _CONTAINS.format(negation=negation, **parts)
    return _TESTS[method].format(**parts)


def _text_operand(tested: Column, condition: Filter) -> Operand:
    text = condition.values[0]
    if condition.method != REGEX:
        return Operand(pattern(condition.method, text), "text")
    check_regex(tested.name, text)
    return Operand(text, "text")


def _contained(condition: Filter) -> list[Operand]:
    values = condition.values
    if condition.method == "containsAll":
        return [_json(list(values))]
    patterns = [substring(each) for each in values if isinstance(each, str)]
    items = [attributes.json_text([each]) for each in values]
    return [Operand(items, "text[]::jsonb[]"), Operand(patterns, "text[]")]


def _json(value: Any) -> Operand:
    return Operand(attributes.json_text(value), "jsonb")


def _kind(value: Scalar) -> type:
    return int if type(value) is float else type(value)
