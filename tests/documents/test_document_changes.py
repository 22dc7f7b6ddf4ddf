"""The change feed: whoever was away learns what changed in their sight, and nothing else."""

from typing import Any

import pytest
from django.db import connection, connections, transaction

from kernel import jobs
from kernel.caller import ProjectContext
from kernel.models import OutboxEvent
from tests.client import ApiClient
from tests.conftest import ClientFor, Person
from tests.documents.blog import DOCUMENTS, ROWS, Words, both_vocabularies, make_collection
from tests.documents.conftest import MakeKey
from tests.documents.test_document_races import at_once
from tests.documents.transactions import begin

# Snapshots show what other transactions committed, so that each write needs its own.
pytestmark = [pytest.mark.db, pytest.mark.django_db(transaction=True)]

CHANGES = f"{DOCUMENTS}/changes"
ALICE, BOB = 'read("user:alice")', 'read("user:bob")'


@pytest.fixture
def key(
    transactional_db: None, project: ProjectContext, client_for: ClientFor, make_key: MakeKey
) -> ApiClient:
    make_collection(project, document_security=True)
    return client_for(project, key=make_key(project, ["documents.read", "documents.write"]))


@pytest.fixture
def alice_client(
    key: ApiClient, project: ProjectContext, alice: Person, client_for: ClientFor
) -> ApiClient:
    return client_for(project, session=alice.session)


def create(key: ApiClient, uid: str, *permissions: str, **data: Any) -> None:
    body = {"documentId": uid, "data": {"title": uid, **data}, "permissions": list(permissions)}
    assert key.post(DOCUMENTS, body).status == 201


def cursor_of(client: ApiClient, path: str = CHANGES) -> str:
    reply = client.get(path)
    assert (reply.status, reply.json["changes"], reply.json["hasMore"]) == (200, [], False)
    cursor: str = reply.json["cursor"]
    return cursor


def told(client: ApiClient, cursor: str, **query: Any) -> tuple[list[tuple[str, str]], str]:
    """Return the changes of one page as (type, id), and the next cursor."""
    reply = client.get(CHANGES, {"since": cursor, **query})
    assert reply.status == 200, reply.json
    changes = [(each["type"], each["documentId"]) for each in reply.json["changes"]]
    return changes, reply.json["cursor"]


@both_vocabularies
def test_creates_updates_and_deletes_are_told_in_order(key: ApiClient, words: Words):
    path = f"{words.path}/changes"
    create(key, "kept")
    create(key, "gone")
    cursor = cursor_of(key, path)
    create(key, "new", likes=1)
    key.patch(f"{ROWS}/kept", {"data": {"likes": 2}})
    key.delete(f"{DOCUMENTS}/gone")

    reply = key.get(path, {"since": cursor})

    id_key = f"{words.noun}Id"
    assert [(each["type"], each[id_key]) for each in reply.json["changes"]] == [
        ("create", "new"),
        ("update", "kept"),
        ("delete", "gone"),
    ]
    new, kept, gone = (each[words.noun] for each in reply.json["changes"])
    assert new == key.get(f"{words.path}/new").json
    assert kept == key.get(f"{words.path}/kept").json
    assert gone is None
    assert (reply.json["total"], reply.json["hasMore"]) == (3, False)
    assert key.get(path, {"since": reply.json["cursor"]}).json["changes"] == []


def test_pages_follow_one_another_without_a_gap(key: ApiClient):
    cursor = cursor_of(key)
    for number in range(7):
        create(key, f"p{number}")
    seen: list[str] = []
    has_more = True
    while has_more:
        reply = key.get(CHANGES, {"since": cursor, "limit": 3}).json
        seen += [each["documentId"] for each in reply["changes"]]
        cursor, has_more = reply["cursor"], reply["hasMore"]
    assert seen == [f"p{number}" for number in range(7)]


def test_a_change_made_between_two_pages_is_told(key: ApiClient):
    cursor = cursor_of(key)
    create(key, "a")
    create(key, "b")
    first, cursor = told(key, cursor, limit=1)
    key.patch(f"{DOCUMENTS}/a", {"data": {"likes": 5}})
    second, cursor = told(key, cursor, limit=5)
    third, _ = told(key, cursor)
    assert first == [("create", "a")]
    assert second == [("create", "b")]
    assert third == [("update", "a")]


def test_many_changes_of_one_document_are_told_once_as_it_is_now(key: ApiClient):
    cursor = cursor_of(key)
    create(key, "p")
    for likes in range(4):
        key.patch(f"{DOCUMENTS}/p", {"data": {"likes": likes}})
    reply = key.get(CHANGES, {"since": cursor}).json
    assert [(each["type"], each["document"]["likes"]) for each in reply["changes"]] == [
        ("create", 3)
    ]


def test_what_came_and_went_meanwhile_is_not_told(key: ApiClient):
    cursor = cursor_of(key)
    create(key, "p")
    key.delete(f"{DOCUMENTS}/p")
    assert told(key, cursor)[0] == []


def test_a_document_made_anew_is_told_as_an_update(key: ApiClient):
    create(key, "p", likes=1)
    cursor = cursor_of(key)
    key.delete(f"{DOCUMENTS}/p")
    create(key, "p", likes=2)
    reply = key.get(CHANGES, {"since": cursor}).json
    assert [(each["type"], each["document"]["likes"]) for each in reply["changes"]] == [
        ("update", 2)
    ]


def test_upserts_and_bulk_writes_are_told(key: ApiClient):
    create(key, "old")
    cursor = cursor_of(key)
    key.put(f"{DOCUMENTS}/old", {"data": {"likes": 1}})
    key.put(f"{DOCUMENTS}/new", {"data": {"title": "n"}})
    key.post(DOCUMENTS, {"documents": [{"$id": "x.y", "title": "x"}, {"$id": "z", "title": "z"}]})
    key.delete(DOCUMENTS, {"queries": ['{"method":"equal","attribute":"$id","values":["z"]}']})
    assert told(key, cursor)[0] == [("update", "old"), ("create", "new"), ("create", "x.y")]


def test_what_is_staged_is_told_once_it_is_committed(key: ApiClient):
    create(key, "old")
    cursor = cursor_of(key)
    staging = begin(key)
    staging.post(DOCUMENTS, documentId="new", data={"title": "n"})
    staging.patch(f"{DOCUMENTS}/old", data={"likes": 1})
    before, cursor = told(key, cursor)
    assert staging.commit().status == 200
    assert before == []
    assert sorted(told(key, cursor)[0]) == [("create", "new"), ("update", "old")]


def test_imported_documents_are_told(key: ApiClient):
    cursor = cursor_of(key)
    path = DOCUMENTS.removesuffix("/documents")
    assert key.call("POST", f"{path}/import", b'{"$id": "a", "title": "A"}\n').status == 200
    assert told(key, cursor)[0] == [("create", "a")]


def test_no_change_is_passed_over_when_an_older_transaction_commits_late(key: ApiClient):
    create(key, "slow")
    create(key, "quick")
    cursor = cursor_of(key)
    late = connections.create_connection("default")
    try:
        late.set_autocommit(False)
        with late.cursor() as held:  # it begins first, and commits last
            held.execute(
                "INSERT INTO outbox (project_id, name, payload, roles) SELECT project_id,"
                " replace(name, 'quick.create', 'slow.update'), payload, roles FROM outbox"
                " WHERE name LIKE '%quick.create'"
            )
        key.patch(f"{DOCUMENTS}/quick", {"data": {"likes": 1}})
        first, cursor = told(key, cursor)
        nothing, cursor = told(key, cursor)
        late.commit()
    finally:
        late.close()
    second, cursor = told(key, cursor)
    assert first == [("update", "quick")]  # an open transaction holds nobody up, either
    assert nothing == []
    assert second == [("update", "slow")]
    assert told(key, cursor)[0] == []


@pytest.mark.slow
def test_readers_beside_writers_learn_of_every_change(key: ApiClient):
    cursor = cursor_of(key)
    seen: list[str] = []

    def write(name: str) -> None:
        for number in range(20):
            with transaction.atomic():  # the order of commits is not that of the numbers
                create(key, f"{name}{number}")

    def follow() -> None:
        nonlocal cursor
        while len(seen) < 60:
            changes, cursor = told(key, cursor, limit=4)
            seen.extend(uid for _, uid in changes)

    at_once(follow, *[lambda name=name: write(name) for name in "abc"])
    assert sorted(seen) == sorted(f"{name}{number}" for name in "abc" for number in range(20))


# Permissions


def test_users_are_told_of_documents_in_their_sight_only(key: ApiClient, alice_client: ApiClient):
    cursor = cursor_of(alice_client)
    create(key, "mine", ALICE)
    create(key, "theirs", BOB)
    key.patch(f"{DOCUMENTS}/theirs", {"data": {"likes": 1}})
    key.delete(f"{DOCUMENTS}/theirs")
    assert told(alice_client, cursor)[0] == [("create", "mine")]


def test_a_document_that_leaves_the_sight_is_told_as_deleted(
    key: ApiClient, alice_client: ApiClient
):
    create(key, "p", ALICE, content="secret")
    cursor = cursor_of(alice_client)
    key.patch(f"{DOCUMENTS}/p", {"data": {"content": "more secret"}})
    key.patch(f"{DOCUMENTS}/p", {"permissions": [BOB]})
    reply = alice_client.get(CHANGES, {"since": cursor})
    assert [(each["type"], each["document"]) for each in reply.json["changes"]] == [
        ("delete", None)
    ]
    assert b"secret" not in reply.content
    key.patch(f"{DOCUMENTS}/p", {"data": {"likes": 1}})
    assert told(alice_client, reply.json["cursor"])[0] == []


def test_a_document_that_comes_in_sight_is_told_as_created(key: ApiClient, alice_client: ApiClient):
    create(key, "p", BOB)
    cursor = cursor_of(alice_client)
    key.patch(f"{DOCUMENTS}/p", {"permissions": [BOB, ALICE]})
    first, cursor = told(alice_client, cursor)
    key.patch(f"{DOCUMENTS}/p", {"data": {"likes": 1}})
    assert first == [("create", "p")]
    assert told(alice_client, cursor)[0] == [("update", "p")]


def test_the_deletion_of_a_document_in_sight_is_told(key: ApiClient, alice_client: ApiClient):
    create(key, "p", ALICE)
    create(key, "q", BOB)
    cursor = cursor_of(alice_client)
    key.delete(DOCUMENTS, {"queries": []})
    assert told(alice_client, cursor)[0] == [("delete", "p")]


def test_new_roles_ask_for_the_list_anew(
    key: ApiClient,
    alice_client: ApiClient,
    project: ProjectContext,
    client_for: ClientFor,
    make_key: MakeKey,
):
    create(key, "p", 'read("label:vip")')
    cursor = cursor_of(alice_client)
    users = client_for(project, key=make_key(project, ["users.write"]))
    assert users.put("/users/alice/labels", {"labels": ["vip"]}).status == 200
    reply = alice_client.get(CHANGES, {"since": cursor})
    assert (reply.status, reply.error) == (410, "general_cursor_expired")
    assert told(alice_client, cursor_of(alice_client))[0] == []


def test_collections_that_grant_nothing_have_no_feed(
    key: ApiClient, project: ProjectContext, alice: Person, client_for: ClientFor
):
    make_collection(project, "closed")
    reply = client_for(project, session=alice.session).get(CHANGES.replace("posts", "closed"))
    assert (reply.status, reply.error) == (401, "user_unauthorized")


def test_readers_of_the_collection_are_told_of_everything(
    project: ProjectContext, transactional_db: None, client_for: ClientFor, make_key: MakeKey
):
    make_collection(project, permissions=['read("any")'])
    key = client_for(project, key=make_key(project, ["documents.read", "documents.write"]))
    guest = client_for(project)
    cursor = cursor_of(guest)
    create(key, "p")
    key.delete(f"{DOCUMENTS}/p")
    create(key, "q")
    assert told(guest, cursor)[0] == [("create", "q")]


# Cursors


def test_encrypted_values_are_told_opened(
    transactional_db: None, project: ProjectContext, client_for: ClientFor, make_key: MakeKey
):
    make_collection(project, attributes={"pin": {"type": "string", "size": 200, "encrypt": True}})
    key = client_for(project, key=make_key(project, ["documents.read", "documents.write"]))
    cursor = cursor_of(key)
    key.post(DOCUMENTS, {"documentId": "p", "data": {"pin": "1234"}})
    reply = key.get(CHANGES, {"since": cursor})
    assert reply.json["changes"][0]["document"]["pin"] == "1234"


def test_a_cursor_of_another_collection_is_refused(key: ApiClient, project: ProjectContext):
    make_collection(project, "notes")
    foreign = cursor_of(key, CHANGES.replace("posts", "notes"))
    reply = key.get(CHANGES, {"since": foreign})
    assert (reply.status, reply.error) == (400, "general_argument_invalid")


def test_a_cursor_of_another_project_is_refused(
    key: ApiClient, other_project: ProjectContext, client_for: ClientFor, make_key: MakeKey
):
    make_collection(other_project)
    other = client_for(other_project, key=make_key(other_project, ["documents.read"]))
    reply = key.get(CHANGES, {"since": cursor_of(other)})
    assert (reply.status, reply.error) == (400, "general_argument_invalid")


@pytest.mark.parametrize("since", ["x", "AAAA", "%", "é", "x" * 20_000, "e" * 40])
def test_texts_that_are_no_cursor_are_refused(key: ApiClient, since: str):
    reply = key.get(CHANGES, {"since": since})
    assert (reply.status, reply.error) == (400, "general_argument_invalid")


@pytest.mark.parametrize("limit", [0, 1001, "many"])
def test_limits_are_checked(key: ApiClient, limit: Any):
    assert key.get(CHANGES, {"limit": limit}).error == "general_argument_invalid"


def test_a_cursor_past_the_retention_is_told_so(
    key: ApiClient, settings: Any, monkeypatch: pytest.MonkeyPatch
):
    cursor = cursor_of(key)
    settings.CHANGES_RETENTION_SECONDS = -1
    reply = key.get(CHANGES, {"since": cursor})
    assert (reply.status, reply.error) == (410, "general_cursor_expired")


def test_a_longer_retention_brings_no_old_cursor_back(key: ApiClient, settings: Any):
    settings.CHANGES_RETENTION_SECONDS = -1
    cursor = cursor_of(key)
    settings.CHANGES_RETENTION_SECONDS = 1000
    assert key.get(CHANGES, {"since": cursor}).error == "general_cursor_expired"


def test_a_cursor_of_a_collection_made_anew_asks_for_the_list(
    key: ApiClient, project: ProjectContext, client_for: ClientFor, make_key: MakeKey
):
    cursor = cursor_of(key)
    schema_key = client_for(project, key=make_key(project, ["collections.write"]))
    assert schema_key.delete("/databases/main/collections/posts").status == 204
    make_collection(project, document_security=True)
    assert key.get(CHANGES, {"since": cursor}).error == "general_cursor_expired"


def test_events_are_swept_past_the_retention(key: ApiClient, settings: Any):
    settings.CHANGES_RETENTION_SECONDS = 3600
    create(key, "old")
    create(key, "new")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE outbox SET created_at = now() - interval '3 hours' WHERE name LIKE '%old%'"
        )
    jobs.sweep()
    names = OutboxEvent.objects.values_list("name", flat=True)
    assert [name.split(".")[5] for name in names if ".documents." in name] == ["new"]


def test_a_page_costs_two_statements_after_who_asks(key: ApiClient, statements: Any):
    cursor = cursor_of(key)
    for number in range(10):
        create(key, f"p{number}")
    key.get(CHANGES, {"since": cursor})
    with statements() as few:
        key.get(CHANGES, {"since": cursor, "limit": 1})
    with statements() as many:
        key.get(CHANGES, {"since": cursor, "limit": 10})
    assert len(few) == len(many) <= 3


def test_documents_called_changes_can_be_written(key: ApiClient):
    create(key, "changes")
    assert key.patch(CHANGES, {"data": {"likes": 3}}).json["likes"] == 3
    assert key.delete(CHANGES).status == 204
