"""Incrementing and decrementing: how far, of what, by whom, and by many at once."""

from typing import Any

import pytest

from documents.models import Document
from tests.documents.blog import DOCUMENTS, both_vocabularies, make_collection
from tests.documents.test_document_races import at_once
from tests.reference import assert_model

pytestmark = pytest.mark.django_db

COUNTERS: dict[str, dict[str, Any]] = {
    "likes": {"type": "integer", "min": -10, "max": 1000},
    "far": {"type": "bigint"},
    "rating": {"type": "float"},
    "title": {"type": "string", "size": 50},
    "scores": {"type": "integer", "array": True},
}


@pytest.fixture
def counters(admin, project):
    make_collection(project, attributes=COUNTERS, document_security=True)
    data = {"likes": 5, "rating": 1.5, "far": 2**63 - 2, "title": "T"}
    assert admin.post(DOCUMENTS, {"documentId": "a", "data": data}).status == 201
    return admin


def step(client, key, way="increment", path=f"{DOCUMENTS}/a", **body):
    return client.patch(f"{path}/{key}/{way}", body)


@both_vocabularies
def test_number_is_counted_up_and_down(counters, events, words):
    up = step(counters, "likes", path=f"{words.path}/a", value=3, max=8)
    down = step(counters, "likes", "decrement", path=f"{words.path}/a", value=2)

    assert_model(words.noun.title(), up.json)
    assert (up.status, up.json["likes"], down.json["likes"]) == (200, 8, 6)
    assert up.json["$updatedAt"] <= down.json["$updatedAt"]
    assert events.names() == [words.event("a", "update")] * 2
    assert events.payloads()[1] == down.json


@pytest.mark.parametrize(
    ("key", "way", "body", "result"),
    [
        ("likes", "increment", {}, 6),
        ("likes", "decrement", {}, 4),
        ("likes", "increment", {"value": "2"}, 7),
        ("likes", "increment", {"value": 2.0, "max": None}, 7),
        ("likes", "decrement", {"value": 10, "min": -5.5}, -5),
        ("rating", "increment", {"value": 0.1}, 1.6),
        ("rating", "decrement", {"value": 2}, -0.5),
        ("far", "increment", {"value": 1}, 2**63 - 1),
    ],
)
def test_step_may_be_of_any_size(counters, key, way, body, result):
    assert step(counters, key, way, **body).json[key] == result
    assert Document.objects.get().data[key] == result


def test_missing_number_counts_from_zero(counters):
    counters.patch(f"{DOCUMENTS}/a", {"data": {"likes": None}})

    assert step(counters, "likes", value=2).json["likes"] == 2


@pytest.mark.parametrize(
    ("key", "way", "body", "error"),
    [
        ("likes", "increment", {"value": 1, "max": 5}, "attribute_limit_exceeded"),
        ("likes", "decrement", {"value": 2, "min": 4}, "attribute_limit_exceeded"),
        ("likes", "increment", {"value": 996}, "document_invalid_structure"),
        ("likes", "decrement", {"value": 16}, "document_invalid_structure"),
        ("far", "increment", {"value": 2}, "document_invalid_structure"),
        ("rating", "increment", {"value": 1e308, "max": 1}, "attribute_limit_exceeded"),
        ("likes", "increment", {"value": 0}, "general_argument_invalid"),
        ("likes", "increment", {"value": -1}, "general_argument_invalid"),
        ("likes", "increment", {"value": "many"}, "general_argument_invalid"),
        ("likes", "increment", {"value": True}, "general_argument_invalid"),
        ("likes", "increment", {"max": []}, "general_argument_invalid"),
        ("likes", "increment", {"value": "9" * 30}, "general_argument_invalid"),
        ("likes", "increment", {"value": 0.5}, "attribute_type_invalid"),
        ("title", "increment", {}, "attribute_type_invalid"),
        ("scores", "increment", {}, "attribute_type_invalid"),
        ("nothing", "increment", {}, "attribute_not_found"),
        ("$id", "increment", {}, "general_argument_invalid"),
    ],
)
def test_refused_step_changes_nothing(counters, events, key, way, body, error):
    before = counters.get(f"{DOCUMENTS}/a").json

    reply = step(counters, key, way, **body)

    assert (reply.status // 100, reply.error) == (4, error)
    assert counters.get(f"{DOCUMENTS}/a").json == before
    assert events.names() == []


def test_errors_speak_of_rows_and_columns(counters):
    row = DOCUMENTS.replace("databases", "tablesdb").replace("collections", "tables")
    row = row.replace("documents", "rows") + "/a"

    assert step(counters, "likes", path=row, max=1).error == "column_limit_exceeded"
    assert step(counters, "title", path=row).error == "column_type_invalid"
    assert step(counters, "nothing", path=row).error == "column_not_found"
    assert step(counters, "likes", path=row.replace("/a", "/b")).error == "row_not_found"


def test_step_needs_the_right_to_update(counters, client_for, project, alice):
    body = {"permissions": ['read("user:alice")']}
    counters.patch(f"{DOCUMENTS}/a", body)
    by_alice = client_for(project, session=alice.session)

    assert step(by_alice, "likes").error == "user_unauthorized"
    assert step(by_alice, "likes", value=99_999).error == "user_unauthorized"
    counters.patch(f"{DOCUMENTS}/a", {"permissions": ['update("user:alice")']})
    assert step(by_alice, "likes").json["likes"] == 6
    assert step(client_for(project), "likes").error == "user_unauthorized"


@pytest.mark.db
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_every_step_of_sixteen_writers_counts(transactional_db, counters):
    def write():
        return [step(counters, "likes").status for _ in range(5)]

    statuses = at_once(*[write] * 16)

    assert statuses == [[200] * 5] * 16
    assert counters.get(f"{DOCUMENTS}/a").json["likes"] == 85
