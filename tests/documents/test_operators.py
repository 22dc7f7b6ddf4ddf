"""Operators in the data of changes: done to the stored value, by many at once, or refused."""

from typing import Any

import orjson
import pytest

from documents.models import Document
from tests.documents.blog import DOCUMENTS, both_vocabularies, make_collection
from tests.documents.test_document_races import at_once

pytestmark = pytest.mark.django_db

THING: dict[str, dict[str, Any]] = {
    "count": {"type": "integer", "min": -1000, "max": 1000},
    "far": {"type": "bigint"},
    "size": {"type": "float"},
    "title": {"type": "string", "size": 12},
    "body": {"type": "text"},
    "state": {"type": "enum", "elements": ["a", "b"]},
    "secret": {"type": "text", "encrypt": True},
    "done": {"type": "boolean"},
    "due": {"type": "datetime"},
    "tags": {"type": "string", "size": 5, "array": True},
    "scores": {"type": "integer", "array": True, "max": 99},
    "flags": {"type": "boolean", "array": True},
}
DATA = {
    "count": 10,
    "far": 2**62,
    "size": 2.5,
    "title": "hello",
    "body": "b",
    "done": True,
    "due": "2024-02-28T12:00:00.000+00:00",
    "tags": ["a", "b", "a"],
    "scores": [3, 1, 2, 3],
    "flags": [True, False],
}


@pytest.fixture
def things(admin, project):
    make_collection(project, attributes=THING, document_security=True)
    assert admin.post(DOCUMENTS, {"documentId": "a", "data": DATA}).status == 201
    return admin


def operator(method, *values):
    return orjson.dumps({"method": method, "values": list(values)}).decode()


def change(things, path=f"{DOCUMENTS}/a", **data):
    return things.patch(path, {"data": data})


@pytest.mark.parametrize(
    ("key", "method", "values", "result"),
    [
        ("count", "increment", [], 11),
        ("count", "increment", [5], 15),
        ("count", "increment", [5, 12], 12),
        ("count", "increment", [-3], 7),
        ("count", "increment", [2.0], 12),
        ("count", "decrement", [3], 7),
        ("count", "decrement", [30, -5], -5),
        ("count", "multiply", [1.25], 13),
        ("count", "multiply", [50, 400], 400),
        ("count", "divide", [3], 3),
        ("count", "divide", [-4], -3),
        ("count", "divide", [4, 5], 5),
        ("count", "modulo", [4], 2),
        ("count", "power", [2], 100),
        ("count", "power", [300, 999], 999),
        ("count", "power", [-1], 0),
        ("count", "power", [0], 1),
        ("far", "increment", [2**62 - 1], 2**63 - 1),
        ("size", "increment", [0.1], 2.6),
        ("size", "multiply", [2], 5),
        ("size", "divide", [3], 0.8333333333333334),
        ("size", "modulo", [2], 0.5),
        ("size", "power", [0.5], 1.5811388300841898),
        ("size", "power", [-2000], 0),
        ("title", "stringConcat", [" you"], "hello you"),
        ("title", "stringReplace", ["l", "L"], "heLLo"),
        ("title", "stringReplace", ["", "x"], "hello"),
        ("body", "stringConcat", ["\u00e4%s\\"], "b\u00e4%s\\"),
        ("done", "toggle", [], False),
        ("due", "dateAddDays", [2], "2024-03-01T12:00:00.000+00:00"),
        ("due", "dateSubDays", [59], "2023-12-31T12:00:00.000+00:00"),
        ("tags", "arrayAppend", ["c", "a"], ["a", "b", "a", "c", "a"]),
        ("tags", "arrayPrepend", ["c", "d"], ["c", "d", "a", "b", "a"]),
        ("tags", "arrayInsert", [1, "x"], ["a", "x", "b", "a"]),
        ("tags", "arrayInsert", [3, "x"], ["a", "b", "a", "x"]),
        ("tags", "arrayInsert", [0, "x"], ["x", "a", "b", "a"]),
        ("tags", "arrayRemove", ["a"], ["b"]),
        ("tags", "arrayRemove", ["z"], ["a", "b", "a"]),
        ("tags", "arrayUnique", [], ["a", "b"]),
        ("tags", "arrayIntersect", ["b", "z"], ["b"]),
        ("tags", "arrayIntersect", [], []),
        ("tags", "arrayDiff", ["b"], ["a", "a"]),
        ("tags", "arrayFilter", ["equal", "a"], ["a", "a"]),
        ("tags", "arrayFilter", ["greaterThan", "a"], ["b"]),
        ("tags", "arrayFilter", ["isNotNull", None], ["a", "b", "a"]),
        ("tags", "arrayFilter", ["isNull"], []),
        ("scores", "arrayFilter", ["greaterThanEqual", 2], [3, 2, 3]),
        ("scores", "arrayFilter", ["lessThan", 3], [1, 2]),
        ("scores", "arrayFilter", ["notEqual", 3], [1, 2]),
        ("scores", "arrayDiff", [1, 2], [3, 3]),
        ("flags", "arrayFilter", ["equal", True], [True]),
    ],
)
def test_operator_is_done_to_the_stored_value(things, key, method, values, result):
    reply = change(things, **{key: operator(method, *values)})

    assert reply.status == 200, reply.json
    assert reply.json[key] == result
    assert Document.objects.get().data[key] == result
    others = {name: value for name, value in DATA.items() if name != key}
    assert {name: reply.json[name] for name in others} == others


def test_now_is_the_time_of_the_change(things):
    reply = change(things, due=operator("dateSetNow"))

    assert DATA["due"] < reply.json["due"] <= reply.json["$updatedAt"]


@both_vocabularies
def test_operators_and_values_change_a_document_together(things, events, words):
    data = {"count": operator("increment"), "title": "new", "tags": operator("arrayUnique")}

    reply = change(things, path=f"{words.path}/a", **data)

    assert (reply.json["count"], reply.json["title"], reply.json["tags"]) == (11, "new", ["a", "b"])
    assert events.names() == [words.event("a", "update")]
    assert events.payloads() == [reply.json]


@pytest.mark.parametrize(
    ("key", "method", "values", "result"),
    [
        ("count", "increment", [3], 3),
        ("title", "stringConcat", ["x"], "x"),
        ("title", "stringReplace", ["x", "y"], None),
        ("done", "toggle", [], True),
        ("due", "dateAddDays", [1], None),
        ("tags", "arrayAppend", ["x"], ["x"]),
        ("tags", "arrayUnique", [], []),
    ],
)
def test_operator_starts_from_nothing_where_there_is_no_value(things, key, method, values, result):
    change(things, **{key: None})

    assert change(things, **{key: operator(method, *values)}).json[key] == result
    put = things.put(f"{DOCUMENTS}/new", {"data": {key: operator(method, *values)}})
    assert (put.status, put.json[key]) == (200, result)


def test_upsert_does_operators_to_a_document_that_is_there(things):
    data = {"data": {"count": operator("increment", 2)}}

    assert things.put(f"{DOCUMENTS}/a", data).json["count"] == 12
    assert things.put(f"{DOCUMENTS}/b", data).json["count"] == 2
    assert things.put(f"{DOCUMENTS}/b", data).json["count"] == 4


@pytest.mark.parametrize(
    ("key", "method", "values"),
    [
        ("count", "increment", [991]),
        ("count", "decrement", [1011]),
        ("count", "increment", ["1"]),
        ("count", "increment", [True]),
        ("count", "increment", [0.5]),
        ("count", "increment", [1, 2, 3]),
        ("count", "increment", [None]),
        ("count", "divide", [0]),
        ("count", "modulo", [0]),
        ("count", "modulo", [2, 3]),
        ("count", "power", [10**6]),
        ("count", "multiply", []),
        ("far", "multiply", [2]),
        ("far", "power", [1e300]),
        ("size", "multiply", [1.7e308, None, 1]),
        ("size", "power", [1e6]),
        ("title", "increment", [1]),
        ("title", "stringConcat", ["way too long"]),
        ("title", "stringReplace", ["l", "longer"]),
        ("title", "stringReplace", ["l"]),
        ("title", "stringConcat", [5]),
        ("title", "stringConcat", ["\x00"]),
        ("body", "stringConcat", ["\u00e4" * 40_000]),
        ("state", "stringConcat", ["b"]),
        ("secret", "stringConcat", ["b"]),
        ("done", "toggle", [1]),
        ("count", "toggle", []),
        ("due", "dateAddDays", [2_914_000]),
        ("due", "dateSubDays", [400_000]),
        ("due", "dateAddDays", [10**9]),
        ("due", "dateAddDays", [0.5]),
        ("due", "dateSetNow", [1]),
        ("title", "dateSetNow", []),
        ("tags", "arrayAppend", ["longer"]),
        ("tags", "arrayAppend", [5]),
        ("tags", "arrayAppend", ["x"] * 9_998),
        ("tags", "arrayInsert", [4, "x"]),
        ("tags", "arrayInsert", [-1, "x"]),
        ("tags", "arrayInsert", ["x"]),
        ("tags", "arrayRemove", []),
        ("tags", "arrayUnique", ["a"]),
        ("tags", "arrayFilter", ["like", "a"]),
        ("tags", "arrayFilter", ["equal"]),
        ("tags", "arrayFilter", []),
        ("tags", "stringConcat", ["a"]),
        ("scores", "arrayAppend", [100]),
        ("scores", "arrayFilter", ["equal", "a"]),
        ("scores", "increment", [1]),
        ("flags", "arrayFilter", ["lessThan", True]),
        ("title", "arrayAppend", ["x"]),
    ],
)
def test_operator_that_does_not_fit_changes_nothing(things, events, key, method, values):
    reply = change(things, **({"title": "other"} | {key: operator(method, *values)}))

    assert (reply.status, reply.error) == (400, "document_invalid_structure")
    assert reply.json["message"].startswith("Invalid document structure: ")
    assert events.names() == []
    assert Document.objects.get().data == DATA


@pytest.mark.parametrize(
    "text",
    [
        '{"method":"shout","values":[]}',
        '{"method":["increment"]}',
        "{not json",
        "{}",
        '["increment"]',
    ],
)
def test_other_texts_are_stored_as_they_are(things, text):
    assert change(things, body=text).json["body"] == text


def test_new_document_holds_an_operator_as_a_text(things):
    text = operator("increment", 1)

    made = things.post(DOCUMENTS, {"documentId": "b", "data": {"body": text}})

    assert made.json["body"] == text


def test_refusal_says_which_limit_was_met(things):
    message = change(things, count=operator("increment", 991)).json["message"]

    assert message == (
        'Invalid document structure: Attribute "count" has invalid format.'
        " Value must be a valid range between -1,000 and 1,000"
    )


def test_upsert_of_a_new_document_refuses_what_does_not_fit(things, events):
    reply = things.put(f"{DOCUMENTS}/b", {"data": {"count": operator("increment", 1001)}})

    assert (reply.status, reply.error) == (400, "document_invalid_structure")
    assert things.get(f"{DOCUMENTS}/b").status == 404
    assert events.names() == []


def test_without_the_right_to_update_no_operator_is_done(things, client_for, project, alice):
    by_alice = client_for(project, session=alice.session)
    things.patch(f"{DOCUMENTS}/a", {"permissions": ['read("user:alice")']})

    for amount in (1, 991):
        assert change(by_alice, count=operator("increment", amount)).error == "user_unauthorized"


@pytest.mark.db
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_operators_at_once_all_count(transactional_db, things):
    def write(**data):
        return lambda: [change(things, **data).status for _ in range(8)]

    statuses = at_once(
        *[write(count=operator("increment"), tags=operator("arrayAppend", "x"))] * 4,
        *[write(body=operator("stringConcat", "x"))] * 4,
    )

    assert statuses == [[200] * 8] * 8
    final = things.get(f"{DOCUMENTS}/a").json
    assert (final["count"], len(final["tags"]), final["body"]) == (42, 35, "b" + "x" * 32)
