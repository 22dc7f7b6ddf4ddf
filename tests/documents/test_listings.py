"""Pages, totals, orders and cursors of listings, and queries that are refused."""

import orjson
import pytest

from kernel import limits
from kernel.caller import ProjectContext
from tests.client import ApiClient
from tests.conftest import ClientFor, Person
from tests.documents.blog import (
    DOCUMENTS,
    ids,
    listed,
    make_collection,
    put,
    query,
)
from tests.documents.conftest import MakeKey

pytestmark = pytest.mark.db


@pytest.fixture
def key(project: ProjectContext, client_for: ClientFor, make_key: MakeKey) -> ApiClient:
    return client_for(project, key=make_key(project, ["documents.read"]))


def test_page_and_total(project: ProjectContext, key: ApiClient) -> None:
    make_collection(project)
    for number in range(30):
        put(project, f"n{number:02}", likes=number)

    first = listed(key)
    assert ids(first) == [f"n{number:02}" for number in range(25)]
    assert first.json["total"] == 30
    assert ids(listed(key, query("offset", "", 25))) == [f"n{number}" for number in range(25, 30)]
    beyond = listed(key, query("offset", "", 100))
    assert (beyond.json["documents"], beyond.json["total"]) == ([], 30)
    few = listed(key, query("lessThan", "likes", 5), query("limit", "", 2), query("offset", "", 4))
    assert (ids(few), few.json["total"]) == (["n04"], 5)
    uncounted = listed(key, query("limit", "", 1), total=False)
    assert (ids(uncounted), uncounted.json["total"]) == (["n00"], 0)
    after = listed(key, query("cursorAfter", "", "n27"), query("limit", "", 5))
    assert (ids(after), after.json["total"]) == (["n28", "n29"], 30)
    before = listed(key, query("cursorBefore", "", "n10"), query("limit", "", 2))
    assert ids(before) == ["n08", "n09"]


def test_total_is_capped(
    project: ProjectContext, key: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert limits.MAX_TOTAL == 5000
    monkeypatch.setattr("documents.store.listings.MAX_TOTAL", 3)
    make_collection(project)
    for number in range(5):
        put(project, f"n{number}")

    assert listed(key).json["total"] == 3
    assert listed(key, query("limit", "", 2)).json["total"] == 3
    assert listed(key, query("limit", "", 2), query("offset", "", 4)).json["total"] == 3


def test_random_order_shows_everything(project: ProjectContext, key: ApiClient) -> None:
    make_collection(project)
    for number in range(8):
        put(project, f"n{number}")

    orders = {tuple(ids(listed(key, query("orderRandom")))) for _ in range(8)}

    assert {frozenset(order) for order in orders} == {frozenset(f"n{n}" for n in range(8))}
    assert len(orders) > 1
    refused = listed(key, query("orderRandom"), query("cursorAfter", "", "n1"))
    assert (refused.status, refused.error) == (400, "general_query_invalid")


def test_cursor_must_be_a_document_the_caller_sees(
    project: ProjectContext, alice: Person, key: ApiClient, client_for: ClientFor
) -> None:
    make_collection(project, document_security=True)
    put(project, "hidden", likes=1)
    put(project, "shown", 'read("users")', likes=2)
    client = client_for(project, session=alice.session)

    for uid in ("hidden", "nothing", "a b", "x" * 3000):
        reply = listed(client, query("cursorAfter", "", uid))
        assert (reply.status, reply.error) == (400, "general_cursor_not_found")
    assert ids(listed(key, query("cursorAfter", "", "hidden"))) == ["shown"]


def test_cursor_needs_a_value_to_order_by(project: ProjectContext, key: ApiClient) -> None:
    make_collection(project)
    put(project, "p")

    reply = listed(key, query("orderAsc", "likes"), query("cursorAfter", "", "p"))

    assert (reply.status, reply.error) == (400, "database_query_order_null")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (query("equal", "nothing", 1), "Invalid query: Attribute not found in schema: nothing"),
        (query("orderAsc", "nothing"), "Invalid query: Attribute not found in schema: nothing"),
        (query("select", "", "no"), "Invalid query: Attribute not found in schema: no"),
        (query("equal", "$permissions", "x"), "Attribute not found in schema: $permissions"),
        (query("equal", "likes", "x"), 'Query value is invalid for attribute "likes"'),
        (query("equal", "title", 1), 'Query value is invalid for attribute "title"'),
        (query("equal", "pinned", "true"), 'Query value is invalid for attribute "pinned"'),
        (query("equal", "published", "no"), 'Query value is invalid for attribute "published"'),
        (query("equal", "$createdAt", "no"), 'Query value is invalid for attribute "$createdAt"'),
        (query("equal", "$sequence", "x"), 'Query value is invalid for attribute "$sequence"'),
        (query("equal", "title", "\x00"), "Text must not hold a NUL character"),
        (query("equal", "likes", 2**63), 'Query value is invalid for attribute "likes"'),
        (query("equal", "tags", "a"), 'Cannot query equal on attribute "tags"'),
        (query("contains", "likes", 1), "it is not an array or a string"),
        (query("containsAll", "title", "a"), "it is not an array"),
        (query("startsWith", "likes", 1), "it is not a string"),
        (query("orderDesc", "tags"), "because it is an array"),
        (query("search", "title", "x"), "Invalid query"),
        (query("regex", "title", "("), "parentheses () not balanced"),
        (query("regex", "title", "(x{0,255}){0,255}"), "regular expression is too complex"),
        (query("regex", "title", r"(a*)\1"), "refers back to a group"),
        (query("regex", "title", "a" * 513), "longer than 512 characters"),
        (query("regex", "likes", "1"), "it is not a string"),
        (query("regex", "tags", "1"), "it is an array"),
        (query("regex", "title", 1), 'Query value is invalid for attribute "title"'),
        (query("limit", "", 0), "Invalid limit"),
        (query("limit", "", -1), "Invalid limit"),
        (query("offset", "", -1), "Invalid offset"),
        ('{"method":"equal","attribute":"title"}', "Invalid query"),
        ("[]", "Invalid query"),
        ("{", "Invalid query: Syntax error"),
        ("\\", "Invalid query: Syntax error"),
        (query("and", "", orjson.loads(query("isNull", "title"))), "at least two queries"),
    ],
)
def test_bad_queries_are_refused(
    project: ProjectContext, key: ApiClient, text: str, message: str
) -> None:
    make_collection(project)

    reply = listed(key, text)

    assert (reply.status, reply.error) == (400, "general_query_invalid")
    assert message in reply.json["message"]


def test_get_takes_only_select(project: ProjectContext, key: ApiClient) -> None:
    make_collection(project)
    put(project, "p")

    for text in (query("equal", "title", "p"), query("limit", "", 1), query("select", "", "no")):
        reply = key.get(f"{DOCUMENTS}/p", {"queries": [text]})
        assert (reply.status, reply.error) == (400, "general_query_invalid")


def test_five_hundred_values_are_the_most(project: ProjectContext, key: ApiClient) -> None:
    make_collection(project)
    put(project, "p", likes=1)

    assert ids(listed(key, query("equal", "likes", *range(500)))) == ["p"]
    reply = listed(key, query("equal", "likes", *range(501)))
    assert reply.json["message"] == (
        "Invalid query: Query on attribute has greater than 500 values: likes"
    )
