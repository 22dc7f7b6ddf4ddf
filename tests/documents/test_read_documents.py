"""Getting and listing documents: who sees what, select, paging, totals, and refused queries."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from guardian.shortcuts import assign_perm, remove_perm

from accounts.models import User
from documents.models import Collection, Document
from documents.services import create_document, update_collection, update_database
from documents.vocabulary import COLLECTIONS
from kernel import limits
from kernel.caller import ProjectContext
from tests.client import ApiClient, Reply
from tests.conftest import ClientFor, Person
from tests.documents.blog import (
    DATABASE,
    DOCUMENTS,
    Words,
    both_vocabularies,
    ids,
    make_collection,
    operator,
    query,
)
from tests.documents.conftest import MakeKey

pytestmark = pytest.mark.db

COLLECTION = DOCUMENTS.removesuffix("/documents")
SYSTEM_KEYS = {
    "$id",
    "$sequence",
    "$databaseId",
    "$collectionId",
    "$createdAt",
    "$updatedAt",
    "$permissions",
}


@pytest.fixture
def key(project: ProjectContext, client_for: ClientFor, make_key: MakeKey) -> ApiClient:
    return client_for(project, key=make_key(project, ["documents.read"]))


def put(project: ProjectContext, uid: str, *permissions: str, **data: Any) -> dict[str, Any]:
    return create_document(
        caller=operator(project),
        names=COLLECTIONS,
        database_id=DATABASE,
        collection_id="posts",
        document_id=uid,
        data={"title": uid, **data},
        permissions=list(permissions),
    )


def listed(client: ApiClient, *queries: str, path: str = DOCUMENTS, **more: Any) -> Reply:
    return client.get(path, {"queries": list(queries), **more})


# Who sees what


@both_vocabularies
def test_key_reads_everything(project: ProjectContext, key: ApiClient, words: Words) -> None:
    make_collection(project)
    put(project, "one")
    put(project, "two", 'read("user:x")')

    reply = key.get(words.path)

    assert reply.status == 200
    assert reply.json["total"] == 2
    assert ids(reply, words.nouns) == ["one", "two"]
    assert reply.json[words.nouns][1] == key.get(f"{words.path}/two").json
    assert reply.json[words.nouns][0][words.collection_key] == "posts"


@both_vocabularies
def test_outsider_cannot_read_private_document(
    project: ProjectContext, alice: Person, bob: Person, client_for: ClientFor, words: Words
) -> None:
    make_collection(project, document_security=True)
    put(project, "hers", 'read("user:alice")')
    put(project, "public", 'read("any")')
    put(project, "hidden")

    def seen(client: ApiClient) -> tuple[list[str], int, int]:
        reply = client.get(words.path)
        return ids(reply, words.nouns), reply.json["total"], client.get(f"{words.path}/hers").status

    assert seen(client_for(project, session=alice.session)) == (["hers", "public"], 2, 200)
    assert seen(client_for(project, session=bob.session)) == (["public"], 1, 404)
    assert seen(client_for(project)) == (["public"], 1, 404)


def test_item_grants_do_not_count_without_document_security(
    project: ProjectContext, alice: Person, client_for: ClientFor
) -> None:
    make_collection(project)
    put(project, "p", 'read("any")')
    client = client_for(project, session=alice.session)

    reply = client.get(DOCUMENTS)
    assert (reply.status, reply.error) == (401, "user_unauthorized")
    assert client.get(f"{DOCUMENTS}/p").error == "document_not_found"


@pytest.mark.parametrize("roles", [["label:vip"], ["users/unverified"], ["user:alice/unverified"]])
def test_every_kind_of_role_counts(
    project: ProjectContext, alice: Person, client_for: ClientFor, roles: list[str]
) -> None:
    make_collection(project, document_security=True)
    User.objects.filter(uid="alice").update(labels=["vip"])
    put(project, "p", *(f'read("{role}")' for role in roles))

    assert client_for(project, session=alice.session).get(f"{DOCUMENTS}/p").status == 200
    assert client_for(project).get(f"{DOCUMENTS}/p").status == 404


def test_grant_made_with_guardian_shows_at_once(
    project: ProjectContext, alice: Person, client_for: ClientFor
) -> None:
    make_collection(project, document_security=True)
    put(project, "p", 'read("user:bob")')
    client = client_for(project, session=alice.session)
    assert client.get(f"{DOCUMENTS}/p").status == 404
    person, row = User.objects.get(uid="alice"), Document.objects.get(uid="p")

    assign_perm("documents.read_document", person, row)
    reply = client.get(f"{DOCUMENTS}/p")
    assert reply.json["$permissions"] == ['read("user:bob")', 'read("user:alice")']
    assert ids(client.get(DOCUMENTS)) == ["p"]

    remove_perm("documents.read_document", person, row)
    assert client.get(f"{DOCUMENTS}/p").status == 404
    assert ids(client.get(DOCUMENTS)) == []


def test_grant_on_the_collection_shows_at_once(
    project: ProjectContext, alice: Person, client_for: ClientFor
) -> None:
    make_collection(project)
    put(project, "p")
    client = client_for(project, session=alice.session)
    assert client.get(DOCUMENTS).status == 401
    person, collection = User.objects.get(uid="alice"), Collection.objects.get(uid="posts")

    assign_perm("documents.read_collection", person, collection)
    assert ids(client.get(DOCUMENTS)) == ["p"]

    remove_perm("documents.read_collection", person, collection)
    assert client.get(DOCUMENTS).status == 401
    assert client.get(f"{DOCUMENTS}/p").status == 404


def change_collection(project: ProjectContext, **changes: Any) -> None:
    unchanged = {
        "name": None,
        "permissions": None,
        "document_security": False,
        "enabled": True,
        "description": None,
    }
    update_collection(
        caller=operator(project),
        names=COLLECTIONS,
        database_id=DATABASE,
        collection_id="posts",
        **{**unchanged, **changes},
    )


def test_switch_of_document_security_shows_at_once(
    project: ProjectContext, client_for: ClientFor
) -> None:
    make_collection(project, document_security=True)
    put(project, "p", 'read("any")')
    client = client_for(project)
    assert client.get(f"{DOCUMENTS}/p").status == 200

    change_collection(project, document_security=False)

    assert client.get(f"{DOCUMENTS}/p").status == 404
    assert client.get(DOCUMENTS).status == 401


@both_vocabularies
def test_disabled_containers_are_hidden_from_users_only(
    project: ProjectContext, key: ApiClient, client_for: ClientFor, words: Words
) -> None:
    make_collection(project, permissions=['read("any")'])
    put(project, "p")
    guest = client_for(project)
    assert guest.get(words.path).status == 200

    change_collection(project, enabled=False)
    assert guest.get(f"{words.path}/p").error == f"{words.collection_key[1:-2]}_not_found"
    assert guest.get(words.path).error == f"{words.collection_key[1:-2]}_not_found"
    assert ids(key.get(words.path), words.nouns) == ["p"]

    change_collection(project, enabled=True)
    assert guest.get(words.path).status == 200
    update_database(
        caller=operator(project), database_id=DATABASE, name=None, enabled=False, description=None
    )
    assert guest.get(f"{words.path}/p").error == "database_not_found"
    assert key.get(f"{words.path}/p").status == 200


# Queries


def test_select_keeps_the_system_attributes(project: ProjectContext, key: ApiClient) -> None:
    make_collection(project)
    put(project, "p", likes=3)

    for reply in (
        key.get(f"{DOCUMENTS}/p", {"queries": [query("select", "", "likes", "$id")]}).json,
        listed(key, query("select", "", "likes")).json["documents"][0],
    ):
        assert set(reply) == SYSTEM_KEYS | {"likes"}
        assert reply["likes"] == 3
    everything = listed(key, query("select", "", "*")).json["documents"][0]
    assert everything == key.get(f"{DOCUMENTS}/p").json


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


def test_text_is_matched_literally(project: ProjectContext, key: ApiClient) -> None:
    make_collection(project)
    for number, title in enumerate(["50%", "505", "a_b", "axb", "c\\d", "Case", "case"]):
        put(project, f"n{number}", title=title)

    assert ids(listed(key, query("contains", "title", "0%"))) == ["n0"]
    assert ids(listed(key, query("startsWith", "title", "a_"))) == ["n2"]
    assert ids(listed(key, query("endsWith", "title", "\\d"))) == ["n4"]
    assert ids(listed(key, query("equal", "title", "case"))) == ["n6"]
    first = listed(key, query("orderAsc", "title"), query("limit", "", 4))
    assert ids(first) == ["n0", "n1", "n5", "n2"]


# What changes while documents are there


def test_attribute_counts_once_it_is_available(
    project: ProjectContext,
    client_for: ClientFor,
    make_key: MakeKey,
    jobs: Callable[[], int],
) -> None:
    make_collection(project)
    scopes = ["documents.read", "documents.write", "collections.write", "attributes.write"]
    key = client_for(project, key=make_key(project, scopes))
    put(project, "old")
    attributes = f"{COLLECTION}/attributes"
    assert key.post(f"{attributes}/integer", {"key": "size", "required": False}).status == 202
    body = {"documentId": "new", "data": {"title": "T", "size": 4}}

    early = key.post(DOCUMENTS, body)
    jobs()
    late = key.post(DOCUMENTS, body)

    assert (early.status, early.error) == (400, "document_invalid_structure")
    assert (late.status, late.json["size"]) == (201, 4)
    assert key.get(f"{DOCUMENTS}/old").json["size"] is None
    assert ids(listed(key, query("equal", "size", 4))) == ["new"]

    assert key.delete(f"{attributes}/size").status == 204
    for _ in range(2):
        assert "size" not in key.get(f"{DOCUMENTS}/new").json
        assert listed(key, query("equal", "size", 4)).error == "general_query_invalid"
        jobs()


def test_deleted_collection_takes_its_documents_along(
    project: ProjectContext,
    client_for: ClientFor,
    make_key: MakeKey,
    jobs: Callable[[], int],
) -> None:
    make_collection(project)
    scopes = ["documents.read", "documents.write", "collections.write"]
    key = client_for(project, key=make_key(project, scopes))
    put(project, "p", 'read("any")')
    assert key.get(f"{DOCUMENTS}/p").status == 200

    assert key.delete(COLLECTION).status == 204
    for _ in range(2):
        assert key.get(f"{DOCUMENTS}/p").error == "collection_not_found"
        assert key.get(DOCUMENTS).error == "collection_not_found"
        change = key.patch(f"{DOCUMENTS}/p", {"data": {"likes": 2}})
        assert change.error == "collection_not_found"
        jobs()

    make_collection(project)
    assert key.get(f"{DOCUMENTS}/p").error == "document_not_found"
    assert key.get(DOCUMENTS).json["total"] == 0
