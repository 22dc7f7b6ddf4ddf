"""Documents and rows by the newest official Python SDK, in both vocabularies."""

from datetime import UTC, datetime
from typing import Any

import pytest
from appwrite.exception import AppwriteException
from appwrite.id import ID
from appwrite.operator import Condition, Operator
from appwrite.permission import Permission
from appwrite.query import Query
from appwrite.role import Role

from tests.compat.fruits import TITLES, fruits, library, lists, notes, service
from tests.compat.sdk import Person
from tests.compat.vocabulary import Collection, Vocabulary

__all__ = ["fruits", "library", "lists", "notes", "service"]  # fixtures

# The older service's methods warn that they are; so many warnings would bury the others.
pytestmark = pytest.mark.usefixtures("recwarn")


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
