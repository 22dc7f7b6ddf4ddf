"""Every method that the SDKs can ask for: it is understood, or refused in words that name it."""

from typing import Any

import pytest
from appwrite.query import Query

from kernel.caller import ProjectContext
from kernel.query import (
    DOCUMENT_FILTERS,
    GROUPINGS,
    LOGICAL,
    ORDERS,
    RELATIONSHIP,
)
from tests.client import ApiClient
from tests.conftest import ClientFor
from tests.documents.blog import DOCUMENTS, ids, make_collection, query
from tests.documents.conftest import MakeKey

pytestmark = pytest.mark.db

PAGES = {"limit", "offset", "cursorAfter", "cursorBefore", "select", "orderRandom"}
SERVED = DOCUMENT_FILTERS | GROUPINGS | LOGICAL | {*ORDERS} | {RELATIONSHIP} | PAGES
#: What SDKs make of methods that have names of their own here.
SUGAR = {"orQueries": "or", "andQueries": "and"}
COMPOSED = {"created", "updated", "page", "builder"}
JOINS = ("join", "leftJoin", "rightJoin", "fullOuterJoin", "crossJoin", "on")


@pytest.fixture
def blog(project: ProjectContext, client_for: ClientFor, make_key: MakeKey) -> ApiClient:
    make_collection(project)
    client = client_for(project, key=make_key(project, ["documents.read", "documents.write"]))
    for uid, data in (
        ("a", {"title": "A", "likes": 1, "tags": ["x"]}),
        ("b", {"title": "B", "likes": None}),
        ("c", {"title": "C", "rating": 1.5}),
    ):
        assert client.post(DOCUMENTS, {"documentId": uid, "data": data}).status == 201
    return client


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.title, rest))


def test_every_method_of_the_sdk_is_served_or_refused_by_name() -> None:
    names = {name for name, each in vars(Query).items() if isinstance(each, staticmethod)}
    methods = {camel(name) for name in names if not name.startswith("_")}
    methods = {name for name in methods if not name.startswith(tuple(COMPOSED))}

    assert {SUGAR.get(name, name) for name in methods} == SERVED | {"elemMatch", *JOINS}


def test_existence_is_of_a_value_for_each_name(blog: ApiClient) -> None:
    def found(*queries: str) -> list[str]:
        return ids(blog.get(DOCUMENTS, {"queries": list(queries)}))

    assert found(query("exists", "", "likes")) == ["a"]
    assert found(query("exists", "", "title", "rating")) == ["c"]
    assert found(query("exists", "", "likes", "rating")) == []
    assert found(query("exists", "", "tags", "tags")) == ["a"]
    assert found(query("exists", "", "$id")) == ["a", "b", "c"]
    assert found(query("notExists", "", "likes")) == ["b", "c"]
    assert found(query("notExists", "", "likes", "rating")) == ["b"]
    either = [{"method": "exists", "values": [name]} for name in ("likes", "rating")]
    assert found(query("or", "", *either)) == ["a", "c"]
    assert blog.delete(DOCUMENTS, {"queries": [query("notExists", "", "likes")]}).json["total"] == 2


@pytest.mark.parametrize(
    ("queries", "message"),
    [
        *(
            (
                [query(method, "likes", [1.0])],
                "Vector queries can only be used on vector attributes",
            )
            for method in ("vectorDot", "vectorCosine", "vectorEuclidean")
        ),
        ([query("vectorDot", "nothing", [1.0])], "Attribute not found in schema: nothing"),
        ([query("vectorDot", "likes", [1.0], [2.0])], 'takes exactly one value: "likes"'),
        ([query("elemMatch", "tags", {"method": "equal"})], "not supported by the database"),
        *(([query(method, "users", "a", "=", "b")], f"{method}: joins are") for method in JOINS),
        ([query("exists")], "exists takes at least one attribute name"),
        ([query("notExists", "", 1)], "notExists takes at least one attribute name"),
        ([query("exists", "", "nothing")], "Attribute not found in schema: nothing"),
        ([query("exists", "", *map(str, range(501)))], "exists takes at most 500 values"),
        ([query("between", "likes", 1)], 'between takes exactly two values: "likes"'),
        ([query("nonsense", "likes", 1)], "Invalid query method: nonsense"),
        (
            [query("or", "", {"method": "limit", "values": [1]}, {"method": "limit"})],
            "Invalid query method: limit. Other queries can only contain filters",
        ),
    ],
)
def test_what_is_not_served_is_refused_by_name(
    blog: ApiClient, queries: list[str], message: str
) -> None:
    reply = blog.get(DOCUMENTS, {"queries": queries})

    assert (reply.status, reply.error) == (400, "general_query_invalid")
    assert message in reply.json["message"]


def test_methods_of_documents_are_unknown_to_other_listings(admin: ApiClient) -> None:
    values: list[Any] = ["name"]
    for method in ("exists", "having", "join", "relationship", "vectorDot"):
        reply = admin.get("/databases", {"queries": [query(method, "name", *values)]})
        assert (reply.status, reply.error) == (400, "general_argument_invalid"), method
        assert f"Invalid query method: {method}" in reply.json["message"]
