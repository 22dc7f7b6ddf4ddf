"""Databases, collections and indexes by the newest official Python SDK, in both vocabularies."""

from typing import Any

import pytest
from appwrite.client import Client
from appwrite.enums.databases_index_type import DatabasesIndexType
from appwrite.exception import AppwriteException
from appwrite.id import ID
from appwrite.permission import Permission
from appwrite.query import Query
from appwrite.role import Role

from tests.compat import sdk
from tests.compat.fruits import fruits, notes, service
from tests.compat.vocabulary import ROW_WORDS, Collection, Vocabulary

__all__ = ["fruits", "notes", "service"]  # fixtures

# The older service's methods warn that they are; so many warnings would bury the others.
pytestmark = pytest.mark.usefixtures("recwarn")


def test_every_project_has_a_default_database(service: Vocabulary):
    assert service.get("default").id == "default"


def test_database_is_created_changed_and_deleted(service: Vocabulary):
    made = service.create(ID.unique(), "First")

    changed = service.update(made.id, "Second", False)
    listed = service.list([Query.equal("name", "Second"), Query.limit(100)])
    service.delete(made.id)

    assert (made.name, made.enabled) == ("First", True)
    assert (changed.name, changed.enabled) == ("Second", False)
    assert made.id in [each.id for each in listed.databases]
    with pytest.raises(AppwriteException) as missing:
        service.get(made.id)
    assert (missing.value.code, missing.value.type) == (404, "database_not_found")


def test_collection_shows_what_it_was_made_of(service: Vocabulary, notes: Collection):
    found = notes("get_collection")
    page = service.list_collections(notes.place[0])

    assert found.name == "Notes"
    assert [each.id for each in service.listed(page, "collections")] == ["notes"]
    keys = [each["key"] for each in found.to_dict()[service.word("attributes")]]
    assert keys == ["title", "size", "done", "due"]


def test_collection_is_changed_and_deleted(notes: Collection):
    changed = notes("update_collection", "Memos", [Permission.read(Role.any())], True)

    assert changed.name == "Memos"
    assert changed.permissions == ['read("any")']
    notes("delete_collection")
    with pytest.raises(AppwriteException) as missing:
        notes("get_collection")
    assert missing.value.code == 404


@pytest.mark.parametrize(
    ("kind", "arguments", "shown"),
    [
        ("string", ["label", 16, False, "none"], {"size": 16, "default": "none"}),
        ("integer", ["rank", False, -5, 5, 0], {"min": -5, "max": 5, "default": 0}),
        ("float", ["price", False, 0.5, 9.5, 1.5], {"min": 0.5, "max": 9.5, "default": 1.5}),
        ("boolean", ["open", False, True], {"default": True}),
        ("datetime", ["seen", False], {"type": "datetime"}),
        ("email", ["reply", False, "a@b.example"], {"format": "email"}),
        ("string", ["tags", 16, False, None, True], {"array": True, "required": False}),
        ("string", ["diary", 150, False, None, False, True], {"size": 150, "encrypt": True}),
        ("varchar", ["label", 16, False, "none"], {"size": 16, "default": "none"}),
        ("text", ["body", False, "none"], {"type": "text", "default": "none"}),
        ("mediumtext", ["body", False], {"type": "mediumtext", "encrypt": False}),
        ("longtext", ["body", False, None, False, True], {"type": "longtext", "encrypt": True}),
        ("url", ["home", False, "https://a.example/"], {"format": "url"}),
        ("ip", ["host", False, "::1"], {"format": "ip", "default": "::1"}),
        (
            "enum",
            ["state", ["draft", "live"], False, "live"],
            {"elements": ["draft", "live"], "default": "live", "format": "enum"},
        ),
        ("point", ["place", False, [1.5, 2]], {"type": "point", "default": [1.5, 2]}),
        ("line", ["way", False], {"type": "linestring", "default": None}),
        ("polygon", ["area", True], {"type": "polygon", "required": True}),
        ("big_int", ["far", False, None, 2**62, 5], {"max": 2**62, "default": 5}),
        ("string", ["must", 16, True], {"required": True, "array": False}),
    ],
)
def test_attribute_is_built_and_shown(
    notes: Collection, kind: str, arguments: list[Any], shown: dict[str, Any]
):
    notes(f"create_{kind}_attribute", *arguments)
    sdk.wait_until(lambda: notes.statuses("attribute") == {"available"})

    found = notes("get_attribute", arguments[0])
    assert sdk.status(found) == "available"
    assert {name: found.to_dict()[name] for name in shown} == shown
    more = [arguments[1]] if kind == "enum" else []
    changed = notes(f"update_{kind}_attribute", arguments[0], *more, False, None)
    assert type(changed).__name__ == type(found).__name__
    assert (changed.key, changed.required, changed.default) == (arguments[0], False, None)


def test_attribute_is_changed(service: Vocabulary, notes: Collection):
    notes("create_enum_attribute", "state", ["draft", "live"], False)
    notes("create_url_attribute", "home", False)
    sdk.wait_until(lambda: notes.statuses("attribute") == {"available"})

    changed = notes("update_enum_attribute", "state", ["new", "old"], False, "new", "phase")
    renamed = notes("update_url_attribute", "home", False, "https://b.example/", "place")

    assert (changed.key, changed.elements, changed.default) == ("phase", ["new", "old"], "new")
    assert (renamed.key, renamed.default) == ("place", "https://b.example/")


def test_encrypted_attribute_comes_back_as_it_was_sent(notes: Collection):
    notes("create_string_attribute", "diary", 200, False, None, False, True)
    sdk.wait_until(lambda: notes.statuses("attribute") == {"available"})

    notes("create_document", "first", {"title": "A", "diary": "nobody must know"})

    assert notes("get_document", "first").data["diary"] == "nobody must know"
    with pytest.raises(AppwriteException) as refused:
        notes("list_documents", [Query.equal("diary", "nobody must know")])
    assert refused.value.type == "general_query_invalid"


def test_deleted_attribute_is_gone(service: Vocabulary, fruits: Collection):
    fruits("delete_attribute", "size")

    def left() -> list[str]:
        page = fruits("list_attributes")
        return [each.key for each in service.listed(page, "attributes")]

    sdk.wait_until(lambda: left() == ["title", "done", "due"])
    assert "size" not in fruits("get_document", "apple").data


@pytest.mark.parametrize("kind", [DatabasesIndexType.KEY, DatabasesIndexType.UNIQUE])
def test_index_is_built_and_shown(fruits: Collection, kind: DatabasesIndexType):
    fruits("create_index", "by_title", kind, ["title"], ["DESC"])
    sdk.wait_until(lambda: fruits.statuses("index") == {"available"})

    found = fruits("get_index", "by_title")

    assert (found.key, str(getattr(found.type, "value", found.type))) == ("by_title", kind.value)
    assert [order.lower() for order in found.orders] == ["desc"]
    assert [each.key for each in fruits("list_indexes").indexes] == ["by_title"]
    fruits("delete_index", "by_title")
    sdk.wait_until(lambda: fruits("list_indexes").total == 0)


def test_text_is_searched(fruits: Collection):
    fruits("create_index", "words", DatabasesIndexType.FULLTEXT, ["title"])
    sdk.wait_until(lambda: fruits.statuses("index") == {"available"})

    found = fruits("list_documents", [Query.search("title", "apple che")])
    others = fruits("list_documents", [Query.not_search("title", "apple")])

    assert [each.id for each in fruits.service.listed(found, "documents")] == ["apple", "cherry"]
    assert "apple" not in [each.id for each in fruits.service.listed(others, "documents")]


def test_queries_come_in_a_body_and_compute(service: Vocabulary, fruits: Collection):
    page = fruits("create_query", [Query.regex("title", "^[a-c].*y$")])
    sums = [Query.count(alias="fruits"), Query.sum("size"), Query.group_by(["done"])]
    groups = fruits("create_query", sums)

    assert [each.id for each in service.listed(page, "documents")] == ["cherry"]
    (group,) = service.listed(groups, "documents")
    assert group.data == {"fruits": 5, "sum": 100, "done": False}
    assert groups.total == 1
    large = [Query.greater_than("count", 4), Query.between("stddev", 14, 15)]
    tested = [Query.count(), Query.stddev("size"), Query.having(large)]
    assert service.listed(fruits("create_query", tested), "documents")[0].data["count"] == 5
    with pytest.raises(AppwriteException) as refused:
        fruits("create_query", [Query.join("notes", "title", "title")])
    assert (refused.value.type, "join" in str(refused.value)) == ("general_query_invalid", True)


def test_places_are_found_by_distance_and_area(service: Vocabulary, notes: Collection):
    notes("create_point_attribute", "place", False)
    notes("create_polygon_attribute", "area", False)
    sdk.wait_until(lambda: notes.statuses("attribute") == {"available"})
    notes("create_index", "by_place", DatabasesIndexType.SPATIAL, ["place"])
    sdk.wait_until(lambda: notes.statuses("index") == {"available"})
    square = [[[0, 0], [2, 0], [2, 2], [0, 2], [0, 0]]]
    notes("create_document", "near", {"title": "near", "place": [1, 1], "area": square})
    notes("create_document", "far", {"title": "far", "place": [50, 50]})

    def found(query: str) -> list[str]:
        return [each.id for each in service.listed(notes("list_documents", [query]), "documents")]

    assert found(Query.distance_less_than("place", [1, 1.001], 200)) == ["near"]
    assert found(Query.distance_greater_than("place", [1, 1], 2, False)) == ["far"]
    assert found(Query.intersects("place", square)) == ["near"]
    assert found(Query.not_intersects("place", square)) == ["far"]
    assert found(Query.touches("area", [[2, 0], [2, 2]])) == ["near"]
    assert notes("get_document", "near").data["area"] == square
    changed = notes("update_point_attribute", "place", False, [3, 4], "spot")
    assert (changed.key, changed.default) == ("spot", [3, 4])


def test_unique_index_refuses_a_second(fruits: Collection):
    fruits("create_index", "once", DatabasesIndexType.UNIQUE, ["title"])
    sdk.wait_until(lambda: fruits.statuses("index") == {"available"})

    with pytest.raises(AppwriteException) as refused:
        fruits("create_document", ID.unique(), {"title": "apple"})
    assert refused.value.code == 409


def test_rows_and_documents_are_the_same(key: Client, database: str):
    documents, rows = Vocabulary(key, {}), Vocabulary(key, ROW_WORDS)
    notes = documents.make_collection(database)
    notes("create_document", "first", {"title": "one", "size": 7})

    row = rows.get_document(*notes.place, "first")

    assert row.data["title"] == "one"
    assert row.tableid == "notes"
