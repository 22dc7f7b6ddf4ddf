"""Transactions: staged writes answer as if done, only their owner sees them, all happen at once."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from documents.models import Document, DocumentTransaction, StagedOperation
from documents.services import sweep_transactions
from kernel import clock, limits
from kernel.caller import ProjectContext
from tests.client import ApiClient
from tests.conftest import ClientFor, Events, Person
from tests.documents.blog import ROWS, both_vocabularies, ids, make_collection, query
from tests.documents.conftest import MakeKey
from tests.documents.transactions import DOCUMENTS, TRANSACTIONS, Staging, begin, operation
from tests.reference import assert_model

pytestmark = [pytest.mark.db, pytest.mark.django_db]

SCOPES = ["documents.read", "documents.write", "rows.read", "rows.write"]


@pytest.fixture
def key(project: ProjectContext, client_for: ClientFor, make_key: MakeKey) -> ApiClient:
    make_collection(project, permissions=['create("users")'], document_security=True)
    return client_for(project, key=make_key(project, SCOPES))


@pytest.fixture
def user(key: ApiClient, project: ProjectContext, alice: Person, client_for: ClientFor):
    return client_for(project, session=alice.session)


@pytest.fixture
def staging(key: ApiClient) -> Staging:
    return begin(key)


def put(client: ApiClient, uid: str, **data: Any) -> None:
    reply = client.post(DOCUMENTS, {"documentId": uid, "data": {"title": uid, **data}})
    assert reply.status == 201, reply.json


# Beginning and ending


@pytest.mark.parametrize("path", [TRANSACTIONS, "/tablesdb/transactions"])
def test_transaction_begins_pending_and_ends_committed(key: ApiClient, path: str) -> None:
    staging = begin(key, path)

    begun = staging.state
    committed = staging.commit()

    assert_model("Transaction", begun)
    assert (begun["status"], begun["operations"]) == ("pending", 0)
    assert (committed.status, committed.json["status"]) == (200, "committed")
    assert staging.state["status"] == "committed"


def test_time_to_live_is_kept_within_limits(key: ApiClient) -> None:
    with time_machine.travel("2030-01-01T00:00:00Z", tick=False):
        usual, long = begin(key).state, begin(key, ttl=3600).state
        refused = [key.post(TRANSACTIONS, {"ttl": ttl}).status for ttl in (59, 3601, "x", 1.5)]

    assert usual["expiresAt"] == "2030-01-01T00:05:00.000+00:00"
    assert long["expiresAt"] == "2030-01-01T01:00:00.000+00:00"
    assert refused == [400] * 4


def test_rolled_back_transaction_leaves_nothing(staging: Staging, events: Events) -> None:
    staging.post(DOCUMENTS, documentId="p", data={"title": "T"})

    reply = staging.roll_back()

    assert (reply.status, reply.json["status"]) == (200, "failed")
    assert staging.client.get(staging.here).error == "transaction_not_found"
    assert not Document.objects.exists()
    assert not StagedOperation.objects.exists()
    assert events.names() == []


def test_deleted_transaction_leaves_nothing(staging: Staging) -> None:
    staging.post(DOCUMENTS, documentId="p", data={"title": "T"})

    assert staging.client.delete(staging.here).status == 204

    assert staging.client.delete(staging.here).error == "transaction_not_found"
    assert not StagedOperation.objects.exists()


@pytest.mark.parametrize("body", [{}, {"commit": True, "rollback": True}, {"commit": False}])
def test_ending_must_say_which_way(staging: Staging, body: dict[str, Any]) -> None:
    reply = staging.client.patch(staging.here, body)

    assert (reply.status, reply.error) == (400, "general_bad_request")
    assert staging.state["status"] == "pending"


def test_ended_transaction_takes_nothing_more(staging: Staging) -> None:
    staging.commit()

    replies = [
        staging.commit(),
        staging.roll_back(),
        staging.post(DOCUMENTS, documentId="p", data={"title": "T"}),
        staging.stage(operation("delete", "p")),
        staging.get(DOCUMENTS),
    ]

    assert [(each.status, each.error) for each in replies] == [(400, "transaction_not_ready")] * 5


def test_expired_transaction_takes_nothing_more(staging: Staging) -> None:
    staging.post(DOCUMENTS, documentId="p", data={"title": "T"})

    with time_machine.travel(clock.now() + timedelta(seconds=301)):
        replies = [
            staging.commit(),
            staging.post(DOCUMENTS, documentId="q", data={"title": "T"}),
            staging.get(f"{DOCUMENTS}/p"),
        ]

    assert [(each.status, each.error) for each in replies] == [(410, "transaction_expired")] * 3
    assert not Document.objects.exists()


def test_sweep_takes_what_expired_long_ago(staging: Staging) -> None:
    staging.post(DOCUMENTS, documentId="p", data={"title": "T"})
    begin(staging.client, ttl=3600)

    assert sweep_transactions() == 0
    with time_machine.travel(
        clock.now() + timedelta(seconds=limits.TRANSACTION_RETENTION_SECONDS + 301)
    ):
        assert sweep_transactions() == 2

    assert DocumentTransaction.objects.count() == 1
    assert not StagedOperation.objects.exists()


def test_listing_pages_and_filters(key: ApiClient) -> None:
    first, second, third = begin(key), begin(key), begin(key)
    second.commit()

    everything = key.get(TRANSACTIONS)
    pending = key.get("/tablesdb/transactions", {"queries": [query("equal", "status", "pending")]})
    after = key.get(
        TRANSACTIONS, {"queries": [query("cursorAfter", "", second.id)], "total": False}
    )

    assert_model("TransactionList", everything.json)
    assert ids(everything, "transactions") == [first.id, second.id, third.id]
    assert (pending.json["total"], ids(pending, "transactions")) == (2, [first.id, third.id])
    assert (after.json["total"], ids(after, "transactions")) == (0, [third.id])
    wrong = key.get(TRANSACTIONS, {"queries": [query("equal", "user_uid", "alice")]})
    assert (wrong.status, wrong.error) == (400, "general_argument_invalid")


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
