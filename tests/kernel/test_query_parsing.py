"""The query language: what is understood, and what is refused in which words."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.limits import MAX_QUERIES, MAX_QUERY_LENGTH, MAX_QUERY_VALUES
from kernel.query import (
    Cursor,
    Filter,
    Group,
    ListQuery,
    Order,
    QueryError,
    parse_condition,
    parse_queries,
)


def q(method, attribute=None, values=None):
    query = {"method": method}
    if attribute is not None:
        query["attribute"] = attribute
    if values is not None:
        query["values"] = values
    return json.dumps(query)


def test_no_queries_are_the_first_page():
    query = parse_queries([])
    assert query == ListQuery()
    assert (query.limit, query.offset, query.select) == (25, 0, None)


def test_a_whole_list_request_is_understood():
    query = parse_queries(
        [
            q("equal", "title", ["a", "b"]),
            q("greaterThan", "age", [3]),
            q("orderDesc", "age"),
            q("orderAsc"),
            q("limit", values=[10]),
            q("offset", values=[5]),
            q("cursorAfter", values=["x1"]),
            q("select", values=["title", "age"]),
            q("select", values=["title"]),
        ]
    )
    assert query.conditions == (
        Filter("equal", "title", ("a", "b")),
        Filter("greaterThan", "age", (3,)),
    )
    assert query.orders == (Order("age", is_descending=True), Order("$sequence"))
    assert (query.limit, query.offset) == (10, 5)
    assert query.cursor == Cursor("x1")
    assert query.select == ("title", "age")
    assert query.attributes() == {"title", "age", "$sequence"}


def test_groups_nest():
    inner = {"method": "and", "values": [json.loads(q("equal", "a", [1]))] * 2}
    text = json.dumps({"method": "or", "values": [inner, json.loads(q("isNull", "b", []))]})
    condition = parse_condition(text)
    assert condition == Group(
        "or",
        (
            Group("and", (Filter("equal", "a", (1,)), Filter("equal", "a", (1,)))),
            Filter("isNull", "b"),
        ),
    )
    assert ListQuery(conditions=(condition,)).attributes() == {"a", "b"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "equal",
        "[]",
        "1",
        "null",
        "{}",
        '{"method": 1}',
        q("equal", "a"),
        q("equal", "a", []),
        q("equal", 1, ["x"]),
        q("equal", "", ["x"]),
        q("equal", "a", "x"),
        q("equal", "a", [None]),
        q("equal", "a", [["x"]]),
        q("equal", "a", [{}]),
        q("equal", "a\x00b", ["x"]),
        q("equal", "a", ["x\x00y"]),
        q("between", "a", [1]),
        q("between", "a", [1, 2, 3]),
        q("isNull", "a", [1]),
        q("lessThan", "a", [1, 2]),
        q("limit", values=[0]),
        q("limit", values=[-1]),
        q("limit", values=["1"]),
        q("limit", values=[True]),
        q("limit", values=[1.5]),
        q("limit", values=[]),
        q("offset", values=[-1]),
        q("offset", values=[2**63]),
        q("cursorAfter", values=[""]),
        q("cursorAfter", values=[1]),
        q("select", values=[]),
        q("select", values=[1]),
        q("and", values=[{"method": "isNull", "attribute": "a"}]),
        q("or", values=["text", "text"]),
        q("or", values=[{"method": "limit", "values": [1]}] * 2),
        q("elemMatch", "a", ["x"]),
        q("drop table", "a", ["x"]),
    ],
)
def test_what_makes_no_sense_is_refused(text):
    with pytest.raises(QueryError, match=r"^Invalid query"):
        parse_queries([text])


def test_syntax_errors_have_the_published_words():
    with pytest.raises(QueryError, match=r"^Invalid query: Syntax error$"):
        parse_queries(["{"])


def test_a_second_cursor_is_refused():
    with pytest.raises(QueryError, match="one cursor"):
        parse_queries([q("cursorAfter", values=["a"]), q("cursorBefore", values=["b"])])


def test_queries_are_limited_in_number_length_values_and_depth():
    parse_queries([q("isNull", "a")] * MAX_QUERIES)
    with pytest.raises(QueryError, match="No more than"):
        parse_queries([q("isNull", "a")] * (MAX_QUERIES + 1))
    with pytest.raises(QueryError, match="Longer than"):
        parse_queries([q("equal", "a", ["x" * MAX_QUERY_LENGTH])])
    parse_queries([q("equal", "a", [1] * MAX_QUERY_VALUES)])
    with pytest.raises(QueryError, match="greater than 500 values: a"):
        parse_queries([q("equal", "a", [1] * (MAX_QUERY_VALUES + 1))])
    nested = json.loads(q("isNull", "a"))
    for _ in range(9):
        nested = {"method": "and", "values": [nested, json.loads(q("isNull", "a"))]}
    with pytest.raises(QueryError, match="Nested deeper"):
        parse_queries([json.dumps(nested)])
    deep = '{"method":"and","values":[' * 400
    with pytest.raises(QueryError):
        parse_queries([deep])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(st.sampled_from(["method", "attribute", "values", "x"]), children)
    ),
    max_leaves=10,
)
methods = st.sampled_from(
    ["equal", "between", "contains", "and", "or", "select", "limit", "cursorAfter", "orderAsc"]
)
almost_queries = st.fixed_dictionaries(
    {"method": methods | st.text()}, optional={"attribute": json_values, "values": json_values}
)


@given(st.lists(st.text() | almost_queries.map(json.dumps), max_size=5))
def test_hostile_queries_are_understood_or_refused(texts):
    try:
        query = parse_queries(texts)
    except QueryError:
        return
    assert 1 <= query.limit <= 5000
    assert query.offset >= 0
