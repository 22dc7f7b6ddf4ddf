"""Free fields of schema-less collections: what is written comes back, whichever way it goes."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from documents.attributes import MAX_FIELD_BYTES, MAX_FIELDS
from documents.models import Collection, Document
from tests.documents.blog import (
    DOCUMENTS,
    Words,
    both_vocabularies,
    query,
)
from tests.documents.schemaless import COLLECTION, add, change, found, make_schemaless, own

pytestmark = pytest.mark.django_db
PLAYER = {
    "title": "A",
    "name": "Ann",
    "level": 3,
    "ratio": 0.5,
    "alive": True,
    "bag": ["rope", {"kind": "coin", "count": 2}, [None, 1]],
    "home": {"city": "Ayr", "at": {"x": 1, "y": -2.5}, "none": None, "1 a.b%ä": "ü"},
    "größe %s 'q' \\ :x": "odd key",
}


@pytest.fixture
def players(admin, project):
    make_schemaless(project, document_security=True)
    return admin


def step(method, *values):
    return orjson.dumps({"method": method, "values": list(values)}).decode()


@both_vocabularies
def test_what_is_written_comes_back_in_answers_lists_and_events(players, events, words: Words):
    body = {f"{words.noun}Id": "a", "data": PLAYER, "permissions": ['read("user:a")']}
    made = players.post(words.path, body)

    assert made.status == 201, made.json
    assert own(made.json) == {**PLAYER, "likes": 7}
    assert players.get(f"{words.path}/a").json == made.json
    assert players.get(words.path).json[words.nouns] == [made.json]
    changed = players.patch(f"{words.path}/a", {"data": {"name": "Bea", "new": [], "level": None}})
    expected = {**PLAYER, "likes": 7, "name": "Bea", "new": []}
    del expected["level"]
    assert own(changed.json) == expected
    assert players.get(f"{words.path}/a").json == changed.json
    put = players.put(f"{words.path}/a", {"data": {"level": 4}, "permissions": []})
    assert own(put.json) == {**expected, "level": 4}
    assert players.delete(f"{words.path}/a").status == 204
    assert events.payloads() == [made.json, changed.json, put.json, put.json]


def test_bulk_writes_keep_fields(players, events):
    rows = [{"$id": "a", "title": "a", "x": 1}, {"$id": "b", "title": "b", "y": {"z": [1]}}]
    made = players.post(DOCUMENTS, {"documents": rows}).json["documents"]
    changed = players.patch(DOCUMENTS, {"data": {"x": step("increment", 2), "w": "w"}})
    more = [{"$id": "a", "x": None}, {"$id": "c", "title": "c", "v": step("increment", 4)}]
    upserted = players.put(DOCUMENTS, {"documents": more})

    assert [own(each) for each in made] == [
        {"title": "a", "likes": 7, "x": 1},
        {"title": "b", "likes": 7, "y": {"z": [1]}},
    ]
    assert [own(each) for each in changed.json["documents"]] == [
        {"title": "a", "likes": 7, "x": 3, "w": "w"},
        {"title": "b", "likes": 7, "x": 2, "w": "w", "y": {"z": [1]}},
    ]
    assert [own(each) for each in upserted.json["documents"]] == [
        {"title": "a", "likes": 7, "w": "w"},
        {"title": "c", "likes": 7, "v": 4},
    ]
    written = [*made, *changed.json["documents"], *upserted.json["documents"]]
    by_id = sorted(written, key=lambda each: (each["$updatedAt"], each["$id"]))
    assert sorted(events.payloads(), key=lambda each: (each["$updatedAt"], each["$id"])) == by_id


def test_transactions_carry_fields(players):
    transaction = players.post("/databases/transactions", {}).json["$id"]
    body = {"documentId": "a", "data": PLAYER, "transactionId": transaction}
    staged = players.post(DOCUMENTS, body)
    assert own(staged.json) == {**PLAYER, "likes": 7}
    done = players.patch(f"/databases/transactions/{transaction}", {"commit": True})
    assert done.json["status"] == "committed", done.json

    assert own(players.get(f"{DOCUMENTS}/a").json) == {**PLAYER, "likes": 7}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    # Whole ones of more digits than a float is sure of come back as the integers JSON writes.
    | st.floats(allow_nan=False, allow_infinity=False).filter(
        lambda number: not 1e16 <= abs(number) < 2**64
    )
    | st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(st.characters(codec="utf-8", exclude_characters="\x00$"), max_size=8),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)
KEYS = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters=".$*"),
    min_size=1,
    max_size=12,
).filter(lambda key: key.isprintable() and key not in {"title", "likes"})


@settings(max_examples=40)
@given(st.dictionaries(KEYS, JSON, max_size=5))
def test_whatever_is_written_comes_back_equal(players, data):
    expected = {key: value for key, value in data.items() if value is not None}
    body = {"documentId": "unique()", "data": {"title": "t", **data}}
    made = players.post(DOCUMENTS, body)

    assert made.status == 201, made.json
    path = f"{DOCUMENTS}/{made.json['$id']}"
    read = own(players.get(path).json)
    assert read == {**expected, "title": "t", "likes": 7} == own(made.json)
    again = players.patch(path, {"data": {**data, "title": "u"}})
    assert own(again.json) == {**expected, "title": "u", "likes": 7}


def test_longer_integers_are_the_floats_that_clients_read(players, events):
    for uid, digits in (("a", "100000000000000000000"), ("b", "-12345678901234567890123456789")):
        body = b'{"documentId":"%s","data":{"title":"t","n":%s}}' % (uid.encode(), digits.encode())
        made = players.post(DOCUMENTS, body)
        assert made.status == 201, made.json
        number = float(digits)
        assert repr(made.json["n"]) == repr(number)
        path = f"{DOCUMENTS}/{uid}"
        assert repr(players.get(path).json["n"]) == repr(number)
        # What a client read it sends back, as it writes numbers itself, and nothing has changed.
        for written in (digits, repr(number), f"{int(number)}"):
            again = players.patch(path, b'{"data":{"n":%s}}' % written.encode())
            assert again.json == made.json
            asked = f'{{"method":"equal","attribute":"n","values":[{written}]}}'
            assert found(players, asked) == [uid]
        assert float(events.payloads()[-1]["n"]) == number
    assert found(players, query("greaterThan", "n", 2.0**64)) == ["a"]
    assert found(players, query("lessThan", "n", -(2**63))) == ["b"]


def nested(depth):
    return [nested(depth - 1)] if depth else 1


IMPOSSIBLE: list[dict[str, Any]] = [
    {"$x": 1},
    {"a.b": 1},
    {"": 1},
    {"*": 1},
    {"k" * 256: 1},
    {"a\n": 1},
    {"a": {"$sealed": "x"}},
    {"a": [{"b": {"$c": 1}}]},
    {"a": {"k" * 256: 1}},
    {"a": nested(33)},
    {"a": "x" * MAX_FIELD_BYTES},
    {"a": [1e300] * 5000},
    {f"k{number}": 1 for number in range(MAX_FIELDS + 1)},
    {"likes": "three"},
    {"title": "t" * 21},
    {"$x": None},
    {"a.b": None},
]


def test_what_cannot_be_kept_is_refused(players, events):
    add(players, "a")
    events.clear()
    for data in IMPOSSIBLE:
        replies = [
            players.post(DOCUMENTS, {"documentId": "b", "data": {"title": "b", **data}}),
            change(players, **data),
            players.put(f"{DOCUMENTS}/a", {"data": data}),
            players.patch(DOCUMENTS, {"data": data}),
        ]
        assert {(each.status, each.json["type"]) for each in replies} == {
            (400, "document_invalid_structure")
        }, data
    assert events.names() == []


def test_required_attribute_is_still_demanded(players):
    reply = players.post(DOCUMENTS, {"documentId": "b", "data": {"name": "b"}})

    assert (reply.status, reply.json["type"]) == (400, "document_invalid_structure")


def test_fields_have_limits_over_many_writes(players):
    most = {f"k{number}": number for number in range(MAX_FIELDS)}
    add(players, "a", **most)
    assert change(players, k0=None, new=1).status == 200
    add(players, "b", text="x" * (MAX_FIELD_BYTES // 2))
    replies = [
        change(players, one_more=1),
        players.patch(DOCUMENTS, {"data": {"one_more": 1}}),
        players.put(DOCUMENTS, {"documents": [{"$id": "a", "one_more": 1}]}),
        change(players, "b", other="x" * (MAX_FIELD_BYTES // 2)),
        change(players, "b", text=step("stringConcat", "x" * (MAX_FIELD_BYTES // 2))),
        players.put(f"{DOCUMENTS}/c", {"data": {"title": "c", **most, "n": step("increment", 1)}}),
    ]

    assert {(each.status, each.json["type"]) for each in replies} == {
        (400, "document_invalid_structure")
    }
    assert "1,000 fields" in replies[0].json["message"]
    assert "1,048,576 bytes" in replies[3].json["message"]


OPERATIONS: list[tuple[Any, str, list[Any], Any]] = [
    (3, "increment", [2], 5),
    (3, "increment", [0.5], 3.5),
    (2**53, "increment", [1], 2**53 + 1),
    (3.5, "decrement", [1], 2.5),
    (7, "divide", [2], 3.5),
    (7, "modulo", [4], 3),
    (9, "power", [0.5], 3),
    (None, "increment", [], 1),
    ("a", "stringConcat", ["b"], "ab"),
    ("aba", "stringReplace", ["a", "c"], "cbc"),
    (True, "toggle", [], False),
    ([1], "arrayAppend", ["x", {"y": 1}], [1, "x", {"y": 1}]),
    ([1, "x", 1], "arrayUnique", [], [1, "x"]),
    ([1, "x", 5], "arrayRemove", ["x"], [1, 5]),
    ([1, "x", 5], "arrayFilter", ["greaterThan", 2], [5]),
    ([1], "arrayInsert", [1, [2]], [1, [2]]),
]


def test_operators_change_fields(players, events):
    add(players, "a")
    for before, method, values, result in OPERATIONS:
        change(players, v=before)
        reply = change(players, v=step(method, *values))
        assert reply.status == 200, reply.json
        assert reply.json["v"] == result, method
        assert type(reply.json["v"]) is type(result), method
        assert events.payloads()[-1] == reply.json


def test_operator_on_another_type_is_refused(players):
    add(players, "a")
    refused: list[tuple[Any, str, list[Any]]] = [
        ("x", "increment", [1]),
        ([1], "increment", [1]),
        (1, "stringConcat", ["x"]),
        ("true", "toggle", []),
        ("x", "arrayAppend", [1]),
        ({"a": 1}, "arrayUnique", []),
    ]
    for before, method, values in refused:
        change(players, v=before)
        replies = [change(players, v=step(method, *values))]
        replies += [players.patch(DOCUMENTS, {"data": {"v": step(method, *values)}})]
        assert {(each.status, each.json["type"]) for each in replies} == {
            (400, "attribute_type_invalid")
        }, method
        assert players.get(f"{DOCUMENTS}/a").json["v"] == before


def test_impossible_operators_are_refused(players):
    add(players, "a", v=1)
    replies = [
        change(players, v=step("dateAddDays", 1)),
        change(players, v=step("divide", 0)),
        change(players, v=step("arrayAppend", {"$x": 1})),
        change(players, **{"v.w": step("increment", 1)}),
    ]

    assert {(each.status, each.json["type"]) for each in replies} == {
        (400, "document_invalid_structure")
    }


def test_numbers_are_counted_up_and_down(players):
    add(players, "a", v=1, name="x")
    assert players.patch(f"{DOCUMENTS}/a/v/increment", {"value": 4}).json["v"] == 5
    assert players.patch(f"{DOCUMENTS}/a/v/decrement", {"value": 2.5}).json["v"] == 2.5
    assert players.patch(f"{DOCUMENTS}/a/new/increment", {}).json["new"] == 1
    limited = players.patch(f"{DOCUMENTS}/a/v/increment", {"value": 9, "max": 5})
    wrong = [
        players.patch(f"{DOCUMENTS}/a/name/increment", {}),
        players.patch(f"{DOCUMENTS}/a/v.w/increment", {}),
    ]

    assert limited.json["type"] == "attribute_limit_exceeded"
    assert {each.json["type"] for each in wrong} == {"attribute_type_invalid"}


def test_switch_hides_fields_and_shows_them_again(players, events):
    add(players, "a", name="Ann")
    add(players, "b", name="Bob")
    events.clear()
    off = players.put(COLLECTION, {"name": "Posts", "schemaless": False, "documentSecurity": True})
    assert (off.status, off.json["schemaless"]) == (200, False)
    assert events.payloads() == [off.json]
    assert players.put(COLLECTION, {"name": "Posts"}).json["schemaless"] is False
    assert own(players.get(f"{DOCUMENTS}/a").json) == {"title": "a", "likes": 7}
    changed = change(players, likes=8).json
    assert own(changed) == {"title": "a", "likes": 8}
    assert events.payloads()[-1] == changed
    refused = [change(players, name="x"), players.patch(f"{DOCUMENTS}/a/v/increment", {})]
    assert {each.status for each in refused} == {400, 404}
    by_field = players.get(DOCUMENTS, {"queries": [query("equal", "name", "Ann")]})
    assert by_field.json["type"] == "general_query_invalid"

    on = players.put(COLLECTION, {"name": "Posts", "schemaless": True})
    assert on.json["schemaless"] is True
    assert players.get(COLLECTION).json == on.json
    assert own(players.get(f"{DOCUMENTS}/a").json) == {"title": "a", "likes": 8, "name": "Ann"}


@both_vocabularies
def test_switch_is_a_parameter_or_an_attribute_named_by_an_asterisk(admin, project, words):
    make_schemaless(project)
    kind = words.collection_key[1:-2]
    named = {f"{kind}Id": "named", "name": "N", "schemaless": True}
    entry = {"key": "*", "type": "any"}
    lists = {"collection": "attributes", "table": "columns"}
    starred = {f"{kind}Id": "starred", "name": "N", lists[kind]: [entry]}
    closed = {f"{kind}Id": "closed", "name": "N"}
    path = words.collection_path

    replies = [admin.post(path, body) for body in (named, starred, closed)]
    assert [each.json["schemaless"] for each in replies] == [True, True, False]
    assert all(each.json[lists[kind]] == [] for each in replies)
    assert Collection.objects.filter(has_free_fields=True).count() == 3


def test_fields_stay_behind_permissions(players, project, alice, client_for):
    add(players, "a", name="Ann")
    session = client_for(project, session=alice.session)

    assert session.get(f"{DOCUMENTS}/a").status == 404
    assert found(session, query("equal", "name", "Ann")) == []
    assert Document.objects.get().data[":name"] == "Ann"
