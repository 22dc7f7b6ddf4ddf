"""Many documents changed or deleted by queries in one request."""

import pytest

from documents.models import Document
from tests.documents.blog import DOCUMENTS, both_vocabularies, query
from tests.documents.bulk import grants, increment, key, rows, stored
from tests.reference import assert_model

__all__ = ["key"]  # a fixture

pytestmark = pytest.mark.django_db


# Updating


@both_vocabularies
def test_update_changes_all_that_fit(key, events, words):
    key.post(DOCUMENTS, {"documents": rows("a", "b", "c", likes=5)})
    key.patch(f"{DOCUMENTS}/b", {"data": {"likes": 7}})
    events.clear()
    body = {"data": {"tags": ["x"]}, "queries": [query("equal", "likes", 5)]}

    reply = key.patch(words.path, body)

    assert reply.status == 200, reply.json
    assert_model(f"{words.noun.title()}List", reply.json)
    changed = reply.json[words.nouns]
    assert [(each["$id"], each["tags"]) for each in changed] == [("a", ["x"]), ("c", ["x"])]
    assert reply.json["total"] == 2
    assert "tags" not in stored()["b"]
    assert events.names() == [words.event(uid, "update") for uid in ("a", "c")]
    assert events.payloads() == changed


@pytest.mark.parametrize(
    ("queries", "uids"),
    [
        ([], ["a", "b", "c", "d"]),
        ([query("limit", "", 2)], ["a", "b"]),
        ([query("orderDesc", "title"), query("limit", "", 1)], ["d"]),
        ([query("offset", "", 3)], ["d"]),
        ([query("equal", "$id", "b", "c")], ["b", "c"]),
        ([query("equal", "title", "none")], []),
    ],
)
def test_queries_pick_what_is_updated_and_deleted(key, queries, uids):
    key.post(DOCUMENTS, {"documents": rows("a", "b", "c", "d")})

    changed = key.patch(DOCUMENTS, {"data": {"likes": 50}, "queries": queries})
    deleted = key.delete(DOCUMENTS, {"queries": queries})

    assert [each["$id"] for each in changed.json["documents"]] == uids
    assert [each["$id"] for each in deleted.json["documents"]] == uids
    assert sorted({*stored(), *uids}) == ["a", "b", "c", "d"]


def test_update_does_operators_and_sets_permissions(key, client_for, project, alice):
    key.post(DOCUMENTS, {"documents": rows("a", "b", **{"$permissions": ['read("team:x")']})})
    data = {"likes": increment(2), "$permissions": ['read("users")', 'update("users")']}

    reply = key.patch(DOCUMENTS, {"data": data})

    assert [each["likes"] for each in reply.json["documents"]] == [3, 3]
    assert {tuple(each.permissions) for each in Document.objects.all()} == {
        ('read("users")', 'update("users")')
    }
    assert grants() == 4
    assert client_for(project, session=alice.session).get(DOCUMENTS).json["total"] == 2


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "document_missing_payload"),
        ({"data": {}}, "document_missing_payload"),
        ({"data": {"likes": "x"}}, "document_invalid_structure"),
        ({"data": {"odd": 1}}, "document_invalid_structure"),
        ({"data": {"title": None}}, "document_invalid_structure"),
        ({"data": {"likes": increment(98)}}, "document_invalid_structure"),
        ({"data": {"slug": "same"}}, "document_unique_constraint_violation"),
        ({"data": {"likes": 1}, "queries": [query("equal", "odd", 1)]}, "general_query_invalid"),
        (
            {"data": {"likes": 1}, "queries": [query("cursorAfter", "", "a")]},
            "general_query_invalid",
        ),
        ({"data": {"likes": 1}, "queries": ["{"]}, "general_query_invalid"),
    ],
)
def test_refused_update_changes_nothing(key, events, body, error):
    key.post(DOCUMENTS, {"documents": [*rows("a"), *rows("b", likes=5)]})
    before = stored()
    events.clear()

    reply = key.patch(DOCUMENTS, body)

    assert reply.error == error, reply.json
    assert (stored(), events.names()) == (before, [])


# Deleting


@both_vocabularies
def test_delete_takes_documents_and_grants_away(key, events, words):
    key.post(DOCUMENTS, {"documents": rows("a", "b", **{"$permissions": ['read("any")']})})
    key.post(DOCUMENTS, {"documents": rows("c", **{"$permissions": ['read("any")']})})
    events.clear()

    reply = key.delete(words.path, {"queries": [query("lessThan", "$id", "c")]})

    assert reply.status == 200, reply.json
    assert_model(f"{words.noun.title()}List", reply.json)
    assert [each["title"] for each in reply.json[words.nouns]] == ["A", "B"]
    assert (list(stored()), grants()) == (["c"], 1)
    assert events.names() == [words.event(uid, "delete") for uid in ("a", "b")]
    assert events.payloads() == reply.json[words.nouns]
