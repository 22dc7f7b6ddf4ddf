"""Queries of free fields: each test speaks of values of its own type."""

from typing import Any

import orjson
import pytest

from tests.documents.blog import DOCUMENTS, query
from tests.documents.schemaless import add, change, found, own, players

__all__ = ["players"]  # a fixture

pytestmark = pytest.mark.django_db


VALUES: dict[str, Any] = {
    "text": "m",
    "more": "n",
    "Text": "M",
    "wild": "50%_a",
    "zero": 0,
    "five": 5,
    "half": 5.5,
    "big": 2**53 + 1,
    "yes": True,
    "no": False,
    "list": ["m", 5, None],
    "object": {"m": 5, "deep": {"list": [{"n": 1}, {"n": 2}]}},
    "null": None,
}


@pytest.fixture
def mixed(players):
    for uid, value in VALUES.items():
        add(players, uid, **{"v%": value})
    return players


TESTS: list[tuple[str, list[Any], str]] = [
    ("equal", ["m"], "text"),
    ("equal", [5], "five"),
    ("equal", [5.0], "five"),
    ("equal", [5, "m", True, "zz"], "text five yes"),
    ("equal", [2**53], ""),
    ("notEqual", ["m"], "more Text wild"),
    ("notEqual", [5], "zero half big"),
    ("notEqual", [True], "no"),
    ("lessThan", [5], "zero"),
    ("lessThan", ["m"], "Text wild"),
    ("lessThanEqual", ["m"], "text Text wild"),
    ("greaterThan", [5], "half big"),
    ("greaterThan", [2**53], "big"),
    ("greaterThanEqual", ["m"], "text more"),
    ("greaterThan", [False], "yes"),
    ("between", [0, 5.5], "zero five half"),
    ("between", ["a", "m"], "text"),
    ("notBetween", [1, 6], "zero big"),
    ("notBetween", ["a", "m"], "more Text wild"),
    ("startsWith", ["5"], "wild"),
    ("notStartsWith", ["m"], "more Text wild"),
    ("endsWith", ["%_a"], "wild"),
    ("notEndsWith", ["m"], "more Text wild"),
    ("regex", ["^[mn]$"], "text more"),
    ("contains", ["m"], "text list"),
    ("contains", [5], "list"),
    ("contains", ["%", 5], "wild list"),
    ("containsAny", ["zz", "n"], "more"),
    ("containsAll", ["m", 5], "list"),
    ("notContains", ["m"], "more Text wild"),
    ("isNull", [], "null"),
    ("isNotNull", [], " ".join(uid for uid in VALUES if uid != "null")),
]


def test_filters_see_values_of_their_own_type(mixed):
    for uid, value in VALUES.items():
        assert change(mixed, uid, map={"v%": value}).status == 200
    for method, values, expected in TESTS:
        for path in ("v%", "map.v%"):
            hits = found(mixed, query(method, path, *values))
            assert hits == expected.split(), (method, path, values)


def test_paths_lead_into_objects_and_lists(mixed):
    assert found(mixed, query("equal", "v%.m", 5)) == ["object"]
    assert found(mixed, query("equal", "v%.1", 5)) == ["list"]
    assert found(mixed, query("greaterThan", "v%.deep.list.1.n", 1)) == ["object"]
    assert found(mixed, query("isNotNull", "v%.deep")) == ["object"]
    assert found(mixed, query("equal", "nowhere.at.all", 5)) == []


REFUSED = [
    query("between", "v", 1, "a"),
    query("startsWith", "v", 1),
    query("search", "v", "word"),
    query("equal", "v", [1, 2]),
    query("equal", "$v", 1),
    query("equal", "v..w", 1),
    query("equal", "v.", 1),
    query("equal", "v" * 300, 1),
    query("intersects", "v", [1, 2]),
    query("regex", "v", "("),
    query("select", "", "v.w"),
    query("select", "", "$v"),
]


def test_what_cannot_be_asked_is_refused(players):
    for bad in REFUSED:
        reply = players.get(DOCUMENTS, {"queries": [bad]})
        assert (reply.status, reply.json["type"]) == (400, "general_query_invalid"), bad


def test_orders_go_by_type_and_value_and_pages_follow(mixed):
    expected = [*("null", "wild", "Text", "text", "more"), *("zero", "five", "half", "big")]
    expected += ["no", "yes", "list", "object"]
    assert found(mixed, query("orderAsc", "v%"))[:13] == expected
    descending = [query("orderDesc", "v%")]
    assert found(mixed, *descending) == expected[::-1]
    seen = ["wild"]
    while page := found(
        mixed,
        query("orderAsc", "v%"),
        orjson.dumps({"method": "limit", "values": [4]}).decode(),
        orjson.dumps({"method": "cursorAfter", "values": [seen[-1]]}).decode(),
    ):
        seen += page
    assert seen == expected[1:]
    back = orjson.dumps({"method": "cursorAfter", "values": ["five"]}).decode()
    assert found(mixed, *descending, back) == ["zero", *expected[4::-1]]


def test_select_shows_fields_that_are_there(mixed):
    reply = mixed.get(f"{DOCUMENTS}/five", {"queries": [query("select", "", "v%")]})
    chosen = orjson.dumps({"method": "select", "values": ["v%", "title", "none"]}).decode()
    reply = mixed.get(f"{DOCUMENTS}/five", {"queries": [chosen]})

    assert own(reply.json) == {"v%": 5, "title": "five", "none": None}


@pytest.mark.parametrize("value", [1.7e308, -1.7e308])
def test_sum_of_fields_that_no_number_holds_is_refused(players, value):
    for uid in ("a", "b"):
        add(players, uid, size=value)

    for queries in ([query("sum", "size")], [query("groupBy", "", "none"), query("sum", "size")]):
        refused = players.get(DOCUMENTS, {"queries": queries})
        assert (refused.status, refused.error) == (400, "general_query_invalid")
        assert "more than a number can hold" in refused.json["message"]


def test_groups_are_of_values_and_results_of_numbers(mixed):
    add(mixed, "again", **{"v%": 5, "kind": "x"})

    def groups(*queries):
        reply = mixed.get(DOCUMENTS, {"queries": list(queries)})
        assert reply.status == 200, reply.json
        return [own(each) for each in reply.json["documents"]]

    results = groups(
        *(
            query(name, "v%", name)
            for name in ("count", "countDistinct", "sum", "avg", "min", "max")
        ),
    )
    numbers = [0, 5, 5.5, 2**53 + 1, 5]
    assert results == [
        {
            "count": 13,
            "countDistinct": 12,
            "sum": float(sum(numbers)),
            "avg": pytest.approx(sum(numbers) / 5),
            "min": 0,
            "max": 2**53 + 1,
        }
    ]
    assert groups(query("max", "kind", "top")) == [{"top": "x"}]
    refused = mixed.get(DOCUMENTS, {"queries": [query("bitAnd", "v%")]})
    assert refused.json["type"] == "general_query_invalid"
    by_kind = groups(query("groupBy", "", "kind"), query("count", "", "count"))
    assert by_kind == [{"kind": None, "count": 13}, {"kind": "x", "count": 1}]
    distinct = groups(query("distinct"), query("select", "", "v%"), query("equal", "v%", 5, True))
    assert distinct == [{"v%": 5}, {"v%": True}]
