"""Relationships as attributes of both collections: made, shown, changed and deleted."""

from typing import Any

import pytest

from documents.models import Collection, DocumentLink
from kernel import jobs
from kernel.caller import ProjectContext
from tests.client import ApiClient
from tests.conftest import Events
from tests.documents.related import COLLECTIONS, TABLES, get, make_collections, put, relate

pytestmark = [pytest.mark.db, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def _collections(project: ProjectContext) -> None:
    make_collections(project, "posts", "authors")


def attribute(admin: ApiClient, collection: str, key: str) -> Any:
    return admin.get(f"{COLLECTIONS}/{collection}/attributes/{key}").json


def keys(admin: ApiClient, collection: str) -> list[str]:
    listed = admin.get(f"{COLLECTIONS}/{collection}/attributes").json
    return [each["key"] for each in listed["attributes"]]


def test_relationship_is_processed_before_it_is_available(admin: ApiClient) -> None:
    body = {"relatedCollectionId": "authors", "type": "manyToOne"}

    made = admin.post(f"{COLLECTIONS}/posts/attributes/relationship", body)

    assert made.status == 202
    assert made.json["status"] == "processing"
    assert put(admin, "posts", "p", authors="ann").error == "document_invalid_structure"
    jobs.run_waiting()
    shown = attribute(admin, "posts", "authors")
    times = {name: shown.pop(name) for name in ("$createdAt", "$updatedAt")}
    assert shown == {
        "key": "authors",
        "description": "",
        "type": "relationship",
        "status": "available",
        "error": "",
        "required": False,
        "array": False,
        "default": None,
        "relatedCollection": "authors",
        "relationType": "manyToOne",
        "twoWay": False,
        "twoWayKey": "posts",
        "onDelete": "restrict",
        "side": "parent",
    }
    assert all(times.values())


def test_column_speaks_of_tables(admin: ApiClient, events: Events) -> None:
    body = {
        "relatedTableId": "authors",
        "type": "oneToMany",
        "twoWay": True,
        "key": "by",
        "twoWayKey": "wrote",
        "onDelete": "setNull",
    }
    events.clear()

    made = admin.post(f"{TABLES}/posts/columns/relationship", body).json
    jobs.run_waiting()

    assert (made["relatedTable"], made["side"], made["onDelete"]) == (
        "authors",
        "parent",
        "setNull",
    )
    twin = admin.get(f"{TABLES}/authors/columns/wrote").json
    assert (twin["relatedTable"], twin["relationType"]) == ("posts", "oneToMany")
    assert (twin["side"], twin["twoWay"], twin["twoWayKey"]) == ("child", True, "by")
    assert sorted(name.split("main.tables.")[1] for name in events.names()) == [
        "authors.columns.wrote.create",
        "authors.columns.wrote.update",
        "posts.columns.by.create",
        "posts.columns.by.update",
    ]
    listed = admin.get(f"{TABLES}/authors").json["columns"]
    assert [each["key"] for each in listed] == ["name", "wrote"]


def test_one_way_relationship_is_an_attribute_of_one_side(admin: ApiClient) -> None:
    relate(admin, "posts", "authors", "manyToOne", "author")

    assert (keys(admin, "posts"), keys(admin, "authors")) == (["name", "author"], ["name"])


@pytest.mark.parametrize("path", ["relationship/{}", "{}/relationship"])
def test_update_changes_both_sides(admin: ApiClient, path: str) -> None:
    relate(admin, "posts", "authors", "manyToOne", "author", twoWay=True, twoWayKey="wrote")
    put(admin, "posts", "p", author={"$id": "ann"})
    base = f"{COLLECTIONS}/posts/attributes"

    reply = admin.patch(
        f"{base}/{path.format('author')}", {"onDelete": "cascade", "newKey": "writer"}
    )

    assert (reply.status, reply.json["key"], reply.json["onDelete"]) == (200, "writer", "cascade")
    twin = attribute(admin, "authors", "wrote")
    assert (twin["onDelete"], twin["twoWayKey"]) == ("cascade", "writer")
    assert get(admin, "posts", "p", "writer.*").json["writer"]["$id"] == "ann"
    assert get(admin, "posts", "p", "author.*").error == "general_query_invalid"
    assert attribute(admin, "posts", "author")["type"] == "attribute_not_found"


def test_update_of_a_one_way_relationship_reaches_the_other_side(admin: ApiClient) -> None:
    relate(admin, "posts", "authors", "manyToOne", "author")
    put(admin, "posts", "p", author={"$id": "ann"})
    path = f"{COLLECTIONS}/posts/attributes/author/relationship"

    assert admin.delete(f"{COLLECTIONS}/authors/documents/ann").status == 403
    assert admin.patch(path, {"onDelete": "cascade"}).status == 200

    assert admin.delete(f"{COLLECTIONS}/authors/documents/ann").status == 204
    assert get(admin, "posts", "p").status == 404


def test_deleting_takes_both_sides_and_all_links(admin: ApiClient) -> None:
    relate(admin, "posts", "authors", "manyToOne", "author", twoWay=True, twoWayKey="wrote")
    put(admin, "posts", "p", author={"$id": "ann"})

    assert admin.delete(f"{COLLECTIONS}/authors/attributes/wrote").status == 204

    assert get(admin, "posts", "p", "author.*").error == "general_query_invalid"
    assert attribute(admin, "posts", "author")["status"] == "deleting"
    jobs.run_waiting()
    assert (keys(admin, "posts"), keys(admin, "authors")) == (["name"], ["name"])
    assert not DocumentLink.objects.exists()
    assert admin.delete(f"{COLLECTIONS}/authors/documents/ann").status == 204


def test_a_new_relationship_has_no_links_of_an_old_one(admin: ApiClient) -> None:
    relate(admin, "posts", "authors", "manyToOne", "author")
    put(admin, "posts", "p", author={"$id": "ann"})
    admin.delete(f"{COLLECTIONS}/posts/attributes/author")
    jobs.run_waiting()

    relate(admin, "posts", "authors", "manyToOne", "author")

    assert get(admin, "posts", "p", "author.*").json["author"] is None
    assert Collection.objects.get(uid="authors").inbound[0]["two_way_key"] == "author"


@pytest.mark.parametrize("two_way", [False, True])
def test_deleting_a_collection_takes_the_attribute_of_the_other(
    admin: ApiClient, two_way: bool
) -> None:
    relate(admin, "posts", "authors", "manyToOne", "author", twoWay=two_way)
    put(admin, "posts", "p", author={"$id": "ann"})

    assert admin.delete(f"{COLLECTIONS}/authors").status == 204

    assert put(admin, "posts", "q", author="ann").error == "document_invalid_structure"
    jobs.run_waiting()
    assert keys(admin, "posts") == ["name"]
    assert not DocumentLink.objects.exists()
    assert get(admin, "posts", "p").json["name"] == "p"


def test_deleting_a_database_takes_the_links(admin: ApiClient) -> None:
    relate(admin, "posts", "authors", "manyToOne", "author")
    put(admin, "posts", "p", author={"$id": "ann"})

    admin.delete("/databases/main")
    jobs.run_waiting()

    assert not DocumentLink.objects.exists()


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"relatedCollectionId": "nothing"}, 404, "collection_not_found"),
        ({"relatedCollectionId": "a b"}, 400, "general_argument_invalid"),
        ({"relatedCollectionId": None}, 400, "general_argument_invalid"),
        ({"type": "manyToNone"}, 400, "general_argument_invalid"),
        ({"onDelete": "explode"}, 400, "general_argument_invalid"),
        ({"key": "name"}, 409, "attribute_already_exists"),
        ({"key": "$id"}, 400, "general_argument_invalid"),
        ({"twoWay": True, "twoWayKey": "name"}, 409, "attribute_already_exists"),
        ({"key": "more"}, 409, "attribute_already_exists"),
        (
            {"key": "more", "twoWayKey": "more", "type": "manyToMany"},
            409,
            "attribute_already_exists",
        ),
    ],
)
def test_what_cannot_be_related_is_refused(
    admin: ApiClient, events: Events, changes: dict[str, Any], status: int, error: str
) -> None:
    relate(admin, "posts", "authors", "manyToMany", "author")
    body = {"relatedCollectionId": "authors", "type": "manyToOne", "key": "other", **changes}
    events.clear()

    reply = admin.post(f"{COLLECTIONS}/posts/attributes/relationship", body)

    assert (reply.status, reply.error) == (status, error)
    assert keys(admin, "posts") == ["name", "author"]
    assert events.names() == []


def test_collections_of_another_database_are_not_related(admin: ApiClient) -> None:
    body = {"collectionId": "far", "name": "Far"}
    assert admin.post("/databases/default/collections", body).status == 201
    relationship = {"relatedCollectionId": "far", "type": "oneToOne"}

    reply = admin.post(f"{COLLECTIONS}/posts/attributes/relationship", relationship)

    assert (reply.status, reply.error) == (404, "collection_not_found")


def test_updates_are_for_relationships_that_are_ready(admin: ApiClient) -> None:
    relate(admin, "posts", "authors", "manyToOne", "author")
    base = f"{COLLECTIONS}/posts/attributes"
    body = {"relatedCollectionId": "authors", "type": "oneToOne", "key": "new", "twoWayKey": "x"}
    admin.post(f"{base}/relationship", body)

    replies = [
        admin.patch(f"{base}/relationship/name", {"onDelete": "cascade"}),
        admin.patch(f"{base}/relationship/nothing", {"onDelete": "cascade"}),
        admin.patch(f"{base}/relationship/new", {"onDelete": "cascade"}),
        admin.patch(f"{base}/relationship/author", {"newKey": "name"}),
        admin.patch(f"{base}/string/author", {"required": False, "default": None}),
    ]

    assert [(each.status, each.error) for each in replies] == [
        (400, "attribute_type_invalid"),
        (404, "attribute_not_found"),
        (400, "attribute_not_available"),
        (409, "attribute_already_exists"),
        (400, "attribute_type_invalid"),
    ]


def test_relationship_is_not_indexed(admin: ApiClient) -> None:
    relate(admin, "posts", "authors", "manyToOne", "author")
    body = {"key": "by_author", "type": "key", "attributes": ["author"]}

    reply = admin.post(f"{COLLECTIONS}/posts/indexes", body)

    assert (reply.status, reply.error) == (400, "attribute_type_invalid")
