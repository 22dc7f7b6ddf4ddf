"""Databases, collections and documents by the newest official Python SDK, in both vocabularies."""

import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from appwrite.client import Client
from appwrite.enums.databases_index_type import DatabasesIndexType
from appwrite.exception import AppwriteException
from appwrite.id import ID
from appwrite.operator import Condition, Operator
from appwrite.permission import Permission
from appwrite.query import Query
from appwrite.role import Role
from appwrite.services.tables_db import TablesDB

from tests.compat import sdk
from tests.compat.sdk import Person
from tests.compat.vocabulary import ROW_WORDS, Collection, Vocabulary

# The older service's methods warn that they are; so many warnings would bury the others.
pytestmark = pytest.mark.usefixtures("recwarn")

TITLES = ("apple", "banana", "cherry", "date", "elder")


@pytest.fixture(scope="module", params=[{}, ROW_WORDS], ids=["databases", "tablesDB"])
def service(request: pytest.FixtureRequest, key: Client) -> Vocabulary:
    return Vocabulary(key, request.param)


@pytest.fixture
def notes(service: Vocabulary, database: str) -> Collection:
    return service.make_collection(database)


@pytest.fixture
def fruits(notes: Collection) -> Collection:
    return filled(notes)


@pytest.fixture(scope="module")
def library(service: Vocabulary, key: Client) -> Iterator[Collection]:
    """The same fruits, for tests that only read them."""
    database = TablesDB(key).create(ID.unique(), "Read only").id
    with warnings.catch_warnings(record=True):
        notes = filled(service.make_collection(database))
    yield notes
    TablesDB(key).delete(database)


@pytest.fixture(scope="module")
def lists(service: Vocabulary, key: Client) -> Iterator[Collection]:
    """Notes with a list of tags."""
    database = TablesDB(key).create(ID.unique(), "Lists").id
    with warnings.catch_warnings(record=True):
        notes = service.make_collection(database)
        notes("create_string_attribute", "tags", 20, False, None, True)
        sdk.wait_until(lambda: notes.statuses("attribute") == {"available"})
    yield notes
    TablesDB(key).delete(database)


def filled(notes: Collection) -> Collection:
    for number, title in enumerate(TITLES):
        notes("create_document", title, {"title": title, "size": number * 10})
    return notes


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


def test_document_is_created_read_changed_and_deleted(service: Vocabulary, notes: Collection):
    made = notes("create_document", "first", {"title": "A", "due": "2030-01-02T03:04:05.678+02:00"})
    changed = notes("update_document", "first", {"title": "B"})
    found = notes("get_document", "first")

    assert made.id == "first"
    assert made.databaseid == notes.place[0]
    assert made.to_dict()[f"${service.word('collection')}Id"] == "notes"
    assert made.data["title"] == "A"
    assert made.data["size"] == 1
    assert made.data["done"] is False
    assert made.data["due"] == "2030-01-02T01:04:05.678+00:00"
    assert made.permissions == []
    assert int(made.sequence) > 0
    assert found.data == made.data | {"title": "B"} == changed.data
    assert found.updatedat >= made.updatedat
    notes("delete_document", "first")
    with pytest.raises(AppwriteException) as missing:
        notes("get_document", "first")
    assert missing.value.code == 404


@pytest.mark.parametrize(
    ("queries", "expected"),
    [
        ([], list(TITLES)),
        ([Query.equal("title", ["apple", "date"])], ["apple", "date"]),
        ([Query.not_equal("title", "apple"), Query.limit(2)], ["banana", "cherry"]),
        ([Query.greater_than("size", 10), Query.less_than_equal("size", 30)], ["cherry", "date"]),
        ([Query.between("size", 20, 30)], ["cherry", "date"]),
        ([Query.starts_with("title", "b")], ["banana"]),
        ([Query.ends_with("title", "e")], ["apple", "date"]),
        ([Query.contains("title", "err")], ["cherry"]),
        ([Query.is_null("due"), Query.limit(1)], ["apple"]),
        ([Query.is_not_null("due")], []),
        ([Query.exists(["title", "size"]), Query.not_exists(["due"]), Query.limit(1)], ["apple"]),
        ([Query.order_desc("size"), Query.limit(2)], ["elder", "date"]),
        ([Query.order_asc("title"), Query.offset(3)], ["date", "elder"]),
        ([Query.order_desc("title"), Query.cursor_after("cherry")], ["banana", "apple"]),
        ([Query.cursor_before("cherry"), Query.limit(1)], ["banana"]),
        ([Query.equal("$id", "date")], ["date"]),
        (
            [Query.or_queries([Query.equal("size", 0), Query.equal("title", "elder")])],
            ["apple", "elder"],
        ),
        (
            [Query.and_queries([Query.greater_than("size", 0), Query.less_than("size", 20)])],
            ["banana"],
        ),
    ],
)
def test_documents_are_listed_by_query(
    service: Vocabulary, library: Collection, queries: list[str], expected: list[str]
):
    page = library("list_documents", queries)

    assert [each.data["title"] for each in service.listed(page, "documents")] == expected


def test_selected_attributes_are_all_that_comes(service: Vocabulary, library: Collection):
    page = library("list_documents", [Query.select(["title"]), Query.limit(1)])
    one = library("get_document", "apple", [Query.select(["size"])])

    assert [each.data for each in service.listed(page, "documents")] == [{"title": "apple"}]
    assert one.data == {"size": 0}


def test_total_counts_all_that_match(library: Collection):
    assert library("list_documents", [Query.limit(1)]).total == 5
    assert library("list_documents", [Query.less_than("size", 20), Query.limit(1)]).total == 2
    assert library("list_documents", [], None, False).total == 0
    assert library("list_documents", [], None, True, 60).total == 5


def test_document_with_its_own_permissions(
    service: Vocabulary, database: str, alice: Person, bob: Person
):
    notes = service.make_collection(
        database, permissions=[Permission.create(Role.users())], has_document_security=True
    )
    by_alice, by_bob = notes.by(alice.client), notes.by(bob.client)

    private = by_alice("create_document", ID.unique(), {"title": "mine"})
    shared = by_alice(
        "create_document",
        ID.unique(),
        {"title": "ours"},
        [Permission.read(Role.any()), Permission.write(Role.user(alice.id))],
    )

    owner = Role.user(alice.id)
    own = [Permission.read(owner), Permission.update(owner), Permission.delete(owner)]
    assert sorted(private.permissions) == sorted(own)
    assert sorted(shared.permissions) == sorted([*own[1:], Permission.read(Role.any())])
    page = by_bob("list_documents")
    assert [each.id for each in service.listed(page, "documents")] == [shared.id]
    assert page.total == 1
    with pytest.raises(AppwriteException) as hidden:
        by_bob("get_document", private.id)
    with pytest.raises(AppwriteException) as refused:
        by_bob("update_document", shared.id, {"title": "bob's"})
    assert hidden.value.code == 404
    assert (refused.value.code, refused.value.type) == (401, "user_unauthorized")
    assert by_alice("update_document", shared.id, {"title": "still ours"}).data["title"]


def test_user_grants_only_roles_they_hold(service: Vocabulary, database: str, alice: Person):
    notes = service.make_collection(
        database, permissions=[Permission.create(Role.users())], has_document_security=True
    )

    with pytest.raises(AppwriteException) as refused:
        notes.by(alice.client)(
            "create_document", ID.unique(), {"title": "x"}, [Permission.read(Role.user("bob"))]
        )

    assert refused.value.code == 401
    assert refused.value.message.startswith("Permissions must be one of:")


@pytest.mark.parametrize(
    ("data", "code", "type_"),
    [
        ({}, 400, "document_missing_data"),
        ({"size": 5}, 400, "document_invalid_structure"),
        ({"title": 5}, 400, "document_invalid_structure"),
        ({"title": "x", "size": 1001}, 400, "document_invalid_structure"),
        ({"title": "x", "unknown": 1}, 400, "document_invalid_structure"),
        ({"title": "x" * 201}, 400, "document_invalid_structure"),
        ({"title": "x", "due": "tomorrow"}, 400, "document_invalid_structure"),
    ],
)
def test_data_that_does_not_fit_is_refused(
    service: Vocabulary, notes: Collection, data: dict[str, Any], code: int, type_: str
):
    with pytest.raises(AppwriteException) as refused:
        notes("create_document", ID.unique(), data)

    assert (refused.value.code, refused.value.type) == (code, service.word(type_))


def test_same_id_twice_is_a_conflict(service: Vocabulary, fruits: Collection):
    with pytest.raises(AppwriteException) as refused:
        fruits("create_document", "apple", {"title": "again"})

    assert refused.value.code == 409
    assert refused.value.type == service.word("document_already_exists")


def test_number_is_counted_up_and_down(notes: Collection):
    notes("create_document", "first", {"title": "A", "size": 5})

    assert notes("increment_document_attribute", "first", "size", 3, 8).data["size"] == 8
    assert notes("decrement_document_attribute", "first", "size", 2).data["size"] == 6
    with pytest.raises(AppwriteException) as refused:
        notes("increment_document_attribute", "first", "size", 3, 8)
    assert refused.value.type == f"{notes.service.word('attribute')}_limit_exceeded"


@pytest.mark.parametrize(
    ("name", "operator", "result"),
    [
        ("size", Operator.increment(5, 9), 9),
        ("size", Operator.decrement(2), 3),
        ("size", Operator.multiply(3), 15),
        ("size", Operator.divide(2), 3),
        ("size", Operator.modulo(3), 2),
        ("size", Operator.power(2), 25),
        ("title", Operator.string_concat("!"), "A!"),
        ("title", Operator.string_replace("A", "B"), "B"),
        ("done", Operator.toggle(), True),
        ("due", Operator.date_add_days(1), "2030-01-02T00:00:00.000+00:00"),
        ("due", Operator.date_sub_days(1), "2029-12-31T00:00:00.000+00:00"),
        ("tags", Operator.array_append(["c"]), ["a", "b", "a", "c"]),
        ("tags", Operator.array_prepend(["c"]), ["c", "a", "b", "a"]),
        ("tags", Operator.array_insert(1, "c"), ["a", "c", "b", "a"]),
        ("tags", Operator.array_remove("a"), ["b"]),
        ("tags", Operator.array_unique(), ["a", "b"]),
        ("tags", Operator.array_intersect(["b"]), ["b"]),
        ("tags", Operator.array_diff(["b"]), ["a", "a"]),
        ("tags", Operator.array_filter(Condition.EQUAL, "a"), ["a", "a"]),
    ],
)
def test_operator_changes_the_stored_value(
    lists: Collection, name: str, operator: str, result: Any
):
    due = "2030-01-01T00:00:00.000+00:00"
    data = {"title": "A", "size": 5, "done": False, "due": due, "tags": ["a", "b", "a"]}
    uid = lists("create_document", ID.unique(), data).id

    assert lists("update_document", uid, {name: operator}).data[name] == result
    assert lists("upsert_document", uid, {"due": Operator.date_set_now()}).data["due"] != due


def test_many_are_written_at_once(service: Vocabulary, notes: Collection):
    def listed(page: Any) -> list[tuple[str, Any]]:
        return [(each.id, each.data["size"]) for each in service.listed(page, "documents")]

    made = notes("create_documents", [{"$id": uid, "title": uid} for uid in ("a", "b")])
    put = notes("upsert_documents", [{"$id": uid, "title": uid, "size": 5} for uid in ("b", "c")])
    changed = notes(
        "update_documents", {"size": Operator.increment(2)}, [Query.greater_than("size", 1)]
    )
    deleted = notes("delete_documents", [Query.equal("size", 7)])

    assert (made.total, listed(made)) == (2, [("a", 1), ("b", 1)])
    assert listed(put) == [("b", 5), ("c", 5)]
    assert listed(changed) == [("b", 7), ("c", 7)]
    assert (deleted.total, listed(deleted)) == (2, [("b", 7), ("c", 7)])
    assert listed(notes("list_documents")) == [("a", 1)]


def test_user_does_not_write_many(notes: Collection, alice: Person):
    with pytest.raises(AppwriteException) as refused:
        notes.by(alice.client)("create_documents", [{"$id": "a", "title": "a"}])
    assert (refused.value.code, refused.value.type) == (401, "general_unauthorized_scope")


def test_key_keeps_the_dates_of_what_it_moves(notes: Collection):
    moved = datetime(2020, 1, 2, tzinfo=UTC).isoformat(timespec="milliseconds")

    made = notes("create_document", "old", {"title": "A", "$createdAt": moved, "$updatedAt": moved})

    assert (made.createdat, made.updatedat) == (moved, moved)


def test_rows_and_documents_are_the_same(key: Client, database: str):
    documents, rows = Vocabulary(key, {}), Vocabulary(key, ROW_WORDS)
    notes = documents.make_collection(database)
    notes("create_document", "first", {"title": "one", "size": 7})

    row = rows.get_document(*notes.place, "first")

    assert row.data["title"] == "one"
    assert row.tableid == "notes"
