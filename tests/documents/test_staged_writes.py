"""Writes and reads within a transaction."""

from typing import Any

import pytest

from documents.models import Document, StagedOperation
from tests.client import ApiClient
from tests.conftest import Events
from tests.documents.blog import DOCUMENTS, ROWS, both_vocabularies, ids, query
from tests.documents.transactions import TRANSACTIONS, Staging, begin, key, operation, put, staging
from tests.reference import assert_model

__all__ = ["key", "staging"]  # fixtures

pytestmark = [pytest.mark.db, pytest.mark.django_db]


# Staged writes


@both_vocabularies
def test_staged_writes_answer_as_if_done_and_happen_at_commit(
    key: ApiClient, events: Events, words: Any
) -> None:
    put(key, "old", likes=1)
    put(key, "gone")
    events.clear()
    staging = begin(key, "/tablesdb/transactions" if words.noun == "row" else TRANSACTIONS)
    model = words.noun.title()

    created = staging.post(words.path, **{f"{words.noun}Id": "new", "data": {"title": "N"}})
    updated = staging.patch(f"{words.path}/old", data={"title": "changed"})
    stepped = staging.patch(f"{words.path}/old/likes/increment", value=4)
    down = staging.patch(f"{words.path}/old/likes/decrement")
    upserted = staging.put(f"{words.path}/put", data={"title": "P"})
    deleted = staging.delete(f"{words.path}/gone")

    statuses = [each.status for each in (created, updated, stepped, down, upserted, deleted)]
    assert statuses == [201, 200, 200, 200, 201, 204]
    assert_model(model, created.json)
    assert (created.json["$id"], created.json["title"]) == ("new", "N")
    assert (updated.json["title"], stepped.json["likes"], down.json["likes"]) == ("changed", 5, 4)
    assert staging.state["operations"] == 6
    assert events.names() == []
    assert ids(key.get(words.path), words.nouns) == ["old", "gone"]
    assert key.get(f"{words.path}/old").json["title"] == "old"

    assert staging.commit().status == 200

    assert ids(key.get(words.path), words.nouns) == ["old", "new", "put"]
    assert key.get(f"{words.path}/old").json["likes"] == 4
    expected = [("new", "create"), ("old", "update"), ("old", "update"), ("old", "update")]
    expected += [("put", "upsert"), ("gone", "delete")]
    assert events.names() == [words.event(uid, action) for uid, action in expected]
    assert not StagedOperation.objects.exists()


def test_operators_are_staged(key: ApiClient, staging: Staging) -> None:
    put(key, "p", likes=2, tags=["a"])
    append = '{"method":"arrayAppend","values":["b"]}'

    staged = staging.patch(f"{DOCUMENTS}/p", data={"tags": append})
    staging.patch(f"{DOCUMENTS}/p", data={"likes": '{"method":"multiply","values":[10]}'})

    assert staged.json["tags"] == ["a", "b"]
    assert staging.get(f"{DOCUMENTS}/p").json["likes"] == 20
    staging.commit()
    final = key.get(f"{DOCUMENTS}/p").json
    assert (final["likes"], final["tags"]) == (20, ["a", "b"])


@both_vocabularies
def test_writes_of_many_are_staged(key: ApiClient, words: Any) -> None:
    for uid in ("a", "b", "c"):
        put(key, uid, likes=1)
    staging = begin(key)
    nouns = words.nouns

    replies = [
        staging.post(words.path, **{nouns: [{"$id": "d", "title": "D"}, {"title": "made up"}]}),
        staging.put(words.path, **{nouns: [{"$id": "a", "likes": 7}]}),
        staging.patch(words.path, data={"pinned": True}, queries=[query("equal", "likes", 1)]),
        staging.delete(words.path, queries=[query("equal", "title", "b")]),
    ]

    assert [each.status for each in replies] == [201, 200, 200, 200]
    assert [each.json for each in replies] == [{"total": 0, nouns: []}] * 4
    seen = staging.get(words.path).json[nouns]
    staging.commit()
    stored = key.get(words.path).json[nouns]
    for found in (seen, stored):
        assert [each["title"] for each in found] == ["a", "c", "D", "made up"]
        assert [each["pinned"] for each in found] == [False, True, False, False]
        assert found[0]["likes"] == 7
    # Ids that the server makes up are the same from the first answer on.
    assert [each["$id"] for each in seen] == [each["$id"] for each in stored]


@both_vocabularies
def test_operations_are_staged_together(key: ApiClient, words: Any) -> None:
    is_row = words.noun == "row"
    put(key, "old", likes=1)
    put(key, "gone")
    staging = begin(key, "/tablesdb/transactions" if is_row else TRANSACTIONS)
    column = "column" if is_row else "attribute"

    def one(action: str, uid: str = "", data: Any = None) -> Any:
        return operation(action, uid, data, is_row=is_row)

    reply = staging.stage(
        one("create", "new", {"title": "N", "$permissions": ['read("any")']}),
        one("update", "new", {"content": "C"}),
        one("upsert", "put", {"title": "P"}),
        one("delete", "gone"),
        one("increment", "old", {column: "likes", "value": 5, "max": 6}),
        one("decrement", "old", {column: "likes", "min": 0}),
        one("bulkCreate", data=[{"$id": "b1", "title": "B"}, {"$id": "b2", "title": "B"}]),
        one("bulkUpsert", data=[{"$id": "b1", "likes": 3}]),
        one(
            "bulkUpdate", data={"queries": [query("equal", "title", "B")], "data": {"pinned": True}}
        ),
        one("bulkDelete", data={"queries": [query("equal", "$id", "b2")]}),
    )

    assert (reply.status, reply.json["operations"]) == (201, 10)
    assert_model("Transaction", reply.json)
    assert staging.commit().status == 200
    found = {each["$id"]: each for each in key.get(words.path).json[words.nouns]}
    assert list(found) == ["old", "new", "put", "b1"]
    assert found["old"]["likes"] == 5
    assert (found["new"]["content"], found["new"]["$permissions"]) == ("C", ['read("any")'])
    assert (found["b1"]["likes"], found["b1"]["pinned"]) == (3, True)


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        ([], "general_bad_request"),
        ("x", "general_argument_invalid"),
        (["x"], "general_argument_invalid"),
        ([{}], "general_argument_invalid"),
        ([operation("explode", "p", {})], "general_argument_invalid"),
        ([operation("create", "", {"title": "T"})], "general_argument_invalid"),
        ([operation("create", "p")], "general_argument_invalid"),
        ([operation("create", "p", {})], "document_missing_data"),
        ([operation("create", "p", {"nothing": 1})], "document_invalid_structure"),
        ([operation("create", 5, {"title": "T"})], "general_argument_invalid"),
        ([operation("update", "p", {"title": "T"})], "document_not_found"),
        ([operation("update", "p", {"$permissions": 5})], "general_argument_invalid"),
        ([operation("increment", "p", {"value": 1})], "general_argument_invalid"),
        ([operation("increment", "p", {"attribute": "likes", "value": 0})],
         "general_argument_invalid"),
        ([operation("bulkCreate", "", {"title": "T"})], "general_argument_invalid"),
        ([operation("bulkUpdate", "", [])], "general_argument_invalid"),
        ([operation("bulkDelete", "", {"queries": ["{}"]})], "general_query_invalid"),
        ([{"action": "delete", "documentId": "p"}], "general_argument_invalid"),
        ([operation("create", "p", {"title": "T"}), operation("delete", "q")],
         "document_not_found"),
        ([operation("delete", "p")] * 101, "general_argument_invalid"),
    ],
)  # fmt: skip
def test_wrong_operations_stage_nothing(staging: Staging, sent: Any, error: str) -> None:
    reply = staging.client.post(f"{staging.here}/operations", {"operations": sent})

    assert reply.error == error, reply.json
    assert 400 <= reply.status < 500
    assert staging.state["operations"] == 0


@pytest.mark.parametrize(
    ("data", "status", "error"),
    [
        ({"nothing": 1}, 400, "document_invalid_structure"),
        ({}, 400, "document_missing_data"),
        ({"title": "T", "likes": -1}, 400, "document_invalid_structure"),
    ],
)
def test_staged_write_is_refused_as_the_real_one(
    staging: Staging, data: dict[str, Any], status: int, error: str
) -> None:
    reply = staging.post(DOCUMENTS, documentId="p", data=data)

    assert (reply.status, reply.error) == (status, error)
    assert staging.state["operations"] == 0


def test_what_is_staged_twice_is_refused(key: ApiClient, staging: Staging) -> None:
    assert staging.post(DOCUMENTS, documentId="p", data={"title": "T"}).status == 201

    again = staging.post(DOCUMENTS, documentId="p", data={"title": "T"})

    assert (again.status, again.error) == (409, "document_already_exists")
    assert staging.state["operations"] == 1


def test_transaction_takes_no_more_than_a_hundred_operations(staging: Staging) -> None:
    made = [operation("create", f"p{number}", {"title": "T"}) for number in range(99)]
    assert staging.stage(*made).status == 201
    assert staging.post(DOCUMENTS, documentId="last", data={"title": "T"}).status == 201

    reply = staging.post(DOCUMENTS, documentId="more", data={"title": "T"})

    assert (reply.status, reply.error) == (400, "transaction_limit_exceeded")
    assert staging.state["operations"] == 100
    assert staging.commit().status == 200
    assert Document.objects.count() == 100


@pytest.mark.parametrize(
    ("limit", "value"), [("MAX_TRANSACTION_BYTES", 400), ("MAX_TRANSACTION_ROWS", 2)]
)
def test_transaction_holds_only_so_much(
    key: ApiClient, staging: Staging, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(f"documents.services.transactions.staging.{limit}", value)
    staging.post(DOCUMENTS, documentId="a", data={"title": "T"})

    reply = staging.post(
        DOCUMENTS, documents=[{"$id": uid, "title": "T" * 99} for uid in ("b", "c")]
    )

    assert (reply.status, reply.error) == (400, "transaction_limit_exceeded")
    assert staging.state["operations"] == 1


def test_staged_arguments_are_kept_encrypted(staging: Staging) -> None:
    staging.post(DOCUMENTS, documentId="p", data={"title": "a secret"})

    assert "secret" not in StagedOperation.objects.get().arguments


def test_unknown_transaction_is_not_found(key: ApiClient) -> None:
    staging = Staging(key, "nothing")

    replies = [
        staging.post(DOCUMENTS, documentId="p", data={"title": "T"}),
        staging.get(DOCUMENTS),
        staging.get(f"{ROWS}/p"),
        staging.stage(operation("delete", "p")),
        staging.commit(),
        key.get(staging.here),
        key.delete(staging.here),
    ]

    assert {(each.status, each.error) for each in replies} == {(404, "transaction_not_found")}
    wrong = Staging(key, "no id!").post(DOCUMENTS, documentId="p", data={"title": "T"})
    assert (wrong.status, wrong.error) == (400, "general_argument_invalid")


# Reading what is staged


def test_reads_within_a_transaction_see_what_is_staged(key: ApiClient, staging: Staging) -> None:
    for uid in ("a", "b", "c"):
        put(key, uid, likes=1)
    staging.patch(f"{DOCUMENTS}/a", data={"likes": 9})
    staging.delete(f"{DOCUMENTS}/b")
    staging.post(DOCUMENTS, documentId="d", data={"title": "d", "likes": 5})

    liked = staging.get(
        DOCUMENTS, {"queries": [query("greaterThan", "likes", 1), query("orderDesc", "likes")]}
    )

    assert (liked.json["total"], ids(liked)) == (2, ["a", "d"])
    assert staging.get(f"{DOCUMENTS}/a").json["likes"] == 9
    assert staging.get(f"{DOCUMENTS}/b").error == "document_not_found"
    after = staging.get(DOCUMENTS, {"queries": [query("cursorAfter", "", "d")]})
    assert ids(after) == []
    assert ids(key.get(DOCUMENTS)) == ["a", "b", "c"]
    assert begin(key).get(f"{DOCUMENTS}/d").error == "document_not_found"


def test_reads_leave_no_trace(key: ApiClient, staging: Staging, events: Events) -> None:
    put(key, "p", likes=1)
    staging.patch(f"{DOCUMENTS}/p/likes/increment")
    before = Document.objects.values().get()
    events.clear()

    for _ in range(3):
        assert staging.get(f"{DOCUMENTS}/p").json["likes"] == 2

    assert Document.objects.values().get() == before
    assert events.names() == []
