"""Many documents made or upserted in one write: all or none, by keys and the console alone."""

from datetime import UTC, datetime

import pytest

from documents.models import DocumentGroupObjectPermission
from kernel import limits
from tests.documents.blog import DOCUMENTS, ROWS, both_vocabularies, make_collection, query
from tests.documents.bulk import grants, increment, key, rows, stored
from tests.documents.test_document_races import at_once
from tests.reference import assert_model

__all__ = ["key"]  # a fixture

__all__ = ["key"]  # a fixture

pytestmark = pytest.mark.django_db

SECRET = {"type": "text", "encrypt": True}


# Creating


@both_vocabularies
def test_documents_are_created_together(key, events, words):
    sent = [*rows("a", "b"), {"title": "own id", "tags": ["x"], "$permissions": ['read("any")']}]

    reply = key.post(words.path, {words.nouns: sent})

    assert reply.status == 201, reply.json
    assert_model(f"{words.noun.title()}List", reply.json)
    made = reply.json[words.nouns]
    assert reply.json["total"] == 3
    assert [each["title"] for each in made] == ["A", "B", "own id"]
    assert [each["likes"] for each in made] == [1, 1, 1]
    assert [each["$permissions"] for each in made] == [[], [], ['read("any")']]
    for each in made:
        assert key.get(f"{words.path}/{each['$id']}").json == each
    assert events.names() == [words.event(each["$id"], "create") for each in made]
    assert events.payloads() == made
    assert grants() == 1


def test_each_made_document_has_its_own_grants_and_times(key, events):
    lists = [
        ['read("users")', 'update("user:a")'],
        [],
        ['update("user:a")', 'read("users")'],
        ['read("users")', 'update("user:a")'],
        ['read("user:b.c")', 'delete("team:t/o")'],
    ]
    sent = [
        {**row, "$permissions": each, "$createdAt": f"2020-01-0{number}T00:00:00.123+00:00"}
        for number, (row, each) in enumerate(
            zip(rows("z", "y.1", "x", "w", "v"), lists, strict=True), start=1
        )
    ]

    made = key.post(DOCUMENTS, {"documents": sent}).json["documents"]

    assert [each["$permissions"] for each in made] == lists
    assert [each["$createdAt"] for each in made] == [each["$createdAt"] for each in sent]
    assert [int(each["$sequence"]) for each in made] == sorted(int(x["$sequence"]) for x in made)
    for each in made:
        assert key.get(f"{DOCUMENTS}/{each['$id']}").json == each
        granted = DocumentGroupObjectPermission.objects.filter(content_object=each["$sequence"])
        assert [
            f'{grant.permission.name}("{grant.group.name.partition(":")[2]}")'
            for grant in granted.order_by("id")
        ] == each["$permissions"]
    assert [each["$id"] for each in events.payloads()] == ["z", "y.1", "x", "w", "v"]


def test_made_documents_are_readable_by_whom_they_say(key, client_for, project, alice):
    by_alice = client_for(project, session=alice.session)
    mine = rows("mine", **{"$permissions": ['read("user:alice")', 'update("user:alice")']})

    key.post(DOCUMENTS, {"documents": [*mine, *rows("other")]})

    assert [each["$id"] for each in by_alice.get(DOCUMENTS).json["documents"]] == ["mine"]
    assert by_alice.patch(f"{DOCUMENTS}/mine", {"data": {"likes": 3}}).status == 200
    assert by_alice.patch(f"{DOCUMENTS}/other", {"data": {"likes": 3}}).status == 401


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        ([], "document_missing_data"),
        ([{"$id": "a", "title": "A"}, {"$id": "taken", "title": "B"}], "document_already_exists"),
        (rows("a", "a"), "document_already_exists"),
        ([*rows("a"), {"$id": "b"}], "document_invalid_structure"),
        ([*rows("a"), {"$id": "b", "title": "B", "odd": 1}], "document_invalid_structure"),
        (rows("a", "b", slug="same"), "document_unique_constraint_violation"),
        (rows("a", slug="taken"), "document_unique_constraint_violation"),
        (rows("$a"), "general_argument_invalid"),
        (rows("a", **{"$permissions": ["fly"]}), "general_argument_invalid"),
        (rows("a", **{"$permissions": "read"}), "general_argument_invalid"),
        ([1], "general_argument_invalid"),
        ("none", "general_argument_invalid"),
        ([{"title": "x"}] * 101, "general_argument_invalid"),
    ],
)
def test_one_wrong_document_stops_all(key, events, sent, error):
    key.post(DOCUMENTS, {"documentId": "taken", "data": {"title": "T", "slug": "taken"}})
    events.clear()

    reply = key.post(DOCUMENTS, {"documents": sent})

    assert reply.error == error, reply.json
    assert reply.status in (400, 409)
    assert list(stored()) == ["taken"]
    assert (events.names(), grants()) == ([], 0)


def test_errors_speak_of_rows(key):
    key.post(ROWS, {"rows": rows("a")})

    assert key.post(ROWS, {"rows": rows("a")}).error == "row_already_exists"
    assert key.post(ROWS, {"rows": [{"title": 5}]}).error == "row_invalid_structure"
    assert key.post(ROWS, {"rows": []}).error == "row_missing_data"


def test_one_and_many_do_not_mix(key):
    for name, value in (("documentId", "b"), ("data", {"title": "B"}), ("permissions", [])):
        reply = key.post(DOCUMENTS, {"documents": rows("a"), name: value})
        assert (reply.status, reply.error) == (400, "general_bad_request")
    assert stored() == {}


# Upserting


@both_vocabularies
def test_upsert_makes_what_is_missing_and_changes_the_rest(key, events, words):
    key.post(DOCUMENTS, {"documents": rows("a", likes=5, **{"$permissions": ['read("any")']})})
    events.clear()
    sent = [
        {"$id": "b", "title": "B"},
        {"$id": "a", "tags": ["x"], "$permissions": ['read("users")', 'delete("users")']},
        {"title": "own id"},
    ]

    reply = key.put(words.path, {words.nouns: sent})

    assert reply.status == 200, reply.json
    assert_model(f"{words.noun.title()}List", reply.json)
    written = reply.json[words.nouns]
    assert [(each["title"], each["likes"]) for each in written] == [
        ("B", 1),
        ("A", 5),
        ("own id", 1),
    ]
    assert written[1]["$permissions"] == ['read("users")', 'delete("users")']
    for each in written:
        assert key.get(f"{words.path}/{each['$id']}").json == each
    assert sorted(events.names()) == sorted(words.event(each["$id"], "upsert") for each in written)
    assert grants() == 2


def test_upsert_without_effect_tells_nobody(key, events):
    key.post(DOCUMENTS, {"documents": rows("a")})
    events.clear()

    reply = key.put(DOCUMENTS, {"documents": rows("a")})

    assert (reply.json["total"], events.names()) == (1, [])


def test_upsert_does_operators_to_what_is_stored_or_the_default(key):
    key.post(DOCUMENTS, {"documents": rows("a", likes=5)})

    reply = key.put(DOCUMENTS, {"documents": rows("a", "b", likes=increment(3))})

    assert [each["likes"] for each in reply.json["documents"]] == [8, 4]
    assert (stored()["a"]["likes"], stored()["b"]["likes"]) == (8, 4)


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        ([{"$id": "a", "likes": 2}, {"$id": "b", "likes": 2}], "document_invalid_structure"),
        (rows("b", likes=increment(101)), "document_invalid_structure"),
        (rows("b", "a", likes=increment(99)), "document_invalid_structure"),
        (rows("a", "b", slug="same"), "document_unique_constraint_violation"),
        (rows("b", "b"), "document_already_exists"),
        ([], "document_missing_data"),
        (None, "general_argument_invalid"),
    ],
)
def test_one_wrong_document_stops_all_of_an_upsert(key, events, sent, error):
    key.post(DOCUMENTS, {"documents": rows("a", likes=5)})
    before = stored()
    events.clear()

    reply = key.put(DOCUMENTS, {"documents": sent})

    assert reply.error == error, reply.json
    assert (stored(), events.names()) == (before, [])


# For all of them


def test_nobody_but_keys_and_the_console_writes_many(key, client_for, project, alice, events):
    collection = "/databases/main/collections/posts"
    everything = [f'{action}("any")' for action in ("create", "read", "update", "delete")]
    assert key.put(collection, {"name": "Posts", "permissions": everything}).status == 200
    key.post(DOCUMENTS, {"documents": rows("a")})
    events.clear()

    for client in (client_for(project), client_for(project, session=alice.session)):
        for reply in (
            client.post(DOCUMENTS, {"documents": rows("b")}),
            client.put(DOCUMENTS, {"documents": rows("b")}),
            client.patch(DOCUMENTS, {"data": {"likes": 2}}),
            client.delete(DOCUMENTS),
        ):
            assert (reply.status, reply.error) == (401, "general_unauthorized_scope")
    assert (list(stored()), events.names()) == (["a"], [])


@pytest.mark.parametrize("way", ["put", "patch", "delete"])
def test_change_by_somebody_else_stops_all(key, way):
    key.post(DOCUMENTS, {"documents": rows("a", "b")})
    before = datetime(2020, 1, 1, tzinfo=UTC).isoformat()
    body = {"documents": rows("a", likes=3), "data": {"likes": 3}}

    reply = getattr(key, way)(DOCUMENTS, body, X_Appwrite_Timestamp=before)

    assert (reply.status, reply.error) == (409, "document_update_conflict")
    assert [each["likes"] for each in stored().values()] == [1, 1]


@pytest.mark.parametrize("way", ["patch", "delete"])
def test_more_than_a_write_may_touch_is_refused(key, monkeypatch, way):
    monkeypatch.setattr("documents.store.bulk.MAX_BULK_ROWS", 2)
    key.post(DOCUMENTS, {"documents": rows("a", "b", "c")})
    before = stored()

    reply = getattr(key, way)(DOCUMENTS, {"data": {"likes": 3}})

    assert (reply.status, reply.error) == (400, "general_bad_request")
    assert stored() == before
    few = {"data": {"likes": 3}, "queries": [query("limit", "", 2)]}
    assert getattr(key, way)(DOCUMENTS, few).json["total"] == 2


def test_encrypted_values_are_sealed_in_many_as_in_one(admin, project):
    make_collection(project, attributes={"secret": SECRET})

    made = admin.post(DOCUMENTS, {"documents": [{"$id": "a", "secret": "one"}]}).json
    put = admin.put(DOCUMENTS, {"documents": [{"$id": "a", "secret": "two"}]}).json
    set_ = admin.patch(DOCUMENTS, {"data": {"secret": "three"}}).json

    shown = [each["documents"][0]["secret"] for each in (made, put, set_)]
    assert shown == ["one", "two", "three"]
    assert list(stored()["a"]["secret"]) == ["$sealed"]


def test_statements_are_as_many_for_a_hundred_as_for_two(key, statements):
    def count(method, body):
        with statements() as seen:
            assert key.call(method, DOCUMENTS, body).status < 300
        return len(seen)

    def all_counts(many):
        uids = [f"u{number}" for number in range(many)]
        granted = {"$permissions": ['read("any")', 'update("users")']}
        return [
            count("POST", {"documents": rows(*uids, **granted)}),
            count("PUT", {"documents": rows(*uids, "new", likes=3, **granted)}),
            count("PATCH", {"data": {"likes": 4, **granted}}),
            count("DELETE", {}),
        ]

    all_counts(2)
    few, many = all_counts(2), all_counts(limits.MAX_BULK_DOCUMENTS - 1)

    # Each event rings the sockets of its own; what else there is does not grow.
    ring = 1
    rung = [count - ring * number for count, number in zip(few, (2, 3, 3, 3), strict=True)]
    assert rung == [
        count - ring * number for count, number in zip(many, (99, 100, 100, 100), strict=True)
    ]
    assert max(rung) <= 8


@pytest.mark.db
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_writes_of_the_same_documents_at_once_all_count(transactional_db, key):
    uids = [f"u{number}" for number in range(20)]
    key.post(DOCUMENTS, {"documents": rows(*uids, likes=0)})
    up, down = rows(*uids, likes=increment(1)), rows(*reversed(uids), likes=increment(1))

    def put(sent):
        return lambda: [key.put(DOCUMENTS, {"documents": sent}).status for _ in range(4)]

    def patch(direction):
        body = {"data": {"likes": increment(1)}, "queries": [query(direction, "title")]}
        return lambda: [key.patch(DOCUMENTS, body).status for _ in range(4)]

    statuses = at_once(put(up), put(down), patch("orderAsc"), patch("orderDesc"))

    assert statuses == [[200] * 4] * 4
    assert {each["likes"] for each in stored().values()} == {16}


@pytest.mark.db
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_upserts_of_the_same_new_documents_all_succeed(transactional_db, key):
    sent = rows(*[f"u{number}" for number in range(10)])

    statuses = at_once(*[lambda: key.put(DOCUMENTS, {"documents": sent}).status] * 4)

    assert statuses == [200] * 4
    assert len(stored()) == 10
