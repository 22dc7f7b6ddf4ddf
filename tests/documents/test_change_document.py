"""Updates and upserts: what they merge, whom they need, what they answer and publish."""

from typing import Any

import pytest

from documents.models import Document, DocumentGroupObjectPermission
from kernel.caller import ProjectContext
from tests.client import ApiClient, Reply
from tests.conftest import ClientFor, Events, Person
from tests.documents.blog import DOCUMENTS, Words, both_vocabularies, make_collection
from tests.documents.conftest import MakeKey

pytestmark = pytest.mark.db

DRAFT = {"title": "Draft", "likes": 1, "tags": ["a"]}


@pytest.fixture
def key(project: ProjectContext, client_for: ClientFor, make_key: MakeKey) -> ApiClient:
    return client_for(project, key=make_key(project, ["documents.read", "documents.write"]))


def put_draft(client: ApiClient, *permissions: str, uid: str = "p") -> Reply:
    body = {"documentId": uid, "data": DRAFT, "permissions": list(permissions)}
    reply = client.post(DOCUMENTS, body)
    assert reply.status == 201, reply.json
    return reply


def stored() -> Document:
    return Document.objects.get(uid="p")


@both_vocabularies
def test_update_merges_values(
    project: ProjectContext, key: ApiClient, events: Events, words: Words
) -> None:
    make_collection(project, permissions=['read("users")'], document_security=True)
    before = put_draft(key, 'read("user:x")').json
    events.clear()

    reply = key.patch(f"{words.path}/p", {"data": {"likes": 2, "tags": None, "content": "C"}})

    assert reply.status == 200
    assert reply.json["$updatedAt"] > before["$updatedAt"]
    assert {name: reply.json[name] for name in before if name[0] != "$"} == {
        name: before[name] for name in before if name[0] != "$"
    } | {"likes": 2, "tags": [], "content": "C"}
    assert stored().data == {"title": "Draft", "likes": 2, "content": "C", "pinned": False}
    assert events.names() == [words.event("p", "update")]
    (event,) = events.all()
    assert event.payload == reply.json
    assert event.roles == ["users", "user:x"]


def test_update_replaces_permissions_alone(project: ProjectContext, key: ApiClient) -> None:
    make_collection(project, document_security=True)
    put_draft(key, 'read("any")', 'update("users")')

    reply = key.patch(f"{DOCUMENTS}/p", {"permissions": ['delete("users")', 'read("users")']})

    assert reply.json["$permissions"] == ['delete("users")', 'read("users")']
    assert stored().read_roles == ["users"]
    assert stored().data["title"] == "Draft"
    rows = DocumentGroupObjectPermission.objects.order_by("id")
    assert [row.permission.codename for row in rows] == ["delete_document", "read_document"]
    emptied = key.patch(f"{DOCUMENTS}/p", {"permissions": []})
    assert emptied.json["$permissions"] == []
    assert not DocumentGroupObjectPermission.objects.exists()


def test_update_without_permissions_keeps_them(project: ProjectContext, key: ApiClient) -> None:
    make_collection(project)
    put_draft(key, 'read("any")')

    for body in ({"data": {"likes": 5}}, {"data": {"likes": 6}, "permissions": None}):
        assert key.patch(f"{DOCUMENTS}/p", body).json["$permissions"] == ['read("any")']


@both_vocabularies
@pytest.mark.parametrize("body", [None, {}, {"data": {}}, {"data": None, "permissions": None}])
def test_update_needs_something_to_do(
    project: ProjectContext, key: ApiClient, words: Words, body: Any
) -> None:
    make_collection(project)
    put_draft(key)

    for method in ("PATCH", "PUT"):
        reply = key.call(method, f"{words.path}/p", body)
        assert (reply.status, reply.error) == (400, f"{words.noun}_missing_payload")


@both_vocabularies
def test_absent_document_cannot_be_updated(
    project: ProjectContext, key: ApiClient, words: Words
) -> None:
    make_collection(project)

    reply = key.patch(f"{words.path}/p", {"data": {"likes": 2}})

    assert (reply.status, reply.error) == (404, f"{words.noun}_not_found")


@both_vocabularies
@pytest.mark.parametrize(
    "data", [{"title": None}, {"likes": "x"}, {"nothing": 1}, {"tags": "a"}, {"$nothing": 1}]
)
def test_update_must_fit_the_collection(
    project: ProjectContext, key: ApiClient, words: Words, data: dict[str, Any]
) -> None:
    make_collection(project)
    put_draft(key)

    reply = key.patch(f"{words.path}/p", {"data": data})

    assert (reply.status, reply.error) == (400, f"{words.noun}_invalid_structure")
    assert stored().data == {**DRAFT, "pinned": False}


@pytest.mark.parametrize(
    ("collection", "item", "is_secured", "status"),
    [
        (['update("users")'], [], False, 200),
        ([], ['update("user:alice")'], True, 200),
        ([], ['update("user:alice")'], False, 401),
        (['read("any")'], ['read("any")'], True, 401),
        (['delete("any")', 'create("any")'], ['delete("any")'], True, 401),
        ([], ['update("user:bob")'], True, 401),
    ],
)
def test_user_updates_what_is_granted(
    project: ProjectContext,
    key: ApiClient,
    alice: Person,
    client_for: ClientFor,
    events: Events,
    collection: list[str],
    item: list[str],
    *,
    is_secured: bool,
    status: int,
) -> None:
    make_collection(project, permissions=collection, document_security=is_secured)
    put_draft(key, *item)
    events.clear()
    client = client_for(project, session=alice.session)

    reply = client.patch(f"{DOCUMENTS}/p", {"data": {"likes": 2}})

    assert reply.status == status
    assert stored().data["likes"] == (2 if status == 200 else 1)
    assert len(events.names()) == (1 if status == 200 else 0)


def test_update_without_effect_is_a_read(
    project: ProjectContext,
    key: ApiClient,
    alice: Person,
    bob: Person,
    client_for: ClientFor,
    events: Events,
) -> None:
    make_collection(project, document_security=True)
    before = put_draft(key, 'read("user:alice")', 'update("user:bob")').json
    events.clear()
    same = {"data": {"likes": 1, "content": None}, "permissions": None}

    reader = client_for(project, session=alice.session).patch(f"{DOCUMENTS}/p", same)
    updater = client_for(project, session=bob.session).patch(f"{DOCUMENTS}/p", same)

    assert (reader.status, reader.json) == (200, before)
    assert (updater.status, updater.error) == (401, "user_unauthorized")
    assert events.names() == []


def test_user_grants_only_roles_they_hold(
    project: ProjectContext, key: ApiClient, alice: Person, client_for: ClientFor
) -> None:
    make_collection(project, permissions=['update("users")'], document_security=True)
    put_draft(key)
    client = client_for(project, session=alice.session)

    refused = client.patch(f"{DOCUMENTS}/p", {"permissions": ['read("user:bob")']})
    accepted = client.patch(f"{DOCUMENTS}/p", {"permissions": ['read("users")']})

    assert (refused.status, refused.error) == (401, "user_unauthorized")
    assert refused.json["message"].startswith("Permissions must be one of:")
    assert (accepted.status, accepted.json["$permissions"]) == (200, ['read("users")'])


def test_user_cannot_change_what_the_server_sets(
    project: ProjectContext, key: ApiClient, alice: Person, client_for: ClientFor
) -> None:
    make_collection(project, permissions=['update("users")'])
    before = put_draft(key).json
    forged = {
        "$id": "other",
        "$sequence": "77",
        "$createdAt": "2001-01-01T00:00:00.000+00:00",
        "$updatedAt": "2001-01-01T00:00:00.000+00:00",
        "$permissions": ['read("any")'],
        "$databaseId": "x",
        "$collectionId": "x",
    }
    client = client_for(project, session=alice.session)

    reply = client.patch(f"{DOCUMENTS}/p", {"data": {"likes": 2, **forged}})

    assert reply.status == 200
    kept = {name: before[name] for name in forged if name != "$updatedAt"}
    assert {name: reply.json[name] for name in kept} == kept
    assert reply.json["$updatedAt"] > before["$updatedAt"]


def test_key_may_set_the_times(project: ProjectContext, key: ApiClient) -> None:
    make_collection(project)
    put_draft(key)

    data = {"$createdAt": "2001-01-01T00:00:00Z", "$updatedAt": "2002-01-01T00:00:00Z"}
    reply = key.patch(f"{DOCUMENTS}/p", {"data": data})

    assert reply.json["$createdAt"] == "2001-01-01T00:00:00.000+00:00"
    assert reply.json["$updatedAt"] == "2002-01-01T00:00:00.000+00:00"


@both_vocabularies
@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
def test_write_based_on_an_old_state_conflicts(
    project: ProjectContext, key: ApiClient, events: Events, words: Words, method: str
) -> None:
    make_collection(project)
    before = put_draft(key).json
    seen = key.patch(f"{words.path}/p", {"data": {"likes": 2}}).json
    body = None if method == "DELETE" else {"data": {"likes": 3}}
    events.clear()

    def attempt(moment: str) -> Reply:
        header = {"X_Appwrite_Timestamp": moment}
        return key.call(method, f"{words.path}/p", body, headers=header)

    old, malformed, current = (
        attempt(moment) for moment in (before["$updatedAt"], "noon", seen["$updatedAt"])
    )

    assert (old.status, old.error) == (409, f"{words.noun}_update_conflict")
    assert (malformed.status, malformed.error) == (400, "general_argument_invalid")
    assert current.status == (204 if method == "DELETE" else 200)
    assert len(events.names()) == 1


@both_vocabularies
def test_upsert_creates_and_then_changes(
    project: ProjectContext,
    alice: Person,
    client_for: ClientFor,
    events: Events,
    words: Words,
) -> None:
    make_collection(project, permissions=['create("users")'], document_security=True)
    client = client_for(project, session=alice.session)
    events.clear()

    made = client.put(f"{words.path}/p", {"data": {"title": "One", "likes": 1}})
    changed = client.put(f"{words.path}/p", {"data": {"likes": 2}})

    assert (made.status, changed.status) == (200, 200)
    assert made.json["$permissions"] == [
        f'{action}("user:alice")' for action in ("read", "update", "delete")
    ]
    assert changed.json == {
        **made.json,
        "likes": 2,
        "$updatedAt": changed.json["$updatedAt"],
    }
    assert events.names() == [words.event("p", "upsert")] * 2
    assert events.payloads() == [made.json, changed.json]


def test_upsert_needs_the_right_grant_for_what_it_does(
    project: ProjectContext, key: ApiClient, alice: Person, client_for: ClientFor
) -> None:
    make_collection(project, permissions=['create("users")'], document_security=True)
    put_draft(key, 'read("users")', uid="theirs")
    client = client_for(project, session=alice.session)

    foreign = client.put(f"{DOCUMENTS}/theirs", {"data": {"likes": 9}})
    incomplete = client.put(f"{DOCUMENTS}/new", {"data": {"likes": 9}})

    assert (foreign.status, foreign.error) == (401, "user_unauthorized")
    assert (incomplete.status, incomplete.error) == (400, "document_invalid_structure")
    assert Document.objects.get().data["likes"] == 1
