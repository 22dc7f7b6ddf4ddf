"""Indexes on fields without an attribute."""

import pytest
from django.db import connection

from documents.models import Collection
from documents.services import attributes as attribute_services
from tests.documents.blog import DOCUMENTS, query
from tests.documents.schemaless import COLLECTION, add, change, declare, found, index, own, players

__all__ = ["players"]  # a fixture

pytestmark = pytest.mark.django_db


def test_index_on_fields_is_used_and_guards_its_key(players, jobs):
    made = index(players, jobs, "home.city", "level", orders=["asc", "desc"])
    assert (made.status, made.json["attributes"]) == (202, ["home.city", "level"])
    assert players.get(f"{COLLECTION}/indexes/ix").json["status"] == "available"
    for number in range(30):
        add(players, f"d{number}", home={"city": f"c{number % 3}"}, level=number)

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        table = f"document_{Collection.objects.get(uid='posts').id}"
        value = "NULLIF(data #> ARRAY[':home', 'city']::text[], 'null'::jsonb)"
        test = f"document_ranked({value}) = document_ranked(%s::jsonb)"
        cursor.execute(f"EXPLAIN SELECT 1 FROM {table} d WHERE {test}", ['"c1"'])
        assert "ix_" in str(cursor.fetchall())
    chosen = found(players, query("equal", "home.city", "c1"), query("orderDesc", "level"))
    assert chosen[:2] == ["d28", "d25"]
    body = {"key": "level", "required": False}
    related = {"relatedCollectionId": "posts", "type": "oneToOne", "key": "level"}
    for path, asked in (("integer", body), ("relationship", related)):
        taken = players.post(f"{COLLECTION}/attributes/{path}", asked)
        assert (taken.status, taken.json["type"]) == (409, "attribute_already_exists")
    assert players.delete(f"{COLLECTION}/indexes/ix").status == 204
    jobs()
    assert declare(players, jobs, "level")["status"] == "available"


def test_index_made_while_an_attribute_is_renamed_guards_its_key(players, jobs, monkeypatch):
    check = attribute_services.check_new_key

    def overtaken(*args):
        check(*args)
        assert index(players, jobs, "code", type_="unique").status == 202

    monkeypatch.setattr(attribute_services, "check_new_key", overtaken)
    renamed = players.patch(
        f"{COLLECTION}/attributes/integer/likes",
        {"required": False, "default": 7, "newKey": "code"},
    )
    assert (renamed.status, renamed.json["type"]) == (409, "attribute_already_exists")
    assert players.get(f"{COLLECTION}/attributes/likes").status == 200


def test_field_written_while_an_attribute_is_renamed_keeps_its_key(players, jobs, monkeypatch):
    check = attribute_services.check_new_key
    add(players, "a")

    def overtaken(*args):
        check(*args)
        assert change(players, "a", code=5).status == 200

    monkeypatch.setattr(attribute_services, "check_new_key", overtaken)
    renamed = players.patch(
        f"{COLLECTION}/attributes/integer/likes",
        {"required": False, "default": 7, "newKey": "code"},
    )
    assert (renamed.status, renamed.json["type"]) == (409, "attribute_already_exists")
    assert own(players.get(f"{DOCUMENTS}/a").json)["code"] == 5


def test_index_on_a_path_guards_the_key_it_begins_with(players, jobs):
    index(players, jobs, "bag.0", type_="unique")
    add(players, "a", bag=["rope"])
    body = {"key": "bag", "required": False, "size": 9, "array": True}
    taken = players.post(f"{COLLECTION}/attributes/string", body)
    assert (taken.status, taken.json["type"]) == (409, "attribute_already_exists")
    reply = players.post(DOCUMENTS, {"documentId": "b", "data": {"title": "b", "bag": ["rope"]}})
    assert (reply.status, reply.json["type"]) == (409, "document_unique_constraint_violation")
    assert players.delete(f"{COLLECTION}/indexes/ix").status == 204
    jobs()
    assert players.post(f"{COLLECTION}/attributes/string", body).status == 202


def test_unique_index_on_a_field_tells_types_apart(players, jobs):
    index(players, jobs, "code", type_="unique")
    for uid, code in [("a", 1), ("b", "1"), ("c", [1]), ("d", {"x": 1}), ("e", None), ("f", None)]:
        add(players, uid, code=code)
    for code in (1, 1.0, "1", [1], {"x": 1}):
        reply = players.post(DOCUMENTS, {"documentId": "z", "data": {"title": "z", "code": code}})
        assert (reply.status, reply.json["type"]) == (409, "document_unique_constraint_violation")


def test_indexes_that_need_a_type_need_an_attribute(players, jobs):
    for type_ in ("fulltext", "spatial"):
        reply = index(players, jobs, "text", type_=type_)
        assert (reply.status, reply.json["type"]) == (400, "index_invalid")
        assert 'Declare "text" first' in reply.json["message"]
    players.put(COLLECTION, {"name": "Posts", "schemaless": False})
    reply = index(players, jobs, "text")
    assert (reply.status, reply.json["type"]) == (400, "attribute_unknown")
