"""Groups of documents: what is computed from each, against plain Python, and what is refused."""

import random
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import and_, or_, xor
from statistics import fmean, pstdev, pvariance, stdev, variance
from typing import Any

import orjson
import pytest

from kernel.caller import ProjectContext
from tests.client import ApiClient
from tests.conftest import ClientFor
from tests.documents.blog import (
    DOCUMENTS,
    ROWS,
    Words,
    both_vocabularies,
    make_collection,
    query,
    user,
)
from tests.documents.conftest import MakeKey
from tests.documents.test_query_oracle import SCALARS, Query, listed, seed_documents
from tests.reference import assert_model

pytestmark = pytest.mark.db

Values = Sequence[Any]
FUNCTIONS: Mapping[str, Callable[[Values], Any]] = {
    "count": len,
    "countDistinct": lambda values: len(set(values)),
    "sum": lambda values: pytest.approx(sum(values)) if values else None,
    "avg": lambda values: pytest.approx(fmean(values)) if values else None,
    "min": lambda values: min(values, default=None),
    "max": lambda values: max(values, default=None),
    "stddev": lambda values: pytest.approx(pstdev(values)) if values else None,
    "stddevSamp": lambda values: pytest.approx(stdev(values)) if len(values) > 1 else None,
    "variance": lambda values: pytest.approx(pvariance(values)) if values else None,
    "varSamp": lambda values: pytest.approx(variance(values)) if len(values) > 1 else None,
    "bitAnd": lambda values: reduce(and_, values) if values else None,
    "bitOr": lambda values: reduce(or_, values) if values else None,
    "bitXor": lambda values: reduce(xor, values) if values else None,
}
NUMBERS = ("likes", "rating")
NUMERIC = ("sum", "avg", "stddev", "stddevSamp", "variance", "varSamp")
LIMIT = {"method": "limit", "values": [1]}
ROUNDS = 60


@pytest.fixture
def blog(project: ProjectContext, client_for: ClientFor, make_key: MakeKey) -> ApiClient:
    """Make posts by three authors; returns a client that may read them."""
    make_collection(project, document_security=True)
    client = client_for(project, key=make_key(project, ["documents.read", "documents.write"]))
    for uid, title, likes, readers in (
        ("a", "Ann", 5, ['read("user:zoe")']),
        ("b", "Bob", 7, []),
        ("c", "Ann", 2, []),
        ("d", "Cid", None, ['read("user:zoe")']),
    ):
        data = {"title": title, "likes": likes}
        body = {"documentId": uid, "data": data, "permissions": readers}
        assert client.post(DOCUMENTS, body).status == 201
    return client


def rows(client: ApiClient, *queries: str) -> list[dict[str, Any]]:
    reply = client.get(DOCUMENTS, {"queries": list(queries)})
    assert reply.status == 200, reply.json
    return [shown(each) for each in reply.json["documents"]]


def having(attribute: str, value: Any, method: str = "greaterThan") -> str:
    return query("having", "", {"method": method, "attribute": attribute, "values": [value]})


def shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if not key.startswith("$")}


def test_aggregates_without_groups_are_one_row_of_all_that_fits(blog: ApiClient) -> None:
    wanted = [query("count"), query("sum", "likes"), query("max", "likes", "most")]
    assert rows(blog, *wanted) == [{"count": 4, "sum": 14, "most": 7}]
    assert rows(blog, *wanted, query("equal", "title", "Ann")) == [
        {"count": 2, "sum": 7, "most": 5}
    ]
    assert rows(blog, *wanted, query("equal", "title", "Eve")) == [
        {"count": 0, "sum": None, "most": None}
    ]


def test_groups_come_in_order_with_what_is_computed_of_each(blog: ApiClient) -> None:
    grouped = [query("groupBy", "", "title"), query("count", "likes", "posts")]

    assert rows(blog, *grouped) == [
        {"title": "Ann", "posts": 2},
        {"title": "Bob", "posts": 1},
        {"title": "Cid", "posts": 0},
    ]
    by_count = [query("orderDesc", "posts"), query("limit", "", 1), query("offset", "", 1)]
    reply = blog.get(DOCUMENTS, {"queries": [*grouped, *by_count]})
    assert [shown(each) for each in reply.json["documents"]] == [{"title": "Bob", "posts": 1}]
    assert reply.json["total"] == 3
    assert blog.get(DOCUMENTS, {"queries": grouped, "total": "false"}).json["total"] == 0


def test_distinct_is_of_what_is_selected(blog: ApiClient) -> None:
    wanted = [query("distinct"), query("select", "", "title"), query("orderDesc", "title")]

    assert rows(blog, *wanted) == [{"title": "Cid"}, {"title": "Bob"}, {"title": "Ann"}]


def test_only_readable_documents_count(project: ProjectContext, blog: ApiClient) -> None:
    wanted: list[Query] = [{"method": "count"}, {"method": "groupBy", "values": ["title"]}]

    zoe = listed(project, wanted, caller=user(project, "zoe"))
    yann = listed(project, wanted, caller=user(project, "yann"))

    assert [shown(each) for each in zoe["documents"]] == [
        {"title": "Ann", "count": 1},
        {"title": "Cid", "count": 1},
    ]
    assert (yann["documents"], yann["total"]) == ([], 0)


def test_groups_are_tested_by_what_is_computed_of_them(
    project: ProjectContext, blog: ApiClient
) -> None:
    grouped = [query("groupBy", "", "title"), query("count"), query("avg", "likes", "mean")]

    def titles(*queries: str) -> list[Any]:
        return [row["title"] for row in rows(blog, *grouped, *queries)]

    assert titles(having("count", 1)) == ["Ann"]
    assert titles(having("mean", 3.5)) == ["Bob"]
    assert titles(having("mean", 3.5, "equal"), having("count", 2, "equal")) == ["Ann"]
    assert titles(query("having", "", {"method": "isNull", "attribute": "mean"})) == ["Cid"]
    between = {"method": "between", "attribute": "mean", "values": [7, 8]}
    named = {"method": "equal", "attribute": "title", "values": ["Cid", "Dan"]}
    either = {"method": "or", "values": [between, named]}
    assert titles(query("having", "", either), query("greaterThan", "likes", 6)) == ["Bob"]
    assert titles(query("having", "", either)) == ["Bob", "Cid"]
    reply = blog.get(DOCUMENTS, {"queries": [*grouped, having("count", 0), query("limit", "", 1)]})
    assert (reply.json["total"], len(reply.json["documents"])) == (3, 1)
    assert rows(blog, query("count"), having("count", 4)) == []
    assert rows(blog, query("count"), having("count", 3.5)) == [{"count": 4}]
    of_zoe: list[Query] = [{"method": "count"}, {"method": "groupBy", "values": ["title"]}]
    more = {"method": "greaterThan", "attribute": "count", "values": [1]}
    of_zoe.append({"method": "having", "values": [more]})
    assert listed(project, of_zoe, caller=user(project, "zoe"))["documents"] == []


@both_vocabularies
def test_queries_come_in_a_body_too(blog: ApiClient, words: Words) -> None:
    plain = {"queries": [query("equal", "title", "Ann"), query("limit", "", 1)]}
    grouped = {"queries": [query("groupBy", "", "title"), query("count")], "total": False}

    listing = blog.post(f"{words.path}/query", plain)
    groups = blog.post(f"{words.path}/query", grouped)

    assert (listing.status, listing.json["total"]) == (201, 2)
    assert [each["$id"] for each in listing.json[words.nouns]] == ["a"]
    assert [each["count"] for each in groups.json[words.nouns]] == [2, 1, 1]
    for reply in (listing, groups):
        assert_model("DocumentList" if words.noun == "document" else "RowList", reply.json)


def test_document_may_be_called_like_the_path_of_queries(blog: ApiClient) -> None:
    body = {"documentId": "query", "data": {"title": "Eve"}}
    assert blog.post(DOCUMENTS, body).status == 201

    assert blog.get(f"{DOCUMENTS}/query").json["title"] == "Eve"
    assert blog.patch(f"{ROWS}/query", {"data": {"title": "Eva"}}).json["title"] == "Eva"
    assert blog.put(f"{ROWS}/query", {"data": {"title": "Evi"}}).json["$id"] == "query"
    assert blog.delete(f"{DOCUMENTS}/query").status == 204


@both_vocabularies
@pytest.mark.parametrize(
    ("queries", "reason"),
    [
        ([query("sum", "title")], "it is no number"),
        ([query("avg", "published")], "it is no number"),
        ([query("min", "pinned")], "it is a boolean"),
        ([query("sum")], "sum needs an attribute"),
        ([query("count", "nothing")], "Attribute not found in schema: nothing"),
        ([query("groupBy", "", "nothing")], "Attribute not found in schema: nothing"),
        ([query("groupBy", "", "tags")], 'Cannot group by attribute "tags"'),
        ([query("max", "scores")], 'Cannot group by attribute "scores"'),
        ([query("groupBy")], "groupBy takes at least one attribute name"),
        ([query("groupBy", "", 3)], "groupBy takes at least one attribute name"),
        ([query("count", "", "$id")], "takes one alias"),
        ([query("count", "", "a", "b")], "takes one alias"),
        ([query("count", "", 5)], "takes one alias"),
        ([query("count", "", "x" * 65)], "takes one alias"),
        ([query("count"), query("count", "likes")], "give one an alias"),
        ([query("groupBy", "", "title"), query("count", "", "title")], "give one an alias"),
        ([query("count"), query("orderAsc", "title")], "Cannot order groups by title"),
        ([query("count"), query("cursorAfter", "", "a")], "no cursor"),
        ([query("count"), query("orderRandom")], "no random order"),
        ([query("count"), query("select", "", "title")], "select is not offered"),
        ([query("distinct")], "distinct needs a select"),
        ([query("distinct"), query("select", "", "*")], "distinct needs a select"),
        ([query("distinct"), query("count")], "distinct is not offered with groups"),
        ([query("distinct"), having("count", 1), query("select", "", "title")], "with groups"),
        ([having("count", 1)], "having needs groups"),
        ([query("count"), query("having")], "having takes 1 to"),
        ([query("count"), having("likes", 1)], "having tests what groups are answered with"),
        ([query("count"), having("count", "one")], 'invalid for attribute "count"'),
        ([query("count"), having("count", True)], 'invalid for attribute "count"'),
        ([query("count"), having("count", [1])], 'invalid for attribute "count"'),
        ([query("count"), having("count", 1, "contains")], "Invalid query method: contains"),
        ([query("stddev", "title")], "it is no number"),
        ([query("bitAnd", "rating")], "it is no whole number"),
        ([query("bitXor", "pinned")], "it is no whole number"),
        ([query("count"), query("relationship", "a", LIMIT)], "Groups have no related"),
    ],
)
def test_what_cannot_be_computed_is_refused(
    blog: ApiClient, words: Words, queries: list[str], reason: str
) -> None:
    reply = blog.get(words.path, {"queries": queries})

    assert (reply.status, reply.error) == (400, "general_query_invalid")
    assert reason in reply.json["message"]


def test_groups_are_no_filters_and_not_for_other_operations(blog: ApiClient) -> None:
    inside = orjson.dumps({"method": "or", "values": [{"method": "count"}] * 2}).decode()
    for reply in (
        blog.get(DOCUMENTS, {"queries": [inside]}),
        blog.get(f"{DOCUMENTS}/a", {"queries": [query("count")]}),
        blog.delete(DOCUMENTS, {"queries": [query("count")]}),
    ):
        assert (reply.status, reply.error) == (400, "general_query_invalid")
        assert "Invalid query method: count" in reply.json["message"]


def test_sum_that_no_number_holds_is_refused(blog: ApiClient) -> None:
    for uid in ("a", "b"):
        assert blog.patch(f"{DOCUMENTS}/{uid}", {"data": {"rating": 1.7e308}}).status == 200

    reply = blog.get(DOCUMENTS, {"queries": [query("sum", "rating")]})

    assert (reply.status, reply.error) == (400, "general_query_invalid")
    assert "more than a number can hold" in reply.json["message"]


def test_groups_agree_with_plain_python(project: ProjectContext) -> None:
    documents = seed_documents(project, 3)
    choose = random.Random(3)
    for _ in range(ROUNDS):
        keys = choose.sample(SCALARS, choose.randint(0, 2))
        function = choose.choice(list(FUNCTIONS))
        computed = choose.choice(NUMBERS if function in NUMERIC else SCALARS)
        if function.startswith("bit"):
            computed = "likes"
        if computed == "pinned" and function in ("min", "max"):
            continue
        queries: list[dict[str, Any]] = [{"method": function, "attribute": computed}]
        if keys:
            queries.append({"method": "groupBy", "values": keys})

        answer = listed(project, [*queries, {"method": "limit", "values": [100]}])

        groups: dict[tuple[Any, ...], list[Any]] = {} if keys else {(): []}
        for document in documents:
            group = groups.setdefault(tuple(document[key] for key in keys), [])
            if document[computed] is not None:
                group.append(document[computed])
        ordered = sorted(groups, key=lambda group: [(each is not None, each) for each in group])
        assert [shown(each) for each in answer["documents"]] == [
            {**dict(zip(keys, group, strict=True)), function: FUNCTIONS[function](groups[group])}
            for group in ordered
        ]
        assert answer["total"] == len(groups)


@pytest.mark.parametrize("key", ["$id", "$createdAt", "$sequence"])
def test_system_attributes_make_groups(project: ProjectContext, key: str) -> None:
    documents = seed_documents(project, 4)

    answer = listed(project, [{"method": "groupBy", "values": [key]}, {"method": "count"}])

    wanted = sorted({document[key] for document in documents})[:25]
    assert [each[key] for each in answer["documents"]] == wanted
